"""All that waits for the person, in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from workbench.core.inbox import inbox
from workbench.tui.presenting.table import Cell, Column, Row
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.core.watched import Watched


COLUMNS = (Column("id", 5), Column("from", 10), Column("what", 20, flex=1))


class InboxScreen(RunScreen):
    """All that waits for the person, in one list."""

    CSS_PATH = "inbox.tcss"
    FILTERS: ClassVar[bool] = True

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Rows(COLUMNS, empty="nothing here yet", id="rows")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        box = inbox(watched.state, watched.history.sent)
        asks = [it for it in box.asks if self.matches(it.sender, it.text)]
        rows = [Row(it.id, (Cell(it.id), Cell(it.sender), Cell(it.text))) for it in asks]
        self.query_one("#rows", Rows).show(rows)
