"""The merge screen: the queue, the graph of landings, what stood in the way, and undoing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from tests.conftest import git
from tests.tui.conftest import NAMES, Opened, screen_text
from tests.tui.told import Viewer, grounded, told, undo, until, viewer, watched
from workbench.composition import undo as undoing
from workbench.composition.place import open_place
from workbench.composition.undo import RedUndo, Undone
from workbench.core import events as e
from workbench.core.models import Reversal
from workbench.core.state import Landed, RunState
from workbench.core.watched import Watched
from workbench.errors import LockedError
from workbench.testing.story import Story, task
from workbench.tui.presenting import landings, trouble
from workbench.tui.presenting import merge as shown
from workbench.tui.presenting.landings import Graph, Node, lanes, nodes
from workbench.tui.screens.confirm import ConfirmScreen
from workbench.tui.screens.landing import LandingScreen
from workbench.tui.screens.merge import MergeScreen
from workbench.tui.screens.task import TaskScreen
from workbench.tui.widgets.rows import Rows

TABS = ["queue", "landings", "conflicts", "semantic", "flakes"]


async def opened_at(app: Viewer, pilot: Pilot[None], tab: str = "queue") -> MergeScreen:
    """The merge screen, at a tab."""
    await pilot.press("3")
    screen = app.screen
    assert isinstance(screen, MergeScreen)
    if tab != "queue":
        screen.open_tab(tab)
        await pilot.pause()
    return screen


def said(rows: Any) -> list[list[str]]:
    """The cells of rows, as text."""
    return [[cell.text for cell in row.cells] for row in rows]


# -- the queue ---------------------------------------------------------------------------------------


def batch() -> Story:
    """Three tasks in a landing of which gates run, and one in the queue."""
    story = Story(*(task(name) for name in "abcd"), team=("t1", "t2", "t3", "t4"), batch=3, gate_slots=2)
    story.state.batch = 3
    for name in "abcd":
        story.ready(name)
    story.deliver("a")
    story.built("a")
    for name in "bcd":
        story.deliver(name)
    story.gated("a", True)
    story.landed("a")
    return story


def test_the_landing_under_way_stands_before_the_queue() -> None:
    story = batch()
    landing = story.state.landing
    assert landing is not None
    assert [row[2] for row in said(shown.queue(watched(story)))] == ["· is merged next"] * len(landing.tasks)
    story.built(*landing.tasks)
    rows = said(shown.queue(watched(story)))
    assert [row[1] for row in rows[: len(landing.tasks)]] == list(landing.tasks)
    assert rows[len(landing.tasks) - 1][2] == "● gates run up to here"
    assert rows[0][3] == f"L-{landing.tasks[0]}"
    run = shown.running(watched(story))
    assert run is not None and shown.gates_of(run) == ("test",)


def test_a_red_batch_is_told_step_by_step() -> None:
    story = batch()
    landing = story.state.landing
    assert landing is not None and len(landing.tasks) == 3
    first, _, last = landing.tasks
    story.built(*landing.tasks)
    story.gated(last, False)
    story.gated(last, False)
    stands = [row[2] for row in said(shown.queue(watched(story)))]
    assert stands[2] == "✗ red from here on" and "●" in "".join(stands[:2])
    story.gated(first, True)
    assert said(shown.queue(watched(story)))[0][2] != stands[0]


def test_a_conflict_that_is_foreseen_stands_at_its_task_in_the_queue() -> None:
    story = Story(task("a"), task("b"), batch=1)
    story.ready("a")
    story.ready("b")
    story.deliver("a")
    story.deliver("b")
    story.send(e.ConflictForeseen(task="b", other="a", paths=("x",)))
    (row,) = [row for row in said(shown.queue(watched(story))) if row[1] == "b"]
    assert row[0] == "1" and "conflicts with a so far" in row[6]


# -- the graph ---------------------------------------------------------------------------------------


def test_a_branch_leaves_its_merge_and_ends_where_its_work_began() -> None:
    landing = cast("Landed", SimpleNamespace(undone=""))
    line = [
        Node("c", landing, start="a"),
        Node("b", landing, start="base"),
        Node("a", landing, start="base"),
        Node("base"),
    ]
    assert [it.rstrip() for it in lanes(line)] == [
        "●─╮",
        "● │─╮".replace("● │─╮", "●─┼─╮"),
        "●─┴─┼─╮".replace("●─┴─┼─╮", "●─┴─┼─╮"),
        "○───┴─╯",
    ]


def test_more_branches_than_there_is_room_for_are_drawn_without_their_own() -> None:
    landing = cast("Landed", SimpleNamespace(undone=""))
    line = [*(Node(f"c{it}", landing, start="base") for it in range(9)), Node("base")]
    drawn = list(lanes(line))
    assert all(len(it) == 1 + 2 * landings.LANES for it in drawn)
    assert drawn[8].count("│") == landings.LANES and drawn[8].startswith("● ")


def test_what_was_undone_is_marked_and_its_reversal_stands_above_it() -> None:
    story = told()
    undo(story, "gamma")
    rows = said(Graph().rows(story.state))
    assert rows[0][0].startswith("↺") and rows[0][6] == "reverts L-gamma"
    assert rows[1][0].startswith("✗") and "undone by R-gamma" in rows[1][6]
    assert [row[2] for row in rows] == ["gamma", "gamma", "beta", "alpha", "the base"]
    assert "settled by union" in rows[2][6]
    found = landings.landing_at(story.state, "uR-gamma")
    assert found is not None and found.task == "gamma"


def test_a_landing_is_proven_by_the_gates_of_its_batch() -> None:
    story = batch()
    landing = story.state.landing
    assert landing is not None
    names = list(landing.tasks)
    story.built(*names)
    story.gated(names[-1], True)
    for name in names:
        story.landed(name)
    first = next(it for it in story.state.landings if it.task == names[0])
    found = landings.proof(watched(story), first)
    assert found is not None and found[1].task == names[-1] and found[0].commit == f"L-{names[-1]}"


def test_three_thousand_landings_are_rows() -> None:
    state = RunState(run="r", base="base")
    for number in range(3_000):
        parent = f"c{number - 1}" if number else "base"
        state.landings.append(Landed(f"t{number}", 1, "m", f"c{number}", parent, "d", float(number), ("f",)))
    graph = Graph()
    rows = graph.rows(state)
    assert len(rows) == len(nodes(state)) == 3_001
    assert graph.rows(state) is rows


# -- the screen --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
async def test_every_part_of_a_recording_can_be_looked_at(opened: Opened, name: str) -> None:
    async with opened(name, size=(80, 24)) as pilot:
        await pilot.press("3")
        for tab in TABS[1:]:
            await pilot.press("tab")
            assert cast("MergeScreen", pilot.app.screen).tab == tab
        await pilot.press("tab", "h")
        assert cast("MergeScreen", pilot.app.screen).tab == "flakes"


async def test_empty_parts_say_what_would_stand_there() -> None:
    async with viewer(Story(task("a")), size=(80, 24)) as (app, pilot):
        screen = await opened_at(app, pilot)
        for tab, words in zip(
            TABS,
            (
                "nothing waits to be merged",
                "nothing has landed yet",
                "no conflict",
                "no semantic",
                "no flake",
            ),
            strict=True,
        ):
            screen.open_tab(tab)
            await pilot.pause()
            await until(pilot, words)


async def test_a_filter_leaves_landings_without_their_branches() -> None:
    async with viewer(told()) as (app, pilot):
        screen = await opened_at(app, pilot, "landings")
        await pilot.press("slash", *"beta")
        await pilot.pause()
        rows = screen.query_one("#landings", Rows).rows
        assert [row.cells[2].text for row in rows] == ["beta"] and rows[0].cells[0].text == "●"


async def test_enter_on_a_landing_shows_its_diff_and_verdicts(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    (repo / "src" / "app.py").write_text("def greet(name):\n    return f'good day {name}'\n")
    git(repo, "commit", "-qam", "better")
    story = told()
    grounded(story, {"base": base, "L-alpha": git(repo, "rev-parse", "HEAD")})
    async with viewer(story, place=await open_place(repo)) as (app, pilot):
        await opened_at(app, pilot, "landings")
        await pilot.press("G", "k", "enter")
        await until(pilot, "good day")
        await until(pilot, "✓ test (1.0 s)")
        assert isinstance(app.screen, LandingScreen)
        await pilot.press("t")
        assert isinstance(app.screen, TaskScreen) and app.screen.name_of_task == "alpha"


async def test_a_conflict_is_told_in_full_with_both_sides() -> None:
    async with viewer(told(), size=(80, 30)) as (app, pilot):
        screen = await opened_at(app, pilot, "conflicts")
        await until(pilot, "<<<<<<< landed")
        text = screen_text(pilot)
        assert "<<<<<<< landed" in text and "side" in text and "✓ settled" in text
        await pilot.press("enter")
        assert screen.focused is screen.query_one("#conflicts-full")
        await pilot.press("escape", "t")
        assert isinstance(app.screen, TaskScreen) and app.screen.name_of_task == "gamma"


async def test_a_semantic_conflict_and_a_flake_are_told_in_full() -> None:
    story = told()
    story.paired("gamma", "alpha", certain=False)
    story.note(e.FlakeSeen(task="gamma", gate="test", tests=("tests/a.py::test_a",)))
    async with viewer(story) as (app, pilot):
        screen = await opened_at(app, pilot, "semantic")
        await until(pilot, "probable: one of several")
        assert "? probable" in screen_text(pilot)
        screen.open_tab("flakes")
        await pilot.pause()
        await until(pilot, "red, then green on the same tree")
        assert "~ flaky" in screen_text(pilot)


async def test_enter_in_the_queue_opens_the_task() -> None:
    async with viewer(batch()) as (app, pilot):
        await opened_at(app, pilot)
        await pilot.press("enter")
        assert isinstance(app.screen, TaskScreen)


async def test_how_to_land_is_copied() -> None:
    async with viewer(told()) as (app, pilot):
        await opened_at(app, pilot)
        await pilot.press("L")
        assert app.clipboard == "workbench land r"
    async with viewer(Story(task("a"))) as (app, pilot):
        await opened_at(app, pilot)
        await pilot.press("L")
        assert app.clipboard == "" and "Nothing stands on the branch" in app.said[-1]


async def test_the_gates_of_the_candidate_stand_beside_the_queue_where_there_is_room() -> None:
    for size, there in (((80, 24), False), ((100, 40), True), ((170, 24), True)):
        async with viewer(told(), size=size) as (app, pilot):
            screen = await opened_at(app, pilot)
            assert screen.query_one("#gate").display is there
            if there:
                await until(pilot, "on the merge of")


# -- undoing -----------------------------------------------------------------------------------------


def an_undone(run: str, *, dry_run: bool) -> Undone:
    """What an undo of ``alpha`` gives, with which ``next`` goes."""
    reversals = tuple(
        Reversal(task=name, landing=f"L-{name}", parent="p", commit=f"R-{name}", tree="t")
        for name in ("next", "alpha")
    )
    why = {"alpha": "named", "next": "depends on alpha"}
    return Undone(run, "b", "old", "new", reversals, why, ("test",), ("last",), "main", ("alpha",), dry_run)


async def test_a_landing_is_undone_once_the_person_has_seen_what_goes(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[list[str], bool]] = []

    async def faked(place: Any, named: list[str], run: str, say: Any, *, dry_run: bool) -> Undone:
        calls.append((named, dry_run))
        say("running the gates on what stays")
        return an_undone(run, dry_run=dry_run)

    monkeypatch.setattr(undoing, "undo", faked)
    async with viewer(told(), place=await open_place(repo), size=(80, 24)) as (app, pilot):
        await opened_at(app, pilot, "landings")
        await pilot.press("G", "k", "u")
        await until(pilot, "Undo 2 landings?")
        await until(pilot, "depends on alpha")
        assert calls == [(["alpha"], True)]
        await pilot.press("y")
        while len(calls) < 2 or "undone: next, alpha" not in app.said[-1]:
            await pilot.pause(0.005)
        assert calls[1] == (["alpha"], False)
        assert (
            "held, for they wait for it: last" in app.said[-1] and "undo: running the gates" in app.said[-2]
        )


async def test_why_an_undo_was_refused_is_said(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[Exception] = [
        LockedError("Run r is going on.", "Stop it first."),
        RedUndo("`test` is red.", "Name others.", "2 failed"),
    ]

    async def faked(*words: Any, **values: Any) -> Undone:
        raise problems.pop(0)

    monkeypatch.setattr(undoing, "undo", faked)
    async with viewer(told(), place=await open_place(repo), size=(80, 24)) as (app, pilot):
        await opened_at(app, pilot, "landings")
        await pilot.press("u")
        while "Run r is going on.\nStop it first." not in app.said:
            await pilot.pause(0.005)
        await pilot.press("u")
        await until(pilot, "2 failed")
        await pilot.press("y")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, MergeScreen)


async def test_what_was_undone_is_not_undone_again() -> None:
    story = told()
    undo(story, "gamma")
    async with viewer(story, live=False) as (app, pilot):
        await opened_at(app, pilot, "landings")
        await pilot.press("u")
        assert "was undone already, by R-gamma" in app.said[-1]
        screen = await opened_at(app, pilot)
        screen.open_tab("queue")
        await pilot.press("u")
        assert "Choose a landing first" in app.said[-1]


def test_a_run_without_events_is_no_crash() -> None:
    empty = Watched("")
    assert shown.queue(empty) == [] and trouble.conflicts(empty) == [] and Graph().rows(empty.state) == ()
    assert shown.facts(empty) and shown.gate_head(None) and shown.gates_of(None) == ()


async def test_what_stands_for_no_rows_is_whole_on_a_narrow_terminal(opened: Opened) -> None:
    async with opened("quiet", size=(60, 20)) as pilot:
        await pilot.press("3")
        await pilot.pause()
        table = pilot.app.screen.query_one("#queue", Rows)
        table.show(())
        await pilot.pause()
        lines = [table.render_line(y).text for y in range(1, 4)]
        assert " ".join(" ".join(lines).split()) == shown.NO_QUEUE
        assert all(len(line) <= table.size.width for line in lines)
