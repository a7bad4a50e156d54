"""Single faults in the engine's surroundings, each at its worst moment."""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from workbench.core import events as e
from workbench.core.models import RunSettings, Task
from workbench.engine.ports import Git, Worktrees
from workbench.errors import GitError
from workbench.testing.agents import Edit, EndTurn, Mark, Reach, Step
from workbench.testing.git import FakeGit
from workbench.testing.guard import FakeGuard
from workbench.testing.playbook import INTEGRATION
from workbench.testing.stage import Stage
from workbench.testing.worktrees import FakeWorktrees


def stage_of(*names: str, team: Sequence[str] = ("ada",), **values: object) -> Stage:
    settings = RunSettings.model_validate({"team": team, "gates": ("test",), **values})
    return Stage([Task(id=name, title=name.upper()) for name in names], settings)


class _Git(FakeGit):
    """Moves the ref, and then fails; the next ``blind`` looks at a ref fail too."""

    fails: Exception | None = GitError("update-ref was ended")
    blind = 0

    async def move_ref(self, ref: str, new: str, old: str | None, why: str) -> bool:
        moved = await super().move_ref(ref, new, old, why)
        if ref == INTEGRATION and old is not None and self.fails is not None:
            failed, self.fails = self.fails, None
            raise failed
        return moved

    async def tip(self, ref: str) -> str | None:
        if self.fails is None and self.blind:
            self.blind -= 1
            raise GitError("rev-parse was ended")
        return await super().tip(ref)


@pytest.mark.parametrize("blind", [0, 2])
@pytest.mark.parametrize(
    "fails", [GitError("update-ref was ended"), OSError(errno.EIO, "Input/output error")]
)
async def test_what_was_published_has_landed_though_git_failed_after_it(fails: Exception, blind: int) -> None:
    stage = stage_of("a", "b")
    git = _Git(stage.git.commits, stage.git.trees, stage.git.refs, _order=stage.git._order)
    git._past.update(stage.git._past)
    git.fails, git.blind = fails, blind
    stage.world = replace(stage.world, git=cast("Git", git), guard=FakeGuard(git))
    stage.git = stage.worktrees.git = stage.gates.git = git
    stage.use(stage.agent)
    state = await stage.run()
    assert state.outcome == "landed"
    landed = Counter(record.event.task for record in stage.records if isinstance(record.event, e.TaskLanded))
    assert landed == {"a": 1, "b": 1}
    assert not any(isinstance(record.event, e.Noticed | e.LandingDropped) for record in stage.records)
    merges = [
        commit for commit in git.ancestors(git.refs[INTEGRATION]) if len(git.commits[commit].parents) == 2
    ]
    assert len(merges) == 2


class _Worktrees(FakeWorktrees):
    """One worktree cannot be removed; the others take a while."""

    async def remove(self, teammate: str) -> None:
        if teammate == "ada":
            raise OSError(errno.EIO, "Input/output error")
        for _ in range(50):
            await asyncio.sleep(0)
        await super().remove(teammate)


async def test_a_worktree_that_cannot_be_removed_holds_nothing_up() -> None:
    stage = stage_of("a", "b", "c", team=("ada", "bob", "cy"))
    worktrees = _Worktrees(stage.git)
    stage.world = replace(stage.world, worktrees=cast("Worktrees", worktrees))
    stage.worktrees = stage.agent.worktrees = worktrees
    stage.use(stage.agent)
    state = await stage.run()
    assert state.outcome == "landed"
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a removal was left behind"
    assert set(worktrees.standing) == {"ada"}


class _Full(FakeWorktrees):
    """The disk is full when the first worktree is made."""

    full = True

    async def prepare(self, *given: Any, **named: Any) -> Any:
        if self.full:
            self.full = False
            raise OSError(errno.ENOSPC, "No space left on device")
        return await super().prepare(*given, **named)


async def test_markers_of_a_process_that_died_are_found_by_the_next() -> None:
    """Wherever marker folders are: whether there is one is for their adapter to say."""
    stage = stage_of("a", continues=True)
    there = asyncio.Event()
    steps: list[Step] = [Edit({"a": "1\n"}), Mark("note", "before the end"), Reach(there, asyncio.Event())]
    stage.agent.scripts = {("a", 1): steps, ("a", 2): [Mark("done"), EndTurn()]}
    stage.world.markers.watch = _never  # type: ignore[method-assign]
    running = asyncio.ensure_future(stage.run())
    await asyncio.wait_for(there.wait(), 20)
    running.cancel()
    await asyncio.wait({running})
    assert not Path(stage.worktrees.root).exists()
    stage.markers = stage.markers.reopened()
    stage.agent.markers = stage.markers
    stage.world = replace(stage.world, markers=stage.markers)
    await stage.resume()
    notes = [r.event.note for r in stage.store.read("r") if isinstance(r.event, e.MarkerReceived)]
    assert "before the end" in notes


async def _never() -> Any:
    await asyncio.Event().wait()
    yield


class _Racing(FakeGit):
    """Somebody takes the newest landing off just when the next one is to be published."""

    raced = False

    async def move_ref(self, ref: str, new: str, old: str | None, why: str) -> bool:
        if "land c" in why and not self.raced:
            self.raced = True
            self.refs[ref] = self.commits[self.refs[ref]].parents[0]
        return await super().move_ref(ref, new, old, why)


async def test_nobody_begins_without_what_landed_when_the_branch_was_set_back() -> None:
    """The run stops and asks for the branch; when it is back, work goes on from what had landed."""
    tasks = [Task(id="a", title="A"), Task(id="c", title="C"), Task(id="d", title="D", after=("a",))]
    stage = Stage(tasks, RunSettings(team=("ada",), gates=("test",), batch=1))
    git = _Racing(stage.git.commits, stage.git.trees, stage.git.refs, _order=stage.git._order)
    git._past.update(stage.git._past)
    stage.world = replace(stage.world, git=cast("Git", git), guard=None)
    stage.git = stage.worktrees.git = stage.gates.git = git
    stage.use(stage.agent)
    state = await stage.run()
    assert state.outcome == "stopped"
    assert "which is without what landed" in state.reason
    git.refs[INTEGRATION] = state.published
    assert (await stage.resume()).outcome == "landed"
    landed = next(it.commit for it in stage.engine.state.landings if it.task == "a")
    starts = [it.start for it in stage.engine.state.attempts.values() if it.task == "d"]
    assert starts
    assert all(git.holds(start, landed) for start in starts)


async def test_a_full_disk_stops_the_run_and_costs_no_attempt() -> None:
    stage = Stage([Task(id="a", title="A")], RunSettings(team=("ada",), gates=("test",), attempts=1))
    worktrees = _Full(stage.git)
    stage.world = replace(stage.world, worktrees=cast("Worktrees", worktrees))
    stage.worktrees = stage.agent.worktrees = worktrees
    stage.use(stage.agent)
    state = await stage.run()
    assert state.outcome == "stopped"
    assert "No space left on device" in state.reason
    assert "OSError" not in state.reason
    assert state.tasks["a"].tries == 0
    assert (await stage.resume()).outcome == "landed"
