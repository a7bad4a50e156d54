"""The application: it follows a run and goes from screen to screen."""

from __future__ import annotations

import pytest

from tests.tui.conftest import NAMES, Opened, screen_text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_every_screen_comes_up(opened: Opened, name: str, size: tuple[int, int]) -> None:
    async with opened(name, size=size) as pilot:
        for key, mode in (("1", "home"), ("2", "team"), ("3", "merge"), ("4", "inbox"), ("5", "plan")):
            await pilot.press(key)
            assert pilot.app.current_mode == mode
            assert pilot.app.watched.run in screen_text(pilot).splitlines()[0]  # type: ignore[attr-defined]


async def test_keys_are_told(opened: Opened) -> None:
    async with opened("quiet") as pilot:
        await pilot.press("question_mark")
        shown = screen_text(pilot)
        assert "Keys: team" in shown and "Pause the run" in shown
        await pilot.press("escape")
        assert "Keys: team" not in screen_text(pilot)
