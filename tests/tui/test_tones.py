"""Tones as styles: what they say can be read on every theme."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from workbench.tui.tones import style

GROUNDS = {"textual-dark": "#121212", "textual-light": "#E0E0E0"}


@pytest.mark.parametrize("theme", GROUNDS)
@pytest.mark.parametrize("tone", ["good", "bad", "warn", "busy", "accent"])
def test_a_tone_stands_out_from_the_ground(theme: str, tone: str) -> None:
    shown = style(tone, BUILTIN_THEMES[theme]).color  # type: ignore[arg-type]
    assert shown is not None and shown.triplet is not None
    ground = Color.parse(GROUNDS[theme])
    assert abs(Color(*shown.triplet).brightness - ground.brightness) > 0.3
