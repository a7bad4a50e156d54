"""The theme to begin with: the setting's, or what the terminal says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.played import story, viewing
from workbench.tui.themes import chosen

KNOWN = ("nord", "textual-dark", "textual-light")


@pytest.mark.parametrize(
    ("said", "light"),
    [
        ("0;15", True), ("0;default;15", True), ("12;7", True), ("0;11", True),
        ("15;0", False), ("7;8", False), ("15;default", False), ("", False), ("0;", False), ("0;99", False),
        ("0;²", False),
    ],
)  # fmt: skip
def test_without_a_wish_it_is_light_where_the_terminal_is(said: str, light: bool) -> None:
    assert chosen("", KNOWN, {"COLORFGBG": said}) == ("textual-light" if light else "", "")


def test_a_wish_goes_before_what_the_terminal_says() -> None:
    assert chosen("nord", KNOWN, {"COLORFGBG": "0;15"}) == ("nord", "")
    assert chosen("", KNOWN, {"COLORFGBG": "0;15", "TEXTUAL_THEME": "nord"}) == ("", "")


async def test_the_viewer_begins_with_the_theme_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with viewing(story(), tmp_path, monkeypatch, theme="nord") as viewer:
        assert viewer.app.theme == "nord"


async def test_an_unknown_theme_is_a_sentence_with_the_known_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORFGBG", "0;15")
    async with viewing(story(), tmp_path, monkeypatch, theme="nrod") as viewer:
        assert viewer.app.theme == "textual-light"
        assert "`nrod`" in viewer.said[-1] and "nord" in viewer.said[-1]
