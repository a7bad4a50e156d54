"""Panes of a screen: the line above them, and rows that leave h and l to going between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from workbench.tui.presenting.panes import Piece, Tab, strip
from workbench.tui.presenting.table import Cell
from workbench.tui.widgets.header import content
from workbench.tui.widgets.rows import Rows

NEXT = "tab: next pane"
"""What stands at the end of a strip."""

BETWEEN_PANES: tuple[Binding, ...] = (
    Binding("h,left", "screen.pane(-1)", "Pane before", show=False),
    Binding("l,right", "screen.pane(1)", "Next pane", show=False),
)


class PaneRows(Rows):
    """Rows in one of several panes."""

    BINDINGS: ClassVar[list[BindingType]] = [*BETWEEN_PANES]


class PaneStrip(Widget):
    """The names of one pane or of several, what there is in each, and which one is seen. A click on one posts
    ``Picked``."""

    DEFAULT_CSS = """
    PaneStrip { height: 1; background: $surface; color: $text-muted; }
    """

    class Picked(Message):
        """A pane was clicked on: ``key`` is its name."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._tabs: tuple[Tab, ...] = ()
        self._hint = ""

    def show(self, tabs: Sequence[Tab], hint: str = "") -> None:
        """Show this now."""
        if (tuple(tabs), hint) != (self._tabs, self._hint):
            self._tabs, self._hint = tuple(tabs), hint
            self.refresh()

    def _pieces(self) -> tuple[Piece, ...]:
        return strip(self._tabs, max(1, self.size.width), self._hint)

    def render(self) -> RenderResult:
        """See Widget."""
        return Content.assemble(*(content(Cell(piece.text, piece.tone)) for piece in self._pieces()))

    def on_click(self, event: events.Click) -> None:
        """Tell which pane was meant."""
        at = 0
        for piece in self._pieces():
            at += cell_len(piece.text)
            if event.x < at:
                if piece.key:
                    self.post_message(self.Picked(piece.key))
                return
