"""The foot of a screen: keys are whole or not there, and help and closing always are."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import pytest

from tests.tui.conftest import NAMES, Opened, screen_text
from workbench.tui.app import WorkbenchApp
from workbench.tui.presenting.foot import Foot, fitting
from workbench.tui.screens.keys import KeysScreen, keys
from workbench.tui.screens.merge import MergeScreen
from workbench.tui.widgets.footer import KeyFooter

KEYS = [
    Foot("x", "x", "Skip"), Foot("a", "a", "Attach"), Foot("1", "1", "Home", screen=True),
    Foot("2", "2", "Team", screen=True), Foot("m", "m", "Message"),
    Foot("question_mark", "?", "Keys", stays=True), Foot("q", "q", "Close", stays=True),
]  # fmt: skip


def words(room: int) -> str:
    return " ".join(f"{it.shown} {it.what}" for it in fitting(KEYS, room))


def test_keys_go_whole_and_help_last() -> None:
    assert words(99) == "x Skip a Attach 1 Home 2 Team m Message ? Keys q Close"
    assert words(53) == "x Skip a Attach 1-2 Screens m Message ? Keys q Close"
    assert words(51) == "x Skip a Attach 1-2 Screens ? Keys q Close"
    assert words(41) == "x Skip 1-2 Screens ? Keys q Close"
    assert all(len(words(room)) <= room for room in range(26, 99))
    assert all(len(words(less)) <= len(words(more)) for less, more in pairwise(range(99)))


@pytest.mark.parametrize("name", NAMES)
async def test_help_and_closing_are_at_the_foot_of_every_screen(name: str, opened: Opened) -> None:
    async with opened(name, size=(80, 24)) as pilot:
        app = cast("WorkbenchApp", pilot.app)
        for way in ("2", "3", "4", "5", "teammate", "task"):
            if way == "teammate":
                app.open_teammate(next(iter(app.watched.state.teammates)))
            elif way == "task":
                app.open_task(next(iter(app.watched.state.tasks)))
            else:
                await pilot.press(way)
            await pilot.pause()
            foot = screen_text(pilot).splitlines()[-1].rstrip()
            assert foot.endswith("? Keys q Close"), (way, foot)


async def test_a_click_on_a_key_at_the_foot_is_that_key(opened: Opened) -> None:
    async with opened("busy", size=(120, 24)) as pilot:
        foot = screen_text(pilot).splitlines()[-1]
        await pilot.click("KeyFooter", offset=(foot.index("Merge"), 0))
        await pilot.pause()
        assert isinstance(pilot.app.screen, MergeScreen)
        await pilot.click("KeyFooter", offset=(118, 0))
        await pilot.pause()
        assert isinstance(pilot.app.screen, MergeScreen)


async def test_letting_a_teammate_go_and_closing_are_two_keys(opened: Opened) -> None:
    async with opened("busy") as pilot:
        app = cast("WorkbenchApp", pilot.app)
        app.open_teammate(next(iter(app.watched.state.teammates)))
        await pilot.pause()
        said = dict(keys(app.screen.active_bindings.values()))
        assert said["w"] == "Ask it to leave the team" and said["q"].startswith("Close")
        await pilot.press("question_mark")
        assert isinstance(app.screen, KeysScreen)


async def test_what_the_header_has_to_say_is_there_in_full_on_every_screen(opened: Opened) -> None:
    async with opened("disaster", size=(80, 24)) as pilot:
        for key in "2345":
            await pilot.press(key)
            await pilot.pause()
            assert "goes on." in "".join(screen_text(pilot).splitlines()[1:3]), key


async def test_letters_have_no_yes_and_no(opened: Opened) -> None:
    async with opened("busy") as pilot:
        await pilot.press("4")
        foot = pilot.app.screen.query_one(KeyFooter)
        assert {it.what: it.enabled for it in foot.keys}["Yes"]
        await pilot.press("tab")
        await pilot.pause()
        assert not {it.what: it.enabled for it in foot.keys}["Yes"]
