"""The team, its tasks, the merge queue and what happens: the screen that is open all day."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from workbench.core.story.team import rows
from workbench.tui.presenting.table import Cell, Column, Row
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.core.watched import Watched


COLUMNS = (
    Column("teammate", 10),
    Column("task", 12, flex=1),
    Column("%", 4, right=True),
    Column("doing", 20, flex=3),
)


class TeamScreen(RunScreen):
    """The team, its tasks, the merge queue and what happens: the screen that is open all day."""

    CSS_PATH = "team.tcss"
    FILTERS: ClassVar[bool] = True

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Rows(COLUMNS, empty="nothing here yet", id="rows")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        found = [row for row in rows(watched.state) if self.matches(row.teammate, row.task, row.doing)]
        self.query_one("#rows", Rows).show(
            [
                Row(it.teammate, (Cell(it.teammate), Cell(it.task), Cell(f"{it.percent}%"), Cell(it.doing)))
                for it in found
            ]
        )

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Open the teammate."""
        self.bench.open_teammate(event.key)
