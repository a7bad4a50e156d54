"""One teammate: what it says and does, its diff, its markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import Static

from workbench.tui.screens.base import RunScreen

if TYPE_CHECKING:
    from workbench.core.watched import Watched


class TeammateScreen(RunScreen):
    """One teammate: what it says and does, its diff, its markers."""

    CSS_PATH = "teammate.tcss"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.teammate = name

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Static(id="about")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        self.query_one("#about", Static).update(self.teammate)
