"""The line above every screen."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from workbench.tui.presenting.header import Head
from workbench.tui.presenting.table import Cell

BAR = 12

_STYLES = {
    "good": "$success",
    "bad": "bold $error",
    "warn": "$warning",
    "busy": "$primary",
    "accent": "$accent",
    "faint": "dim",
    "strong": "bold",
    "plain": "",
}


def content(cell: Cell) -> Content:
    """A cell as content, in the colours of the theme."""
    return Content.styled(cell.text, _STYLES[cell.tone])


class RunHeader(Widget):
    """Run, progress, standing and cost; what does not fit is left out from the end, never cut in half.
    A notice may take two lines."""

    DEFAULT_CSS = """
    RunHeader { height: auto; max-height: 3; background: $panel; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__(id="run-header")
        self._head = Head("", 0, (), None)

    def show(self, head: Head) -> None:
        """Show this now."""
        if head != self._head:
            tall = head.notice != self._head.notice
            self._head = head
            self.refresh(layout=tall)

    def render(self) -> RenderResult:
        """See Widget."""
        room = max(10, self.size.width - 2)
        head = self._head
        name = head.run or "workbench"
        done = BAR * head.percent // 100
        line = Content.assemble(
            Content.styled(name, "bold"),
            "  ",
            Content.styled("━" * done, "$success"),
            Content.styled("─" * (BAR - done), "dim"),
        )
        for cell in head.cells:
            more = Content.assemble("  ", content(cell))
            if line.cell_length + more.cell_length <= room:
                line = Content.assemble(line, more)
        if head.notice is None:
            return line
        return Content.assemble(line, "\n", content(head.notice).truncate(2 * room - 10, ellipsis=True))
