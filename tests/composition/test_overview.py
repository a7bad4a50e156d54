"""What a repository has to show: its runs, however they stand, and the plans that wait."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from workbench.adapters.lock import RepositoryLock
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition import overview
from workbench.composition.overview import PlanSummary, Runs, RunSummary, plans_of
from workbench.composition.place import Place, open_place
from workbench.composition.planning import approve, read_plan
from workbench.core import events as e
from workbench.core.cleaning import Standing
from workbench.testing.story import Story, task

PLAN = "# A plan\n\n## Tasks\n\n### a: Do a\n\nIt.\n\n### b: Do b\n\n- after: a\n\nThat.\n"


@pytest.fixture
async def place(repo: Path) -> Place:
    return await open_place(repo)


def under_way() -> Story:
    return Story(task("a"), task("b", "a"), team=("ada",))


def given_up() -> Story:
    run = Story(task("a"), team=("ada",), attempts=1)
    run.turn("a", error="it crashed")
    run.collected("a")
    run.ended("a")
    return run


async def logged(place: Place, run: str, story: Story, start: int = 0) -> None:
    with place.store() as store:
        await store.append(run, story.log[start:])


def never() -> bool:
    return False


def look(runs: Runs, stop: Callable[[], bool] = never) -> dict[str, RunSummary]:
    return {run.run: run for run in runs.look(stop)}


async def test_without_a_log_there_are_no_runs_and_none_is_made(place: Place) -> None:
    assert look(Runs(place)) == {}
    assert not place.log_path.exists()


async def test_runs_are_named_at_once_and_read_one_after_the_other(place: Place) -> None:
    await logged(place, "old", given_up())
    await logged(place, "new", under_way())
    seen = [(it.run, it.read) for it in Runs(place).look(never)]
    assert seen == [("new", False), ("old", False), ("new", True), ("old", True)]


async def test_how_runs_stand(place: Place) -> None:
    await logged(place, "over", given_up())
    await logged(place, "left", under_way())
    await logged(place, "live", under_way())
    with RepositoryLock(place.state_dir).acquire("live"):
        found = look(Runs(place))
    stands = {run: it.standing for run, it in found.items()}
    assert stands == {
        "live": Standing.LIVE,
        "left": Standing.RESUMABLE,
        "over": Standing.INCOMPLETE,
    }
    assert (found["left"].landed, found["left"].total, found["over"].outcome) == (0, 2, "incomplete")


async def test_the_live_run_is_read_first(place: Place) -> None:
    await logged(place, "live", under_way())
    await logged(place, "new", under_way())
    with RepositoryLock(place.state_dir).acquire("live"):
        seen = [it.run for it in Runs(place).look(never) if it.read]
    assert seen == ["live", "new"]


async def test_what_did_not_grow_is_not_read_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    story = under_way()
    await logged(place, "r", story)
    runs = Runs(place)
    first = look(runs)
    read: list[int] = []
    history = SqliteStore.history

    def counted(self: SqliteStore, run: str, after: int = 0) -> object:
        read.append(after)
        return history(self, run, after)

    monkeypatch.setattr(SqliteStore, "history", counted)
    assert look(runs) == first and read == []
    before = len(story.log)
    story.send(e.StopRequested(reason="enough"))
    await logged(place, "r", story, before)
    look(runs)
    assert read == [0]


async def test_a_live_run_is_read_on_from_where_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    story = under_way()
    await logged(place, "r", story)
    runs = Runs(place)
    with RepositoryLock(place.state_dir).acquire("r"):
        look(runs)
        before = len(story.log)
        story.ready("a")
        story.deliver("a")
        await logged(place, "r", story, before)
        read: list[int] = []
        history = SqliteStore.history

        def counted(self: SqliteStore, run: str, after: int = 0) -> object:
            read.append(after)
            return history(self, run, after)

        monkeypatch.setattr(SqliteStore, "history", counted)
        again = look(runs)["r"]
        assert read == [before] and again.standing is Standing.LIVE
    assert look(runs)["r"].standing is Standing.RESUMABLE, "nobody is at work on it any more"


async def test_a_damaged_run_says_so_and_the_others_are_whole(place: Place) -> None:
    await logged(place, "hurt", under_way())
    await logged(place, "well", under_way())
    with closing(sqlite3.connect(place.log_path)) as raw, raw:
        raw.execute("UPDATE events SET body = '{}' WHERE run = 'hurt' AND seq = 2")
    found = look(Runs(place))
    assert found["hurt"].standing is Standing.DAMAGED and "damaged" in found["hurt"].trouble
    assert found["hurt"].total == 2, "what is good of it is told"
    assert found["well"].standing is Standing.RESUMABLE and not found["well"].trouble


async def test_stopping_is_heard_while_a_long_run_is_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "PIECE", 2)
    await logged(place, "r", under_way())
    asked = iter([False, True])
    assert [it.read for it in Runs(place).look(lambda: next(asked))] == [False]
    assert [it.read for it in Runs(place).look(lambda: True)] == [False]


# -- plans -------------------------------------------------------------------------------------------


def plans(place: Place, *known: str) -> list[PlanSummary]:
    return plans_of(place, known, never)


async def test_plans_are_found_where_they_usually_are(place: Place) -> None:
    for name in ("plan.md", "plans/one.md", "docs/plans/two.md", "src/deep/three.md", "notes/four.md"):
        (place.root / name).parent.mkdir(parents=True, exist_ok=True)
        (place.root / name).write_text(PLAN)
    assert {it.shown for it in plans(place)} == {"plan.md", "plans/one.md", "docs/plans/two.md"}
    beside = str(place.root / "notes" / "gone.md")
    assert "notes/four.md" in {it.shown for it in plans(place, beside)}
    assert not place.log_path.exists(), "looking makes no log"


async def test_only_structured_plans_are_told(place: Place) -> None:
    (place.root / "README.md").write_text("# About\n\n1. Do this\n2. Do that\n")
    (place.root / "data.md").write_bytes(b"## Tasks\n\xff\xfe")
    (place.root / "huge.md").write_text(PLAN + "x" * overview.PLAN_BYTES)
    os.mkfifo(place.root / "pipe.md")
    (place.root / "loop.md").symlink_to("loop.md")
    assert plans(place) == []


async def test_what_is_known_of_a_plan(place: Place) -> None:
    good, bad, used = (place.root / f"{name}.md" for name in ("good", "bad", "used"))
    good.write_text(PLAN)
    bad.write_text(PLAN.replace("after: a", "after: nobody"))
    used.write_text(PLAN + "\nMore.\n")
    approve(place, read_plan(used))
    found = {it.shown: it for it in plans(place, str(used))}
    assert (found["good.md"].title, found["good.md"].tasks, found["good.md"].approved) == ("A plan", 2, False)
    assert (found["bad.md"].problems, found["bad.md"].tasks) == (1, 0)
    assert found["used.md"].approved and found["used.md"].used
    assert [it.shown for it in plans(place, str(used))][-1] == "used.md", "what waits comes first"
    good.write_text(PLAN)
    approve(place, read_plan(good))
    good.write_text(PLAN + " ")
    assert not next(it for it in plans(place) if it.shown == "good.md").approved, "it is another text by now"
