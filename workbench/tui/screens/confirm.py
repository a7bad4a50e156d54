"""A question that is answered with yes or no, with what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Label, Static

from workbench.tui.presenting.prose import Line
from workbench.tui.widgets.header import content


class ConfirmScreen(ModalScreen[bool]):
    """``title`` asks; ``lines`` say what follows. ``yes`` names what the person agrees to; without it there
    is nothing to agree to, and the screen only tells."""

    DEFAULT_CSS = """
    ConfirmScreen #confirm {
        width: 84; max-width: 95%; height: auto; max-height: 90%;
        background: $surface; border: round $warning; padding: 0 2;
    }
    ConfirmScreen #asks { text-style: bold; width: 100%; height: auto; margin: 0 0 1 0; }
    ConfirmScreen #follows { height: auto; max-height: 24; scrollbar-size-vertical: 1; }
    ConfirmScreen Horizontal { height: 1; margin: 1 0 0 0; }
    ConfirmScreen Button { margin: 0 2 0 0; min-width: 8; }
    """
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes"),
        Binding("n,escape,q", "dismiss(False)", "No"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,ctrl+f,space", "scroll(10)", show=False),
        Binding("pageup,ctrl+b", "scroll(-10)", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[Line], yes: str = "yes") -> None:
        super().__init__()
        self._asks, self._lines, self._yes = title, tuple(lines), yes

    def compose(self) -> ComposeResult:
        with Vertical(id="confirm"):
            yield Label(self._asks, markup=False, id="asks")
            with VerticalScroll(id="follows", can_focus=False):
                said = [Content.assemble(*(content(cell) for cell in line)) for line in self._lines]
                yield Static(Content("\n").join(said))
            with Horizontal():
                if self._yes:
                    yield Button(Content(f"y  {self._yes}"), id="yes", compact=True, variant="warning")
                    yield Button(Content("n  no"), id="no", compact=True)
                else:
                    yield Button(Content("esc  close"), id="no", compact=True)

    def on_mount(self) -> None:
        follows = self.query_one("#follows")
        follows.styles.max_height = max(3, self.app.size.height - 9)

    def action_yes(self) -> None:
        """Agree, where there is something to agree to."""
        if self._yes:
            self.dismiss(True)

    def action_scroll(self, by: int) -> None:
        """So many lines further."""
        self.query_one("#follows").scroll_relative(y=by, animate=False, immediate=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """As its key."""
        self.dismiss(event.button.id == "yes")
