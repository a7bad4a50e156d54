"""The keys that mean something where the person is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

SIDEWAYS = ("page_left", "page_right")
"""What everything that scrolls has keys for, though nothing here is wider than the screen."""


class KeysScreen(ModalScreen[None]):
    """All keys of the screen beneath it, each with what it does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Close"),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, active: Iterable[ActiveBinding], name: str) -> None:
        super().__init__()
        self._lines = keys(active)
        self._name = name

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="keys"):
            yield Static(Content.styled(f"Keys: {self._name}", "bold"))
            yield Static(
                Content("\n").join(
                    Content.assemble(Content.styled(f"{key:>12}", "bold $accent"), "  ", what)
                    for key, what in self._lines
                )
            )

    def action_scroll(self, by: int) -> None:
        """A line further."""
        self.query_one("#keys").scroll_relative(y=by, animate=False, immediate=True)


def keys(active: Iterable[ActiveBinding]) -> list[tuple[str, str]]:
    """Keys and what they do: one line for each action, those of the screen before those of everywhere."""
    found: dict[str, tuple[list[str], str]] = {}
    for _, binding, enabled, tooltip in active:
        if not enabled or binding.system or binding.action in SIDEWAYS:
            continue
        what = tooltip or binding.description
        if not what:
            continue
        shown, _ = found.setdefault(binding.action, ([], what))
        shown.append(binding.key_display or _shown(binding.key))
    return [(" ".join(dict.fromkeys(shown)), what) for shown, what in found.values()]


def _shown(key: str) -> str:
    names = {"question_mark": "?", "slash": "/", "escape": "esc", "up": "↑", "down": "↓", "left": "←"}
    names |= {"right": "→", "colon": ":", "left_square_bracket": "[", "right_square_bracket": "]"}
    return names.get(key, key.replace("ctrl+", "^"))
