"""A few lines about something."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from workbench.tui.presenting.table import Cell, fitted
from workbench.tui.widgets.header import content

LEAST = 12
"""Cells in which a fact is worth being shown cut short."""


class Facts(Widget):
    """Lines of cells that follow each other; of a line that is too long the last are left out."""

    DEFAULT_CSS = """
    Facts { height: auto; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: tuple[tuple[Cell, ...], ...] = ()

    def show(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show these now; a line without cells is left out."""
        now = tuple(tuple(line) for line in lines if line)
        if now != self._lines:
            tall = len(now) != len(self._lines)
            self._lines = now
            self.refresh(layout=tall)

    def render(self) -> RenderResult:
        """See Widget."""
        return Content("\n").join(self._fit(line, max(LEAST, self.size.width - 2)) for line in self._lines)

    def _fit(self, line: tuple[Cell, ...], room: int) -> Content:
        found: list[Content] = []
        for cell in line:
            left = room - bool(found) * 2
            text = fitted(cell.text, min(cell_len(cell.text), left)) if left >= LEAST else ""
            if cell_len(cell.text) > left and not text:
                break
            found.append(content(Cell(text or fitted(cell.text, cell_len(cell.text)), cell.tone)))
            room = left - cell_len(cell.text)
        return Content("  ").join(found)
