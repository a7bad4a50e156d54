"""Runs of this repository, plans to approve, and what doctor finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from workbench.tui.presenting.table import Cell, Column, Row
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.core.watched import Watched


class HomeScreen(RunScreen):
    """Runs of this repository, plans to approve, and what doctor finds."""

    CSS_PATH = "home.tcss"
    FILTERS: ClassVar[bool] = True

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Rows((Column("run", 16, flex=1),), empty="nothing here yet", id="rows")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        self.query_one("#rows", Rows).show([Row(watched.run, (Cell(watched.run),))] if watched.run else [])
