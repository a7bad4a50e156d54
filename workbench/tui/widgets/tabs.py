"""The names of a screen's panes, of which one has the keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Panes(Widget):
    """One line of names. A click on one posts ``Chosen``."""

    DEFAULT_CSS = """
    Panes { height: 1; padding: 0 1; background: $panel; }
    """

    class Chosen(Message):
        """A pane was clicked at: ``pane`` is its id."""

        def __init__(self, pane: str) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, panes: Sequence[tuple[str, str]], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._panes = tuple(panes)
        self._counts: dict[str, str] = {}
        self.active = self._panes[0][0]

    def show(self, active: str, counts: dict[str, str]) -> None:
        """Which pane has the keys, and what stands behind the names."""
        if (active, counts) != (self.active, self._counts):
            self.active, self._counts = active, counts
            self.refresh()

    def _labels(self) -> list[tuple[str, str]]:
        made = []
        for pane, name in self._panes:
            label = f"{name} {self._counts[pane]}" if self._counts.get(pane) else name
            made.append((pane, f"[{label}]" if pane == self.active else f" {label} "))
        return made

    def render(self) -> RenderResult:
        """See Widget."""
        return Content(" ").join(
            Content.styled(label, "bold $text-accent" if pane == self.active else "$text-muted")
            for pane, label in self._labels()
        )

    def on_click(self, event: events.Click) -> None:
        """Find the name."""
        at = 1
        for pane, label in self._labels():
            if at <= event.x < at + len(label):
                self.post_message(self.Chosen(pane))
            at += len(label) + 1
