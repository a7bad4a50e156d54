"""Tones as styles of the theme that is in use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.style import Style

if TYPE_CHECKING:
    from textual.theme import Theme

    from workbench.tui.presenting.table import Tone

_VARIABLES: dict[str, str] = {
    "good": "success",
    "bad": "error",
    "warn": "warning",
    "busy": "primary",
    "accent": "accent",
}


def style(tone: Tone, theme: Theme) -> Style:
    """How a tone looks in a theme. Where the theme names no colour for it, it looks plain."""
    if tone not in _VARIABLES:
        return _made(tone, "")
    if not theme.dark:
        return _made(tone, _on_light(theme.name, theme).get(f"text-{_VARIABLES[tone]}", ""))
    return _made(tone, str(getattr(theme, _VARIABLES[tone], None) or ""))


_light: dict[str, dict[str, str]] = {}


def _on_light(name: str, theme: Theme) -> dict[str, str]:
    """The colours of a light theme as they can be read as text: its own are made to be filled with."""
    if name not in _light:
        _light[name] = theme.to_color_system().generate()
    return _light[name]


@lru_cache(maxsize=256)
def _made(tone: Tone, colour: str) -> Style:
    if tone == "strong":
        return Style(bold=True)
    if tone == "faint":
        return Style(dim=True)
    # A theme of the terminal's own colours names them so.
    named = colour.removeprefix("ansi_").replace("auto", "")
    return Style(color=named or None, bold=tone == "bad")
