"""Writing to somebody."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, TextArea

from workbench.core.models import TEXT_LIMIT


class WriteScreen(ModalScreen[str]):
    """A text field for a message to ``to``; gives the text, "" when nothing is to be sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+j", "send", "Send", key_display="^s"),
        Binding("escape", "dismiss('')", "Discard"),
    ]

    def __init__(self, to: str, about: str = "") -> None:
        super().__init__()
        self._to, self._about = to, about

    def compose(self) -> ComposeResult:
        with Vertical(id="write"):
            yield Label(f"To {self._to}", markup=False)
            if self._about:
                yield Label(self._about, id="about", markup=False)
            yield TextArea(id="text", show_line_numbers=False)
            yield Label("ctrl+s sends, esc discards", id="how")

    def action_send(self) -> None:
        """Give the text, unless it is empty or too long."""
        text = self.query_one("#text", TextArea).text.strip()
        if len(text) > TEXT_LIMIT:
            self.notify(f"At most {TEXT_LIMIT:,} characters; this has {len(text):,}.", severity="error")
            return
        self.dismiss(text)
