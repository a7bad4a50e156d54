"""What is asked before a plan is approved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.tui.presenting.table import Cell, fitted
from workbench.tui.widgets.header import content


class ApproveScreen(ModalScreen[bool]):
    """Approve this plan? ``lines`` say what that means."""

    CSS_PATH = "approve.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,A", "dismiss(True)", "Approve it"),
        Binding("n,escape,q", "dismiss(False)", "Do not"),
    ]

    def __init__(self, lines: Sequence[Cell]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        said = [content(Cell(fitted(it.text, 400).rstrip(), it.tone)) for it in self._lines]
        with VerticalScroll(id="approve"):
            yield Static(Content("\n").join(said))
            yield Static(Content.from_markup("\n[b]y[/b] approve   [b]n[/b] do not"))
