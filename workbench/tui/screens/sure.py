"""Is that meant? Asked before what cannot be taken back."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label


class SureScreen(ModalScreen[bool]):
    """A question that `y` answers with yes, and everything else with no."""

    DEFAULT_CSS = """
    SureScreen #sure { width: 64; max-width: 95%; height: auto; background: $surface; padding: 1 2;
        border: round $warning; }
    SureScreen #sure Label { width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape,q", "dismiss(False)", "No"),
    ]

    def __init__(self, question: str, yes: str) -> None:
        super().__init__()
        self._question, self._yes = question, yes

    def compose(self) -> ComposeResult:
        with Vertical(id="sure"):
            yield Label(self._question, markup=False)
            yield Label(f"\ny    {self._yes}\nesc  go back", markup=False)
