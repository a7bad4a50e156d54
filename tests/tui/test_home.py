"""Home: the runs of a repository, its plans, doctor's findings, and what can be done from there."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import Opened, screen_text
from workbench import doctor
from workbench.adapters.lock import RepositoryLock
from workbench.composition.overview import PlanSummary, RunSummary
from workbench.composition.place import Place, open_place
from workbench.composition.planning import approve, read_plan
from workbench.config import Settings
from workbench.core.cleaning import Standing
from workbench.doctor import Finding
from workbench.testing.story import Story, task
from workbench.tui.app import WorkbenchApp
from workbench.tui.presenting import home
from workbench.tui.screens import home as home_screen
from workbench.tui.screens.plan import PlanScreen
from workbench.tui.screens.report import ReportScreen
from workbench.tui.widgets.prose import Prose
from workbench.tui.widgets.rows import Rows

PLAN = "# Shelves\n\n## Tasks\n\n### a: Do a\n\nIt.\n\n### b: Do b\n\n- after: a\n\nThat.\n"

FINDINGS = [
    Finding("Python", "ok", "Python is here."),
    Finding("changes", "warn", "2 uncommitted changes."),
    Finding("login", "fail", "There is no login.", "Sign in once."),
]


async def examined(where: Path, settings: Settings) -> list[Finding]:
    return FINDINGS


@pytest.fixture
async def place(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(doctor, "examine", examined)
    return await open_place(repo)


def given_up() -> Story:
    run = Story(task("a"), team=("ada",), attempts=1)
    run.turn("a", error="it crashed")
    run.collected("a")
    run.ended("a")
    return run


async def logged(place: Place, **runs: Story) -> None:
    with place.store() as store:
        for name, story in runs.items():
            await store.append(name, story.log)


def under_way() -> Story:
    return Story(task("a"), task("b", "a"), team=("ada",))


async def settled(pilot: Pilot[None]) -> None:
    """All that is read in the background was read, and is shown."""
    workers = [it for it in pilot.app.workers if it.group not in ("follow", "stamp")]
    await pilot.app.workers.wait_for_complete(workers)
    await pilot.pause()


AtHome = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def at_home(place: Place) -> AtHome:
    @asynccontextmanager
    async def open_(size: tuple[int, int] = (100, 30)) -> AsyncIterator[Pilot[None]]:
        async with WorkbenchApp(place=place).run_test(size=size) as pilot:
            await settled(pilot)
            yield pilot

    return open_


def rows(pilot: Pilot[None], name: str) -> Rows:
    return pilot.app.screen.query_one(f"#{name}", Rows)


def first_words(pilot: Pilot[None], name: str) -> list[tuple[str, str]]:
    return [(row.key, row.cells[0].text) for row in rows(pilot, name).rows]


def said(pilot: Pilot[None]) -> list[str]:
    """The notices so far."""
    return [it.message for it in pilot.app._notifications]


async def test_runs_stand_in_the_order_in_which_they_are_wanted(place: Place, at_home: AtHome) -> None:
    await logged(place, left=under_way(), live=under_way(), over=given_up())
    with RepositoryLock(place.state_dir).acquire("live"):
        async with at_home() as pilot:
            assert first_words(pilot, "runs") == [
                ("live", "● live"),
                ("left", "◐ resumable"),
                ("over", "■ incomplete"),
            ]
            assert "0/2" in screen_text(pilot)


async def test_an_empty_repository_teaches(at_home: AtHome) -> None:
    async with at_home((80, 24)) as pilot:
        shown = screen_text(pilot)
        assert home.NO_RUN in shown and "workbench plan GOAL" in shown


async def test_a_damaged_run_and_a_damaged_log_are_said(place: Place, at_home: AtHome) -> None:
    await logged(place, hurt=under_way(), well=under_way())
    with closing(sqlite3.connect(place.log_path)) as raw, raw:
        raw.execute("UPDATE events SET body = '{}' WHERE run = 'hurt' AND seq = 2")
    async with at_home() as pilot:
        assert ("hurt", "✗ damaged") in first_words(pilot, "runs")
        await pilot.press("j")
        assert "its log is damaged from event 2 on" in screen_text(pilot)
        place.log_path.write_bytes(b"no database at all" * 100)
        await pilot.press("f5")
        await settled(pilot)
        assert "✗" in screen_text(pilot).splitlines()[1], "the log as a whole is said to be bad"
        assert len(rows(pilot, "runs").rows) == 2, "what was known stays to be seen"


async def test_enter_watches_a_run(place: Place, at_home: AtHome) -> None:
    await logged(place, one=under_way(), two=under_way())
    async with at_home() as pilot:
        await pilot.press("j", "enter")
        assert pilot.app.current_mode == "team"
        assert cast("WorkbenchApp", pilot.app).watched.run == "one"


async def test_resume_is_only_told(place: Place, at_home: AtHome) -> None:
    await logged(place, over=given_up(), left=under_way())
    async with at_home() as pilot:
        await pilot.press("r")
        assert pilot.app.clipboard == "workbench resume left"
        await pilot.press("j", "r")
        assert pilot.app.clipboard == "workbench resume left", "there is nothing to go on with"
        assert "nothing to resume" in said(pilot)[-1]


async def test_a_plan_that_waits_opens(place: Place, at_home: AtHome) -> None:
    (place.root / "good.md").write_text(PLAN)
    (place.root / "bad.md").write_text(PLAN.replace("after: a", "after: c"))
    async with at_home() as pilot:
        assert first_words(pilot, "plans") == [
            (str(place.root / "bad.md"), "✗ problems"),
            (str(place.root / "good.md"), "○ to approve"),
        ]
        approve(place, read_plan(place.root / "good.md"))
        await pilot.press("f5")
        await settled(pilot)
        assert (str(place.root / "good.md"), "✓ approved") in first_words(pilot, "plans")
        await pilot.press("tab", "enter")
        assert isinstance(pilot.app.screen, PlanScreen) and pilot.app.screen.path is not None
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, home_screen.HomeScreen)


async def test_doctor_says_first_what_is_in_the_way(at_home: AtHome) -> None:
    async with at_home((80, 24)) as pilot:
        assert [row.key for row in rows(pilot, "findings").rows] == ["login", "changes", "Python"]
        assert "1 in the way of a run" in screen_text(pilot)
        assert "Sign in once." not in screen_text(pilot)
        await pilot.press("tab", "tab")
        assert "Sign in once." in screen_text(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard == "There is no login. Sign in once."


async def test_the_report_of_a_run(place: Place, at_home: AtHome) -> None:
    await logged(place, over=given_up())
    async with at_home() as pilot:
        for key in ("R", "c"):
            await pilot.press(key)
            await settled(pilot)
            assert isinstance(pilot.app.screen, ReportScreen)
            await settled(pilot)
            assert "0 of 1 tasks landed" in screen_text(pilot)
            await pilot.press("y")
            assert pilot.app.clipboard.startswith("# ")
            await pilot.press("escape")
            assert isinstance(pilot.app.screen, home_screen.HomeScreen)


async def test_a_report_that_cannot_be_made_says_why(place: Place, at_home: AtHome) -> None:
    await logged(place, over=given_up())
    async with at_home() as pilot:
        place.log_path.unlink()
        await pilot.press("R")
        await settled(pilot)
        assert "✗" in screen_text(pilot) and not pilot.app.screen.query_one(Prose).line


async def test_the_filter_holds_in_all_panes(place: Place, at_home: AtHome) -> None:
    await logged(place, one=under_way(), two=under_way())
    (place.root / "good.md").write_text(PLAN)
    async with at_home() as pilot:
        await pilot.press("slash", *"one")
        assert [row.key for row in rows(pilot, "runs").rows] == ["one"]
        assert not rows(pilot, "plans").rows and not rows(pilot, "findings").rows
        await pilot.press("escape")
        assert len(rows(pilot, "runs").rows) == 2 and len(rows(pilot, "plans").rows) == 1


async def test_what_happens_meanwhile_comes_up(place: Place, at_home: AtHome) -> None:
    await logged(place, one=under_way())
    async with at_home() as pilot:
        await logged(place, two=under_way())
        screen = cast("home_screen.HomeScreen", pilot.app.screen)
        screen._now_and_then()
        await settled(pilot)
        assert [row.key for row in rows(pilot, "runs").rows] == ["two", "one"]
        assert rows(pilot, "runs").key == "one", "the cursor stays on its run"


async def test_a_recording_says_what_it_is(opened: Opened) -> None:
    async with opened("quiet", size=(80, 24)) as pilot:
        await pilot.press("1")
        shown = screen_text(pilot)
        assert "A recording" in shown and shown.count(home.NOT_IN_A_RECORDING) == 2
        assert len(rows(pilot, "runs").rows) == 1
        await pilot.press("R")
        assert isinstance(pilot.app.screen, home_screen.HomeScreen)
        await pilot.press("enter")
        assert pilot.app.current_mode == "team"


# -- words -------------------------------------------------------------------------------------------


def run(name: str, standing: Standing, **values: object) -> RunSummary:
    return RunSummary(name, standing, read=True, **values)  # type: ignore[arg-type]


def test_runs_in_order() -> None:
    runs = [run("over", Standing.OVER), run("left", Standing.RESUMABLE), run("live", Standing.LIVE)]
    runs += [run("older", Standing.RESUMABLE), run("hurt", Standing.DAMAGED)]
    assert [it.run for it in home.ordered(runs)] == ["live", "left", "older", "over", "hurt"]


def test_what_a_run_says_of_itself() -> None:
    over = run("r", Standing.OVER, outcome="landed", landed=2, total=2, cost_usd=1.5, reason="all is well")
    (row,) = home.run_rows([over], 0.0)
    assert [it.text for it in row.cells] == ["✓ landed", "r", "2/2", "", "0.0 s", "$1.50", "", "all is well"]
    assert home.run_rows([run("r", Standing.OVER, outcome="refused")], 0.0)[0].cells[0].text == "✗ refused"
    scripted = home.run_rows([run("r", Standing.OVER, scripted=True)], 0.0)[0]
    assert "scripted" in [it.text for it in scripted.cells]
    assert home.run_rows([RunSummary("r", Standing.UNKNOWN)], 0.0)[0].cells[0].text == "… reading"


def test_a_plan_that_was_approved_and_run_is_nothing_to_do() -> None:
    path = Path("/p/a.md")
    waits, changed = PlanSummary(path, "a.md", tasks=1), PlanSummary(path, "a.md", tasks=1, used=True)
    done = PlanSummary(path, "a.md", tasks=1, used=True, approved=True)
    assert len(home.plan_rows([waits, changed, done])) == 2
    assert "Changed since" in home.plan_detail(changed)[-1].text
    assert (
        "workbench run a.md" in home.plan_detail(PlanSummary(path, "a.md", tasks=1, approved=True))[-1].text
    )
