"""The line above every screen."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from workbench.tui.presenting.header import GAP, Head, line
from workbench.tui.presenting.table import Cell, fitted

_STYLES = {
    "good": "$text-success",
    "bad": "bold $text-error",
    "warn": "$text-warning",
    "busy": "$text-primary",
    "accent": "$text-accent",
    "faint": "dim",
    "strong": "bold",
    "plain": "",
}


def content(cell: Cell) -> Content:
    """A cell as content, in the colours of the theme."""
    return Content.styled(cell.text, _STYLES[cell.tone])


class RunHeader(Widget):
    """Run, progress, standing and cost; what does not fit is left out, never cut in half. A notice may take
    three lines."""

    DEFAULT_CSS = """
    RunHeader { height: auto; max-height: 4; background: $panel; padding: 0 1; }
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

    def on_resize(self) -> None:
        """How many lines a notice needs is known once there is a width."""
        if self._head.notice is not None:
            self.refresh(layout=True)

    def render(self) -> RenderResult:
        """See Widget."""
        if not self._head.run:
            return Content.styled("workbench", "bold")
        room = max(10, self.size.width)
        name, done, rest, *items = line(self._head, room)
        shown = Content.assemble(content(name), " " * GAP, content(done), content(rest))
        for cell in items:
            shown = Content.assemble(shown, " " * GAP, content(cell))
        notice = self._head.notice
        if notice is None:
            return shown
        said = fitted(notice.text, 3 * room - 24).rstrip()  # long words may begin the next lines
        return Content.assemble(shown, "\n", content(Cell(said, notice.tone)))
