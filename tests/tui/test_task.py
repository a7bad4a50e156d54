"""The task screen: what is known of a task, and what can be done about it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from textual.app import App
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Markdown

from tests.conftest import git
from tests.tui.conftest import NAMES, Opened, recorded, screen_text
from tests.tui.told import HOSTILE, Viewer, grounded, told, undo, until, viewer, watched
from workbench.adapters.gatelogs import GateLogs
from workbench.composition.place import open_place
from workbench.core import events as e
from workbench.core import requests as r
from workbench.core.plan.writing import render
from workbench.testing.story import Story, task
from workbench.tui.app import WorkbenchApp
from workbench.tui.outside import at_line
from workbench.tui.presenting import attempts as tries
from workbench.tui.presenting import checks
from workbench.tui.presenting import task as shown
from workbench.tui.screens import editing
from workbench.tui.screens.choose import ChooseScreen
from workbench.tui.screens.task import TaskScreen
from workbench.tui.screens.teammate import TeammateScreen
from workbench.tui.widgets.rows import Rows
from workbench.tui.widgets.sheet import Sheet

BEFORE = ["brief", "attempts", "evidence", "diff", "gates", "around"]


async def opened_on(app: Viewer, pilot: Pilot[None], name: str, tab: str = "brief") -> TaskScreen:
    """The screen of a task, at a tab."""
    app.open_task(name)
    await pilot.pause()
    screen = app.screen
    assert isinstance(screen, TaskScreen)
    if tab != "brief":
        screen.open_tab(tab)
        await pilot.pause()
    return screen


def words(story: Story, name: str) -> str:
    """All that the head of a task says."""
    return "\n".join(
        " ".join([fact.label, *(cell.text for cell in fact.cells)])
        for fact in shown.facts(watched(story), name)
    )


# -- presenting --------------------------------------------------------------------------------------


def test_the_head_says_why_a_task_does_not_go_on() -> None:
    story = told()
    said = {name: " ".join(words(story, name).split()) for name in story.state.tasks}
    assert "‖ held" in said["after"] and "waits for lost, which is blocked" in said["after"]
    assert "■ blocked" in said["lost"] and "no key for the service" in said["lost"]
    assert "✓ landed as L-alpha" in said["alpha"] and "before 1: ● next" in said["alpha"]
    assert "priority 3" in said["alpha"] and "files src/app.py" in said["alpha"]
    assert "before 2: ‖ after , ‖ last" in said["lost"] and "after ■ lost" in said["after"]


def test_a_task_that_was_dropped_is_no_crash() -> None:
    story = told()
    assert "dropped" in words(story, "nothing")
    assert not shown.evidence(story.state, "nothing") and not shown.around(story.state, "nothing")
    assert shown.brief(story.state, "nothing") == "" and shown.change(story.state, "nothing") is None


def test_what_is_hostile_is_only_text() -> None:
    story = told()
    brief = shown.brief(story.state, "alpha")
    assert "\x1b" not in brief and "\u202e" not in brief
    lines = tries.acts(watched(story), "alpha", 1)
    text = "".join(cell.text for line in lines for cell in line)
    assert "[bold red]Boo[/]" in text and text.isprintable() and "title" not in text


def test_paths_in_a_worktree_are_told_without_it() -> None:
    text = ["".join(cell.text for cell in line) for line in tries.acts(watched(told()), "alpha", 1)]
    assert any(line.endswith("▸ Edit src/app.py") for line in text)


def test_what_follows_from_leaving_out_is_told() -> None:
    text = " ".join(cell.text for line in shown.skipping(told().state, "lost") for cell in line)
    assert "Goes on without it: after." in text and "Waits for others still: last." in text


def test_the_diff_is_of_what_landed_else_of_what_was_delivered_or_left() -> None:
    story = told()
    landed, left = shown.change(story.state, "alpha"), shown.change(story.state, "lost")
    assert landed is not None and (landed.old, landed.new) == ("base", "L-alpha")
    assert left is not None and (left.old, left.new) == ("base", "lost1") and "not delivered" in left.words
    assert shown.change(story.state, "after") is None
    undo(story, "gamma")
    undone = shown.change(story.state, "gamma")
    assert undone is not None and (undone.old, undone.new) == (
        story.state.attempts["gamma", 2].start,
        "gamma2",
    )


def test_evidence_has_both_sides_of_a_semantic_conflict() -> None:
    story = told()
    story.deliver("delta")
    story.built("delta")
    while story.state.landing is not None:
        name = "base" if story.state.landing.search and story.state.landing.search.next == 0 else "delta"
        story.gated(name, name == "base", failing=("tests/a.py::test_a",))
    story.paired("delta", "alpha")
    for name in ("delta", "alpha"):
        text = "\n".join("".join(cell.text for cell in line) for line in shown.evidence(story.state, name))
        assert "delta is red together with alpha (certain)" in text
    text = "\n".join("".join(cell.text for cell in line) for line in shown.evidence(story.state, "delta"))
    assert "tests/a.py::test_a" in text and "1 failed" in text


def test_gates_that_run_are_told_from_those_that_ran() -> None:
    story = Story(task("a"), gates=("lint", "test"))
    story.ready("a")
    story.mark("a", "done")
    story.turn("a")
    story.collected("a")
    story.note(e.CheckingStarted(task="a", commit="a1", gates=("lint", "test"), alone=True))
    rows = checks.checks(watched(story), "a", story.now)
    assert [row.cells[0].text for row in rows] == ["● runs", "● or next"]
    found = checks.gate_at(rows[1].key, watched(story), "a")
    assert found is not None and found[1] == "test"
    story.checked("a", True)
    rows = checks.checks(watched(story), "a", story.now)
    assert [row.cells[0].text for row in rows] == ["✓ green", "✓ green"]


# -- the screen --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
async def test_the_task_of_a_recording_can_be_looked_at(opened: Opened, name: str) -> None:
    _, records = recorded(name)
    async with opened(name, upto=len(records) * 2 // 3, live=True, size=(80, 24)) as pilot:
        app = cast("WorkbenchApp", pilot.app)
        stands = [task for task in app.watched.state.tasks.values() if task.attempt]
        task = max(stands, key=lambda it: it.attempt)
        app.open_task(task.spec.id)
        await pilot.pause()
        for tab in BEFORE[1:]:
            await pilot.press("tab")
            assert cast("TaskScreen", app.screen).tab == tab
            await until(pilot, task.spec.title)


async def test_its_parts_follow_each_other() -> None:
    async with viewer(told(), size=(80, 24)) as (app, pilot):
        screen = await opened_on(app, pilot, "alpha")
        seen = []
        for key in ("tab", "l", "right_square_bracket", "tab", "l", "tab"):
            await pilot.press(key)
            seen.append(screen.tab)
        assert seen == [*BEFORE[1:], "brief"]
        await pilot.press("h")
        assert screen.tab == "around"
        await pilot.press("shift+tab")
        assert screen.tab == "gates"
        await until(pilot, "✓ green")


async def test_a_tab_opens_by_a_click() -> None:
    async with viewer(told(), size=(80, 24)) as (app, pilot):
        screen = await opened_on(app, pilot, "alpha")
        await pilot.click("#tabs", offset=(12, 0))
        assert screen.tab == "attempts"


async def test_the_brief_is_markdown_and_what_is_hostile_in_it_text() -> None:
    async with viewer(told(), size=(80, 24)) as (app, pilot):
        screen = await opened_on(app, pilot, "alpha")
        await pilot.pause()
        await until(pilot, "Say hi.")
        text = screen_text(pilot)
        assert "[bold red]Boo[/]" in text and "Say hi." in text
        assert screen.query_one("#brief Markdown", Markdown) and "\x1b" not in text
        assert Content.from_markup(HOSTILE).plain not in text


async def test_enter_on_an_attempt_goes_into_what_it_did_and_back() -> None:
    async with viewer(told()) as (app, pilot):
        screen = await opened_on(app, pilot, "gamma", "attempts")
        await until(pilot, "conflict")
        await pilot.press("j", "enter")
        acts = screen.query_one("#acts", Sheet)
        assert screen.focused is acts
        assert screen.query_one("#attempt-rows", Rows).key == "1"
        await pilot.press("escape")
        assert screen.focused is screen.query_one("#attempt-rows")
        await pilot.press("escape")
        assert app.screen is not screen


async def test_enter_on_a_neighbour_opens_that_task() -> None:
    async with viewer(told()) as (app, pilot):
        await opened_on(app, pilot, "after", "around")
        await pilot.press("enter")
        assert isinstance(app.screen, TaskScreen) and app.screen.name_of_task == "lost"


async def test_a_retry_is_asked_for() -> None:
    async with viewer(told()) as (app, pilot):
        await opened_on(app, pilot, "lost")
        await pilot.press("r")
        assert app.asked == [r.Retry(task="lost")]


async def test_leaving_out_is_asked_about_first() -> None:
    async with viewer(told(), size=(80, 24)) as (app, pilot):
        await opened_on(app, pilot, "lost")
        await pilot.press("x")
        await until(pilot, "Goes on without it: after.")
        await pilot.press("n")
        assert app.asked == []
        await pilot.press("x", "y")
        assert app.asked == [r.Skip(task="lost")]


async def test_what_cannot_be_left_out_is_said_at_once() -> None:
    async with viewer(told()) as (app, pilot):
        await opened_on(app, pilot, "delta")
        await pilot.press("x")
        assert isinstance(app.screen, TaskScreen) and "is being worked on" in app.said[-1]


async def test_its_teammate_opens_and_is_written_to() -> None:
    story = told()
    async with viewer(story) as (app, pilot):
        screen = await opened_on(app, pilot, "delta")
        assert screen.writes_to == story.state.attempts["delta", 1].teammate
        await pilot.press("t")
        assert isinstance(app.screen, TeammateScreen)
        app.pop_screen()
        await opened_on(app, pilot, "after")
        await pilot.press("t")
        assert "No teammate has begun after" in app.said[-1]


async def test_the_command_that_resolves_is_copied_for_what_was_given_up() -> None:
    async with viewer(told()) as (app, pilot):
        await opened_on(app, pilot, "lost")
        await pilot.press("c")
        assert app.clipboard == "workbench resolve lost --run r"
        app.pop_screen()
        await opened_on(app, pilot, "alpha")
        await pilot.press("c")
        assert "only what was given up" in app.said[-1]


async def test_what_did_not_land_is_not_undone() -> None:
    async with viewer(told()) as (app, pilot):
        await opened_on(app, pilot, "lost")
        await pilot.press("u")
        assert "has not landed" in app.said[-1]
        app.pop_screen()
        await opened_on(app, pilot, "alpha")
        await pilot.press("u")
        assert "recording" in app.said[-1]


async def test_each_part_has_something_to_copy() -> None:
    async with viewer(told()) as (app, pilot):
        screen = await opened_on(app, pilot, "gamma")
        said = {}
        for tab in BEFORE:
            screen.open_tab(tab)
            await pilot.pause()
            said[tab] = screen.copied()
        assert said["attempts"] == "gamma2" and said["diff"] == "git diff L-beta L-gamma"
        assert said["gates"] == "test" and said["around"] == "" and "# Do gamma" in said["brief"]


async def test_the_diff_of_a_recording_is_not_there() -> None:
    async with viewer(told(), size=(80, 24)) as (app, pilot):
        await opened_on(app, pilot, "alpha", "diff")
        await until(pilot, "not in a recording")


# -- with a repository -------------------------------------------------------------------------------


async def test_the_diff_is_what_git_says(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    (repo / "src" / "app.py").write_text("def greet(name):\n    return f'good day {name}'\n")
    git(repo, "commit", "-qam", "better")
    story = told()
    grounded(story, {"base": base, "L-alpha": git(repo, "rev-parse", "HEAD")})
    async with viewer(story, place=await open_place(repo)) as (app, pilot):
        await opened_on(app, pilot, "alpha", "diff")
        await app.workers.wait_for_complete([it for it in app.workers if it.group == "diff"])
        await pilot.pause()
        await until(pilot, "good day")


async def test_a_commit_that_is_gone_is_said(repo: Path) -> None:
    story = told()
    grounded(story, {"base": "1" * 40, "L-alpha": "2" * 40})
    async with viewer(story, place=await open_place(repo)) as (app, pilot):
        await opened_on(app, pilot, "alpha", "diff")
        await app.workers.wait_for_complete([it for it in app.workers if it.group == "diff"])
        await pilot.pause()
        await until(pilot, "1111111111")
        assert isinstance(app.screen, TaskScreen)


async def test_a_gate_that_runs_is_followed(repo: Path) -> None:
    story = Story(task("a"))
    story.ready("a")
    story.mark("a", "done")
    story.turn("a")
    story.collected("a")
    story.note(e.CheckingStarted(task="a", commit="a1", gates=("test",), alone=True))
    place = await open_place(repo)
    place.run_dir("r").mkdir(parents=True)
    with GateLogs(place.gate_logs("r")).of("a1", "tree-a1", "test") as log:
        assert log is not None
        log.write(b"collecting \x1b[1mtests\x1b[0m\n")
        async with viewer(story, place=place) as (app, pilot):
            await opened_on(app, pilot, "a", "gates")
            await until(pilot, "collecting tests")
            log.write(b"1 passed\n")
            await until(pilot, "1 passed")


def written(text: str, monkeypatch: pytest.MonkeyPatch, *before: str) -> list[int]:
    """An editor in which somebody writes first what is in ``before``, one after the other, then ``text``;
    the lines at which it is opened."""
    lines: list[int] = []

    async def edit(app: App[object], path: Path, line: int) -> None:
        path.write_text((*before, text)[len(lines)])
        lines.append(line)

    monkeypatch.setattr(editing, "edit", edit)
    return lines


async def test_the_plan_is_edited_shown_and_asked_for(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(task("first"), task("after", "first"))
    assert story.state.plan is not None
    text = render(story.state.plan)
    changed = text.replace("### after: Do after", "### after: Do it afterwards")
    calls = written(changed, monkeypatch, "# Broken\n\n## Tasks\n\n### a b\n")
    async with viewer(story, place=await open_place(repo), size=(80, 24)) as (app, pilot):
        await opened_on(app, pilot, "after")
        await pilot.press("e")
        await until(pilot, "line 5")
        assert app.asked == []
        await pilot.press("y")
        await until(pilot, "title: Do it afterwards (was: Do after)")
        await pilot.press("y")
        while not app.asked:
            await pilot.pause(0.005)
        assert app.asked == [r.ProposeChange(text=changed, approved=True)]
    assert text.splitlines()[calls[0] - 1].startswith("### after")


async def test_a_plan_that_was_left_as_it_is_asks_for_nothing(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = told()
    place = await open_place(repo)
    assert story.state.plan is not None
    own = place.plan_file("r")
    own.parent.mkdir(parents=True)
    own.write_text(render(story.state.plan))
    written(render(story.state.plan), monkeypatch)
    async with viewer(story, place=place) as (app, pilot):
        await opened_on(app, pilot, "after")
        await pilot.press("e")
        while not app.said:
            await pilot.pause(0.005)
        assert app.said == ["the plan was left as it was"] and app.asked == []


async def test_a_terminal_that_cannot_be_given_away_is_said(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "vi")
    async with viewer(told(), place=await open_place(repo)) as (app, pilot):
        await opened_on(app, pilot, "after")
        await pilot.press("e")
        while not app.said:
            await pilot.pause(0.005)
        assert "cannot be handed to an editor" in app.said[-1]


def test_the_editor_begins_at_the_task() -> None:
    path = Path("/x/plan.md")
    assert at_line(["nano"], path, 7) == ["nano", "+7", "/x/plan.md"]
    assert at_line(["/bin/code", "-n"], path, 7) == ["/bin/code", "-n", "--wait", "--goto", "/x/plan.md:7"]
    assert at_line(["ed"], path, 7) == ["ed", "/x/plan.md"]


async def test_who_is_to_do_it_is_chosen_from_the_team() -> None:
    async with viewer(told(), size=(80, 24)) as (app, pilot):
        await opened_on(app, pilot, "lost")
        await pilot.press("a")
        assert "nobody is to work on it" in app.said[-1] and isinstance(app.screen, TaskScreen)
        app.pop_screen()
        await opened_on(app, pilot, "delta")
        await pilot.press("a")
        await until(pilot, "tried it last")
        assert isinstance(app.screen, ChooseScreen)
        await pilot.press("escape")
        assert app.asked == []
        await pilot.press("a", "j", "enter")
        assert app.asked == [r.Reassign(task="delta", to="bob")]
