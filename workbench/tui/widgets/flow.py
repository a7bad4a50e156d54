"""What is to be known of one thing at a glance: short facts that flow over a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from workbench.tui.presenting.facts import Fact
from workbench.tui.widgets.header import content

BETWEEN = "  "


class Flow(Widget):
    """``show`` gives it the facts. Each stands on one line whole, or cut with … where a line is too short for
    it; facts that have a ``line`` of their own begin one."""

    DEFAULT_CSS = """
    Flow { height: auto; max-height: 6; padding: 0 1; }
    """

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.facts: tuple[Fact, ...] = ()

    def show(self, facts: Sequence[Fact]) -> None:
        """Show these now."""
        facts = tuple(facts)
        if facts != self.facts:
            before = len(self._lines(self.size.width))
            self.facts = facts
            self.refresh(layout=len(self._lines(self.size.width)) != before)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """See Widget."""
        return len(self._lines(width))

    def _lines(self, width: int) -> list[Content]:
        width = max(10, width)
        lines: list[Content] = []
        for fact in self.facts:
            part = Content.assemble(
                *([Content.styled(f"{fact.label} ", "dim")] if fact.label else []),
                *(content(cell) for cell in fact.cells),
            )
            gap = len(BETWEEN)
            if lines and not fact.line and lines[-1].cell_length + gap + part.cell_length <= width:
                lines[-1] = Content.assemble(lines[-1], BETWEEN, part)
            else:
                lines.append(part.truncate(width, ellipsis=True))
        return lines

    def render(self) -> RenderResult:
        """See Widget."""
        return Content("\n").join(self._lines(self.size.width))
