"""The plan as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from workbench.tui.presenting.table import Cell, Column, Row
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.core.watched import Watched


COLUMNS = (Column("task", 16), Column("title", 20, flex=1), Column("after", 12))


class PlanScreen(RunScreen):
    """The plan as it stands."""

    CSS_PATH = "plan.tcss"
    FILTERS: ClassVar[bool] = True

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Rows(COLUMNS, empty="nothing here yet", id="rows")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        plan = watched.state.plan
        tasks = plan.tasks if plan else ()
        rows = [Row(it.id, (Cell(it.id), Cell(it.title), Cell(", ".join(it.after)))) for it in tasks]
        self.query_one("#rows", Rows).show(rows)
