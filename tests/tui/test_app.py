"""The application: it follows a run and goes from screen to screen."""

from __future__ import annotations

import pytest
from textual import events

from tests.tui.conftest import NAMES, Opened, screen_text
from tests.tui.told import until, viewer
from workbench.testing.story import Story, task
from workbench.tui.app import WorkbenchApp
from workbench.tui.presenting.header import Head
from workbench.tui.presenting.table import Cell
from workbench.tui.screens.stop import StopScreen
from workbench.tui.widgets.header import RunHeader


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_every_screen_comes_up(opened: Opened, name: str, size: tuple[int, int]) -> None:
    async with opened(name, size=size) as pilot:
        for key, mode in (("1", "home"), ("2", "team"), ("3", "merge"), ("4", "inbox"), ("5", "plan")):
            await pilot.press(key)
            assert pilot.app.current_mode == mode
            await until(pilot, f" {pilot.app.watched.run} ")  # type: ignore[attr-defined]


async def test_keys_are_told(opened: Opened) -> None:
    async with opened("quiet") as pilot:
        await pilot.press("question_mark")
        shown = screen_text(pilot)
        assert "Keys: team" in shown and "Pause the run" in shown
        assert "Stop or close" in shown and "Page Left" not in shown
        await pilot.press("escape")
        assert "Keys: team" not in screen_text(pilot)


async def test_whatever_closes_the_viewer_says_that_the_run_goes_on(opened: Opened) -> None:
    async with opened("quiet", size=(160, 50)) as pilot:
        told = {it.title: it.help for it in pilot.app.get_system_commands(pilot.app.screen)}
        assert "the run goes on" in told["Close"] and "Quit" not in told
        for key in ("q", "ctrl+q"):
            assert "the run goes on" in pilot.app.screen.active_bindings[key].binding.tooltip
        await pilot.press("ctrl+q")
        assert pilot.app._exit


async def test_a_key_that_does_nothing_here_is_not_told(opened: Opened) -> None:
    async with opened("quiet", size=(120, 60)) as pilot:
        app = pilot.app
        assert isinstance(app, WorkbenchApp)
        await pilot.press("question_mark")
        assert "Filter" in screen_text(pilot)
        await pilot.press("escape")
        app.open_task(next(iter(app.watched.state.tasks)))
        await pilot.pause()
        await pilot.press("question_mark")
        shown = screen_text(pilot)
        assert "Keys: task" in shown and "Filter" not in shown


async def test_keys_that_come_in_one_burst_all_count(opened: Opened) -> None:
    async with opened("quiet", size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        for _ in range(5):
            pilot.app.post_message(events.Key("j", "j"))
        await pilot.pause()
        assert pilot.app.screen.query_one("#keys").scroll_y == 5


async def test_ctrl_c_copies_what_is_selected_and_asks_otherwise(opened: Opened) -> None:
    async with opened("quiet") as pilot:
        app = pilot.app
        app.screen.get_selected_text = lambda: "marked"  # type: ignore[method-assign]
        await pilot.press("ctrl+c")
        assert app.clipboard == "marked" and not isinstance(app.screen, StopScreen)
        del app.screen.get_selected_text
        await pilot.press("ctrl+c")
        assert isinstance(app.screen, StopScreen)


@pytest.mark.parametrize(("live", "closes"), [(True, True), (False, False)])
async def test_only_a_run_that_goes_on_can_be_stopped(opened: Opened, live: bool, closes: bool) -> None:
    async with opened("quiet") as pilot:
        await pilot.app.push_screen(StopScreen("r", live=live))
        await pilot.press("s")
        assert isinstance(pilot.app.screen, StopScreen) is not closes
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, StopScreen)


async def test_how_to_go_on_is_whole_on_a_narrow_terminal() -> None:
    said = (
        "Over: 3 of 4 tasks landed. `workbench retry slow`, then `workbench resume export-1`, tries slow"
        " again. `workbench report export-1` tells all."
    )
    async with viewer(Story(task("a")), size=(60, 20)) as (app, pilot):
        for _ in range(50):  # the viewer shows its own now and then
            app.screen.query_one(RunHeader).show(Head("export-1", 75, (), Cell(said, "warn")))
            await pilot.pause()
            if said in " ".join(screen_text(pilot).split()):
                break
        else:
            pytest.fail(screen_text(pilot))
