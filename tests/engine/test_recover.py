"""Taking a run up again: what lay in the worktrees when its process ended is accounted for."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.adapters.folder import FOLDER, QUARANTINE
from workbench.adapters.markers import MarkerFolders
from workbench.core import events as e
from workbench.core.apply import apply, fold
from workbench.core.models import RunSettings, Task
from workbench.core.state import RunState
from workbench.engine.ports import Collected
from workbench.engine.recover import accounts
from workbench.errors import GitError, SetupError
from workbench.testing.agents import Edit, Reach, Step
from workbench.testing.playbook import INTEGRATION
from workbench.testing.stage import Stage
from workbench.testing.store import MemoryStore
from workbench.testing.worktrees import FakeWorktree, FakeWorktrees


def settings(**values: object) -> RunSettings:
    return RunSettings.model_validate({"team": ("ada",), "gates": ("test",), **values})


def stage_in(folder: Path, **values: object) -> Stage:
    """A run of one task whose worktrees are real folders as far as markers go."""
    stage = Stage([Task(id="a", title="Do a")], settings(**values))
    stage.worktrees.root = folder
    (folder / "ada" / FOLDER / "markers").mkdir(parents=True)
    return stage


def held(*steps: Step) -> tuple[list[Step], asyncio.Event]:
    """Steps after which the agent stands still, and what says that it got there."""
    there = asyncio.Event()
    return [*steps, Reach(there, asyncio.Event())], there


async def killed(stage: Stage, there: asyncio.Event, resumed: bool = False) -> None:
    """Run, or go on, and break off when the agent stands still."""
    running = asyncio.ensure_future(stage.resume() if resumed else stage.run())
    await asyncio.wait_for(there.wait(), 20)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def accounted(stage: Stage, markers: MarkerFolders) -> tuple[RunState, list[e.Event]]:
    """The state once all is accounted for, and the events that it took; nothing is started."""
    state, came = fold(stage.store.read("r")), list[e.Event]()
    state.run = "r"
    async for event in accounts(state, replace(stage.world, markers=markers)):
        record = e.Record(state.seq + 1, 0.0, event)
        apply(state, record)
        await stage.store.append("r", [record])
        came.append(event)
    return state, came


async def test_bad_markers_are_set_aside_with_the_reason_and_good_ones_count(tmp_path: Path) -> None:
    """As while the run lives: nothing that a teammate dropped is deleted unread."""
    stage = stage_in(tmp_path)
    stage.agent.scripts[("a", 1)], there = held(Edit({"a": "a\n"}))  # type: ignore[index]
    await killed(stage, there)
    nonce = stage.agent.assignments[0].nonce
    folder = tmp_path / "ada" / FOLDER / "markers"
    texts = {
        "1.json": f'{{"kind": "progress", "percent": 40, "nonce": "{nonce}"}}',
        "2.json": '{"kind": "done", "nonce": "guessed"}',
        "3.json": "{not json",
        "4.json": f'{{"kind": "message", "to": "nobody", "note": "hello", "nonce": "{nonce}"}}',
    }
    for name, text in texts.items():
        (folder / name).write_text(text)

    state, came = await accounted(stage, MarkerFolders())

    assert [event.name for event in came if isinstance(event, e.MarkerReceived)] == ["1.json", "4.json"]
    refused = next(event for event in came if isinstance(event, e.MessageRefused))
    assert "'nobody'" in refused.reason
    aside = {event.name: event.reason for event in came if isinstance(event, e.MarkerQuarantined)}
    assert list(aside) == ["2.json", "3.json"]
    assert "its nonce" in aside["2.json"] and "not JSON" in aside["3.json"]
    assert (state.quarantined, state.messages, state.attempt("a", 1).percent) == (2, 0, 40)
    assert not list(folder.iterdir())
    aside_in = tmp_path / "ada" / FOLDER / QUARANTINE
    kept = {path.name.partition("-")[2]: path.read_text() for path in aside_in.iterdir()}
    for name, reason in aside.items():
        assert (kept[name], kept[f"{name}.reason"]) == (texts[name], f"{reason}\n")


async def test_a_marker_that_is_in_the_log_is_cleared_away(tmp_path: Path) -> None:
    stage = stage_in(tmp_path)
    stage.agent.scripts[("a", 1)], there = held(Edit({"a": "a\n"}))  # type: ignore[index]
    await killed(stage, there)
    seq = stage.store.read("r")[-1].seq
    note = e.MarkerReceived(task="a", attempt=1, name="1.json", kind="note", note="x")
    await stage.store.append("r", [e.Record(seq + 1, 0.0, note)])
    folder = tmp_path / "ada" / FOLDER / "markers"
    nonce = stage.agent.assignments[0].nonce
    (folder / "1.json").write_text(f'{{"kind": "note", "note": "x", "nonce": "{nonce}"}}')

    _, came = await accounted(stage, MarkerFolders())

    assert [type(event) for event in came] == [e.AttemptEnded]
    assert not list(folder.iterdir()) and not (tmp_path / "ada" / FOLDER / QUARANTINE).exists()


async def twice_interrupted(stage: Stage) -> None:
    """Killed at work; taken up again, at work further, and killed before the log heard that the worktree
    of the second attempt stands."""
    stage.agent.scripts[("a", 1)], there = held(Edit({"first": "1\n"}))  # type: ignore[index]
    await killed(stage, there)
    stage.agent.scripts[("a", 2)], there = held(Edit({"second": "2\n"}))  # type: ignore[index]
    stage.use(stage.agent)
    await killed(stage, there, resumed=True)
    log = stage.store.read("r")
    last = max(place for place, record in enumerate(log) if isinstance(record.event, e.WorktreeReady))
    stage.store = MemoryStore()
    await stage.store.append("r", log[:last])
    assert fold(log[:last]).attempt("a", 2).why == "continued"
    assert not fold(log[:last]).attempt("a", 2).prepared


async def test_what_an_attempt_did_before_the_log_knew_of_it_is_kept(tmp_path: Path) -> None:
    """Else nothing would hold it, were the task given to somebody else or given up now."""
    stage = stage_in(tmp_path, continues=True)
    await twice_interrupted(stage)

    state, _ = await accounted(stage, MarkerFolders())

    pinned = stage.git.refs["refs/workbench/r/interrupted/a/2"]
    assert stage.git.files(pinned) == {"README": "sample\n", "first": "1\n", "second": "2\n"}
    assert (state.task("a").why, state.task("a").carry) == ("continued", pinned)
    stage.use(stage.agent)
    assert (await asyncio.wait_for(stage.resume(), 20)).outcome == "landed"
    assert {"first", "second"} <= stage.landed_files().keys()


async def test_a_worktree_that_was_just_being_made_anew_is_not_gone_on_from(tmp_path: Path) -> None:
    """Damaged, it is reset; killed then, it stands without what the attempt had, which is carried on."""
    stage = stage_in(tmp_path, continues=True)
    await twice_interrupted(stage)
    first = stage.git.refs["refs/workbench/r/interrupted/a/1"]
    stage.worktrees.standing["ada"] = FakeWorktree(stage.base, stage.git.files(stage.base))

    state, _ = await accounted(stage, MarkerFolders())

    assert (state.task("a").why, state.task("a").carry) == ("retry", first)
    stage.use(stage.agent)
    state = await asyncio.wait_for(stage.resume(), 20)
    assert (state.outcome, state.attempt("a", 3).why) == ("landed", "retry")
    assert "first" in stage.landed_files()


async def test_what_cannot_be_kept_is_not_gone_on_from(tmp_path: Path) -> None:
    """The next attempt begins with the worktree being pinned and made anew, not with whatever lies there."""
    stage = stage_in(tmp_path, continues=True)
    stage.agent.scripts[("a", 1)], there = held(Edit({"first": "1\n"}))  # type: ignore[index]
    await killed(stage, there)
    stage.agent.scripts[("a", 2)], there = held(Edit({"second": "2\n"}))  # type: ignore[index]
    stage.use(stage.agent)
    await killed(stage, there, resumed=True)
    first = stage.git.refs["refs/workbench/r/interrupted/a/1"]

    class Damaged(FakeWorktrees):
        async def collect(self, teammate: str, start: str, message: str, pin: str) -> Collected:
            raise GitError("the index is damaged")

    whole = stage.world
    stage.world = replace(whole, worktrees=Damaged(stage.git))
    state, _ = await accounted(stage, MarkerFolders())
    assert (state.task("a").why, state.task("a").carry, state.task("a").session) == ("retry", first, None)

    stage.world = whole
    stage.use(stage.agent)
    state = await asyncio.wait_for(stage.resume(), 20)
    assert state.outcome == "landed"
    held_there = [
        stage.git.files(it) for ref, it in stage.git.refs.items() if ref.startswith("refs/workbench/held/")
    ]
    assert any("second" in files for files in held_there)


async def cut(kind: type[e.Event]) -> Stage:
    """A run of one task that landed, whose log ends with its first event of ``kind``."""
    stage = Stage([Task(id="a", title="Do a")], settings())
    assert (await asyncio.wait_for(stage.run(), 20)).outcome == "landed"
    log = stage.store.read("r")
    last = next(place for place, record in enumerate(log) if isinstance(record.event, kind))
    stage.store = MemoryStore()
    await stage.store.append("r", log[: last + 1])
    stage.use(stage.agent)
    return stage


@pytest.mark.parametrize("kind", [e.BaseChecked, e.AttemptStarted, e.TaskDelivered, e.LandingStarted])
async def test_what_landed_and_the_log_lost_is_refused_and_not_landed_again(kind: type[e.Event]) -> None:
    stage = await cut(kind)
    tip, moves = stage.git.refs[INTEGRATION], list(stage.git.moves)

    for _ in range(2):
        with pytest.raises(SetupError, match=r"ahead of the log of run r.*Land a: Do a") as caught:
            await stage.resume()

    assert (stage.git.refs[INTEGRATION], stage.git.moves) == (tip, moves)
    assert "git branch -f" in caught.value.hint and "TaskLanded" not in stage.types()
    stage.git.refs[INTEGRATION] = stage.base  # what the hint says
    assert (await asyncio.wait_for(stage.resume(), 20)).outcome == "landed"
    assert stage.types().count("TaskLanded") == 1


@pytest.mark.parametrize("kind", [e.CandidateMade, e.BatchBuilt, e.CandidateChecked])
async def test_a_landing_that_the_log_began_is_accounted_for(kind: type[e.Event]) -> None:
    stage = await cut(kind)
    tip = stage.git.refs[INTEGRATION]
    assert (await asyncio.wait_for(stage.resume(), 20)).outcome == "landed"
    assert stage.git.refs[INTEGRATION] == tip and stage.types().count("TaskLanded") == 1


async def test_a_branch_that_somebody_moved_on_is_built_upon() -> None:
    """Only what workbench published for this run is missed in the log."""
    stage = Stage([Task(id="a", title="Do a")], settings())
    stage.agent.scripts[("a", 1)], there = held(Edit({"a": "a\n"}))  # type: ignore[index]
    await killed(stage, there)
    message = "by hand\n\nWorkbench-Run: another"
    stage.git.refs[INTEGRATION] = stage.git.add(
        {"README": "sample\n", "b": "b\n"}, stage.base, message=message
    )
    stage.use(stage.agent)
    assert (await asyncio.wait_for(stage.resume(), 20)).outcome == "landed"
    assert stage.landed_files()["b"] == "b\n"
