"""One of several, chosen from rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from workbench.tui.presenting.table import Column, Row
from workbench.tui.widgets.rows import Rows


class ChooseScreen(ModalScreen[str]):
    """Gives the key of the row that was chosen, "" for none."""

    DEFAULT_CSS = """
    ChooseScreen #choose {
        width: 76; max-width: 95%; height: auto; max-height: 80%;
        background: $surface; border: round $primary; padding: 0 1;
    }
    ChooseScreen #asks { text-style: bold; margin: 0 1 1 1; }
    ChooseScreen #how { color: $text-muted; margin: 1 1 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss('')", "None of them")]

    def __init__(self, title: str, columns: Sequence[Column], rows: Sequence[Row], empty: str) -> None:
        super().__init__()
        self._asks, self._columns, self._rows, self._empty = title, columns, rows, empty

    def compose(self) -> ComposeResult:
        with Vertical(id="choose"):
            yield Label(self._asks, markup=False, id="asks")
            yield Rows(self._columns, empty=self._empty, id="choices")
            yield Label("enter chooses, esc goes back", id="how")

    def on_mount(self) -> None:
        rows = self.query_one("#choices", Rows)
        rows.styles.height = max(2, min(len(self._rows) + 1, self.app.size.height * 8 // 10 - 6))
        rows.show(self._rows)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """That one."""
        event.stop()
        self.dismiss(event.key)
