"""The keys at the foot of a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Footer

if TYPE_CHECKING:
    from textual.screen import Screen


class KeyFooter(Footer):
    """A footer that is made anew only when it shows other keys than before. Textual's own is with every
    change of focus, which takes longer than a key may."""

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._shown: list[tuple[str, str, bool]] | None = None

    def bindings_changed(self, screen: Screen[object]) -> None:
        """See Footer."""
        active = screen.active_bindings.values()
        shown = [(it.key, it.description, enabled) for _, it, enabled, _ in active if it.show]
        if shown != self._shown or not screen.app.app_focus:
            self._shown = shown if screen.app.app_focus else None
            super().bindings_changed(screen)
