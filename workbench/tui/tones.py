"""Tones as styles of the theme that is in use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color

if TYPE_CHECKING:
    from textual.theme import Theme

    from workbench.tui.presenting.table import Tone

APART = 0.25
"""By how much colours are darkened for text on a light ground, and lightened on a dark one."""

DARK, BRIGHT = 0.3, 0.45
"""Colours below the one are dark enough as they are, and above the other bright enough."""

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
    return _made(tone, _readable(colour, dark=theme.dark))


@lru_cache(maxsize=256)
def _readable(colour: str, *, dark: bool) -> str:
    """A colour as text: those of a theme are made for areas, and some are too near to the ground."""
    if not colour.startswith("#"):
        return colour
    parsed = Color.parse(colour)
    if dark:
        return parsed.lighten(APART).hex if parsed.brightness < BRIGHT else colour
    return parsed.darken(APART).hex if parsed.brightness > DARK else colour


@lru_cache(maxsize=256)
def _made(tone: Tone, colour: str) -> Style:
    if tone == "strong":
        return Style(bold=True)
    if tone == "faint":
        return Style(dim=True)
    # A theme of the terminal's own colours names them so.
    named = colour.removeprefix("ansi_").replace("auto", "")
    return Style(color=named or None, bold=tone == "bad")
