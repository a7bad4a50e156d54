"""The names of the parts of a screen, on one line, with the one that is shown marked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class TabLine(Widget):
    """``show`` gives it ids and labels. A click posts ``Picked``."""

    DEFAULT_CSS = """
    TabLine { height: 1; background: $surface; padding: 0 1; }
    """

    class Picked(Message):
        """The tab ``name`` was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, tabs: Sequence[tuple[str, str]], id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.tabs = tuple(tabs)
        self.at = self.tabs[0][0]

    def show(self, tabs: Sequence[tuple[str, str]], at: str) -> None:
        """Show these, and that one as the one that is open."""
        if (tuple(tabs), at) != (self.tabs, self.at):
            self.tabs, self.at = tuple(tabs), at
            self.refresh()

    def render(self) -> RenderResult:
        """See Widget."""
        parts = [
            Content.styled(f"[{label}]", "bold $primary") if name == self.at else Content(f" {label} ")
            for name, label in self.tabs
        ]
        return Content(" ").join(parts).truncate(max(1, self.size.width), ellipsis=True)

    def on_click(self, event: events.Click) -> None:
        """Open the tab that was clicked."""
        place = 1
        for name, label in self.tabs:
            size = cell_len(label) + 2
            if place <= event.x < place + size:
                self.post_message(self.Picked(name))
                return
            place += size + 1
