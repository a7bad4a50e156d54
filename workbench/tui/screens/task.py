"""One task: brief, attempts, evidence, diff and gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import Static

from workbench.tui.screens.base import RunScreen

if TYPE_CHECKING:
    from workbench.core.watched import Watched


class TaskScreen(RunScreen):
    """One task: brief, attempts, evidence, diff and gates."""

    CSS_PATH = "task.tcss"

    def __init__(self, task: str) -> None:
        super().__init__()
        self.name_of_task = task

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Static(id="about")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        self.query_one("#about", Static).update(self.name_of_task)
