"""What ctrl+c asks."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

Choice = Literal["", "stop", "close"]


class StopScreen(ModalScreen[Choice]):
    """Stop the run, or only close the viewer?"""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "dismiss('stop')", "Stop the run"),
        Binding("q,ctrl+c", "dismiss('close')", "Close the viewer"),
        Binding("escape", "dismiss('')", "Neither"),
    ]

    def __init__(self, run: str, *, live: bool) -> None:
        super().__init__()
        self._run, self._live = run, live

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is offered is done: a run that does not go on is not stopped."""
        return self._live or parameters != ("stop",)

    def compose(self) -> ComposeResult:
        with Vertical(id="stop"):
            if self._live:
                yield Label(f"Run {self._run} is going on.", markup=False)
                yield Label("[b]s[/b]    stop it gracefully: what the teammates have is kept")
                yield Label("[b]q[/b]    close this viewer; the run goes on")
            else:
                yield Label("[b]q[/b]    close this viewer")
            yield Label("[b]esc[/b]  go back")
