"""Tones as styles of the theme that is in use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color

if TYPE_CHECKING:
    from textual.theme import Theme

    from workbench.tui.presenting.table import Tone

LIGHT = 0.25
"""By how much colours are darkened for text on a light ground."""

DARK = 0.3
"""Colours of this brightness are dark enough as they are."""

_VARIABLES: dict[str, str] = {
    "good": "success",
    "bad": "error",
    "warn": "warning",
    "busy": "primary",
    "accent": "accent",
}


def style(tone: Tone, theme: Theme) -> Style:
    """How a tone looks in a theme. Where the theme names no colour for it, it looks plain."""
    colour = str(getattr(theme, _VARIABLES[tone], None) or "") if tone in _VARIABLES else ""
    return _made(tone, colour if theme.dark else _darker(colour))


@lru_cache(maxsize=256)
def _darker(colour: str) -> str:
    """A colour as text on a light ground: those of a theme are made for areas, and too bright to be read."""
    if not colour.startswith("#"):
        return colour
    parsed = Color.parse(colour)
    return parsed.darken(LIGHT).hex if parsed.brightness > DARK else colour


@lru_cache(maxsize=256)
def _made(tone: Tone, colour: str) -> Style:
    if tone == "strong":
        return Style(bold=True)
    if tone == "faint":
        return Style(dim=True)
    # A theme of the terminal's own colours names them so.
    named = colour.removeprefix("ansi_").replace("auto", "")
    return Style(color=named or None, bold=tone == "bad")
