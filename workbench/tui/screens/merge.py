"""The merge queue, the landings, and what stood in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from workbench.tui.presenting.table import Cell, Column, Row
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.core.watched import Watched


COLUMNS = (Column("task", 16, flex=1), Column("commit", 10), Column("by", 10))


class MergeScreen(RunScreen):
    """The merge queue, the landings, and what stood in the way."""

    CSS_PATH = "merge.tcss"
    FILTERS: ClassVar[bool] = True

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Rows(COLUMNS, empty="nothing here yet", id="rows")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        found = [it for it in reversed(watched.state.landings) if self.matches(it.task, it.teammate)]
        rows = [Row(it.commit, (Cell(it.task), Cell(it.commit[:10]), Cell(it.teammate))) for it in found]
        self.query_one("#rows", Rows).show(rows)
