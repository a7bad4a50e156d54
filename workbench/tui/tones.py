"""Tones as styles of the theme that is in use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.style import Style

if TYPE_CHECKING:
    from textual.theme import Theme

    from workbench.tui.presenting.table import Tone

_VARIABLES: dict[str, str] = {
    "good": "text-success",
    "bad": "text-error",
    "warn": "text-warning",
    "busy": "text-primary",
    "accent": "text-accent",
}
"""The theme's colours for text: those for areas cannot be read on a light background."""


def style(tone: Tone, theme: Theme) -> Style:
    """How a tone looks in a theme. Where the theme names no colour for it, it looks plain."""
    if tone not in _VARIABLES:
        return _made(tone, "")
    if theme.name not in _COLOURS:
        _COLOURS[theme.name] = theme.to_color_system().generate()
    return _made(tone, _COLOURS[theme.name].get(_VARIABLES[tone], ""))


_COLOURS: dict[str, dict[str, str]] = {}
"""Of each theme that was used, by its name."""


@lru_cache(maxsize=256)
def _made(tone: Tone, colour: str) -> Style:
    if tone == "strong":
        return Style(bold=True)
    if tone == "faint":
        return Style(dim=True)
    # A theme of the terminal's own colours names them so.
    named = colour.removeprefix("ansi_").replace("auto", "")
    return Style(color=named or None, bold=tone == "bad")
