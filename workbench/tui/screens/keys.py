"""The keys that mean something where the person is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

TEXTUALS = ("screen.copy_text", "page_left", "page_right", "scroll_left", "scroll_right")
"""What Textual binds everywhere, and nobody needs to be told of."""


class KeysScreen(ModalScreen[None]):
    """All keys of the screen beneath it, each with what it does."""

    DEFAULT_CSS = """
    KeysScreen Horizontal { height: auto; }
    KeysScreen .key { width: 18; height: auto; text-align: right; padding-right: 2; }
    KeysScreen .what { width: 1fr; height: auto; }
    """
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
            for key, what in self._lines:
                with Horizontal():
                    yield Static(Content.styled(key, "bold $text-accent"), classes="key")
                    yield Static(Content(what), classes="what")

    def action_scroll(self, by: int) -> None:
        """A line further."""
        self.query_one("#keys").scroll_relative(y=by, animate=False, immediate=True)


def keys(active: Iterable[ActiveBinding]) -> list[tuple[str, str]]:
    """Keys and what they do: one line for each thing that can be done, those of the screen first, then those
    of what has the focus, and those of everywhere last."""
    found: dict[str, list[str]] = {}
    said: dict[tuple[object, str], str] = {}
    for node, binding, enabled, tooltip in sorted(active, key=_rank):
        if not enabled or binding.system or binding.action in TEXTUALS:
            continue
        # One action of one owner is one thing; two owners may have actions of one name.
        what = said.setdefault((node, binding.action), tooltip or binding.description)
        if what:
            found.setdefault(what, []).append(binding.key_display or _shown(binding.key))
    return [(" ".join(dict.fromkeys(shown)), what) for what, shown in found.items()]


def _rank(it: ActiveBinding) -> int:
    return 0 if isinstance(it.node, Screen) else 2 if isinstance(it.node, App) else 1


def _shown(key: str) -> str:
    names = {"question_mark": "?", "slash": "/", "escape": "esc", "up": "↑", "down": "↓", "left": "←"}
    names |= {
        "pagedown": "pgdn",
        "pageup": "pgup",
        "right": "→",
        "colon": ":",
        "left_square_bracket": "[",
        "right_square_bracket": "]",
    }
    return names.get(key, key.replace("ctrl+", "^"))
