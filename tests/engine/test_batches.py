"""Batches through the real engine on fakes: what is published, and what a crash leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from workbench.core import events as e
from workbench.core.actions import BuildBatch
from workbench.core.models import RunSettings, Task, Verdict
from workbench.core.state import RunState
from workbench.engine.batches import build_batch
from workbench.engine.ports import Merged
from workbench.errors import GitError, SetupError, StoreError
from workbench.testing import MemoryStore
from workbench.testing.agents import Edit, EndTurn, Mark, Reach, Step
from workbench.testing.git import Files
from workbench.testing.playbook import INTEGRATION
from workbench.testing.stage import Stage
from workbench.testing.story import Story, task


def edit(path: str, text: str) -> list[Step]:
    return [Edit({path: text}), Mark("done"), EndTurn(0.5)]


@dataclass
class DyingStore(MemoryStore):
    """Fails for good when the landing of ``dies_at`` is to be written down."""

    dies_at: str = ""

    async def append(self, run: str, records: Sequence[e.Record]) -> None:
        if any(isinstance(it.event, e.TaskLanded) and it.event.task == self.dies_at for it in records):
            self.fails = "the disk is full"
        await super().append(run, records)


class Batch(Stage):
    """The tasks b, c and d are delivered while ``first`` is being landed, so that they land together."""

    def __init__(self, store: MemoryStore | None = None, gate_slots: int = 1) -> None:
        tasks = [Task(id=name, title=name) for name in ("first", "b", "c", "d")]
        chosen = RunSettings(team=("ada", "bob", "cy", "dee"), gates=("test",), gate_slots=gate_slots)
        super().__init__(tasks, chosen, files={"f": "0\n"}, store=store or MemoryStore())
        go, self.delivered = asyncio.Event(), asyncio.Event()
        self.scripts: dict[tuple[str, int], list[Step]] = {
            (name, 1): [Reach(asyncio.Event(), go), *edit(f"{name}.txt", f"{name}\n")] for name in "bcd"
        }
        self.agent.scripts = self.scripts
        self.on(e.LandingStarted, lambda record: go.set())
        self.bus.listen(self._count)
        self._left = len(tasks)
        self._merge, self.git.merge = self.git.merge, self._hold  # type: ignore[method-assign]

    def does(self, name: str, path: str, text: str) -> None:
        """What ``name`` does at its first attempt, instead of writing a file of its own."""
        self.scripts[name, 1][1] = Edit({path: text})

    def _count(self, record: e.Record) -> None:
        self._left -= isinstance(record.event, e.TaskDelivered)
        if self._left == 0:
            self.delivered.set()

    async def _hold(self, ours: str, theirs: str) -> Merged:
        await self.delivered.wait()
        return await self._merge(ours, theirs)

    @property
    def published(self) -> list[str]:
        """The tips that were ever published, without the base."""
        return [commit for ref, commit in self.git.moves[1:] if ref == INTEGRATION]

    def landed(self, state: RunState) -> list[list[str]]:
        """The landed tasks, those published together in one list; checked against git."""
        way, tip = list[str](), self.git.refs[INTEGRATION]
        while tip != self.base:
            way.append(tip)
            tip = self.git.commits[tip].parents[0]
        assert [it.commit for it in state.landings] == way[::-1]
        groups: list[list[str]] = [[]]
        for landing in state.landings:
            groups[-1].append(landing.task)
            if landing.commit in self.published:
                groups.append([])
        assert groups.pop() == [], "what landed last was never published"
        return groups


async def within(stage: Stage) -> RunState:
    return await asyncio.wait_for(stage.run(), 20)


async def resumed(stage: Stage) -> RunState:
    return await asyncio.wait_for(stage.resume(), 20)


def red_together(command: str, files: Files) -> bool:
    return not ({"b.txt", "c.txt"} <= files.keys()) or "fix" in files


async def test_three_green_tasks_are_gated_and_published_once() -> None:
    stage = Batch()
    state = await within(stage)
    assert stage.landed(state) == [["first"], ["b", "c", "d"]]
    assert len(stage.gates.runs) == 1 + 4 + 1, "the base, each alone, and the batch"
    assert stage.landed_files().keys() == {"f", "first.txt", "b.txt", "c.txt", "d.txt"}
    assert state.batch == 6


async def test_red_together_is_taken_apart_and_the_fixup_has_the_other_side() -> None:
    stage = Batch()
    stage.gates.judge = red_together
    stage.scripts["c", 2] = edit("fix", "both\n")
    state = await within(stage)
    assert state.outcome == "landed"
    assert stage.landed(state)[:2] == [["first"], ["b"]]
    (rejected,) = [r.event for r in stage.records if isinstance(r.event, e.TaskRejected)]
    assert (rejected.task, rejected.others, rejected.evidence) == (
        "c",
        ("first", "b"),
        "$ test (exit 1)\ntest is red",
    )
    (found,) = [r.event for r in stage.records if isinstance(r.event, e.SemanticConflictFound)]
    assert (found.task, found.others, found.certain) == ("c", ("b",), True)
    assert state.tasks["c"].others == ("b",), "its brief has the one that it collides with"
    assert {"b.txt", "first.txt"} <= stage.git.files(state.attempts["c", 2].start).keys()
    for commit in stage.published:
        assert state.verdicts[await stage.git.tree_of(commit), "test", "fake"].green


async def test_a_flaky_gate_evicts_nobody() -> None:
    stage = Batch()
    seen = Counter[str]()

    def flaky(command: str, files: Files) -> bool:
        seen["all"] += len(files) == 5
        return len(files) < 5 or seen["all"] > 1

    stage.gates.judge = flaky
    state = await within(stage)
    assert stage.landed(state) == [["first"], ["b", "c", "d"]]
    assert state.flakes == {"test": 1}
    assert "TaskRejected" not in stage.types()


async def test_a_conflict_inside_the_batch_steps_aside_and_is_blamed_on_what_landed() -> None:
    stage = Batch()
    stage.does("b", "f", "b\n")
    stage.does("c", "f", "c\n")
    stage.scripts["c", 2] = edit("f", "b and c\n")
    state = await within(stage)
    # Two that conflict, as was foreseen, come after one that does not.
    assert stage.landed(state) == [["first"], ["d", "b"], ["c"]]
    told = [r.event for r in stage.records if isinstance(r.event, e.TaskDeferred | e.TaskConflicted)]
    assert [type(event).__name__ for event in told] == ["TaskDeferred", "TaskConflicted"]
    assert state.tasks["c"].others == ("b",)
    assert stage.landed_files()["f"] == "b and c\n"


async def test_a_branch_that_a_person_moved_while_nobody_works_is_built_upon() -> None:
    stage = Stage([task("a")], RunSettings(team=("ada",), gates=("test",)))
    moved, ended, real = list[str](), asyncio.Event(), stage.git.merge

    async def later(ours: str, theirs: str) -> Merged:
        await ended.wait()
        return await real(ours, theirs)

    def move(record: e.Record) -> None:
        ended.set()
        tip = stage.git.refs[INTEGRATION]
        moved.append(stage.git.add(stage.git.files(tip) | {"theirs": "x\n"}, tip))
        stage.git.refs[INTEGRATION] = moved[0]

    stage.git.merge = later  # type: ignore[method-assign]
    stage.on(e.AttemptEnded, move)
    state = await within(stage)
    assert state.outcome == "landed" and not state.alarms
    assert stage.landed_files()["theirs"] == "x\n"
    assert moved[0] in stage.git.ancestors(state.tip) and stage.types().count("PublicationLost") == 1
    assert state.verdicts[await stage.git.tree_of(state.tip), "test", "fake"].green


async def test_a_tip_that_turned_red_stops_the_run_and_it_goes_on_when_it_is_mended() -> None:
    stage = Batch()
    broken = asyncio.Event()
    stage.gates.judge = lambda command, files: not broken.is_set()
    stage.on(e.TaskLanded, lambda record: broken.set())
    state = await within(stage)
    assert state.outcome == "stopped"
    assert "the tip of the integration branch itself" in state.reason
    assert stage.landed(state) == [["first"]]
    assert all(state.tasks[name].fixups == 0 for name in "bcd")
    broken.clear()
    state = await resumed(stage)
    assert stage.landed(state) == [["first"], ["b", "c", "d"]]


async def test_git_that_keeps_failing_stops_the_run_and_blames_nobody() -> None:
    stage = Batch()
    real = stage._merge

    async def broken(ours: str, theirs: str) -> Merged:
        raise GitError("no space left")

    stage._merge = broken
    state = await within(stage)
    assert state.outcome == "stopped"
    assert state.reason == "landing failed 3 times: no space left"
    assert {task.fixups for task in state.tasks.values()} == {0}
    stage._merge = real
    state = await resumed(stage)
    assert stage.landed(state) == [["first", "b", "c", "d"]]


async def test_gates_that_run_side_by_side_and_all_break_drop_one_landing_for_it() -> None:
    """Else the failure or the verdict of one would be taken for the next landing's."""
    stage = Batch(gate_slots=3)
    stage.engine.state.culprits = 50
    real, broken = stage.gates.check, Counter[str]()
    both = asyncio.Event()

    async def check(commit: str, tree: str, commands: Sequence[str], urgent: bool = False) -> list[Verdict]:
        if urgent and len(stage.git.files(commit)) > 2 and broken["no room"] < 2:
            broken["no room"] += 1
            if broken["no room"] == 2:
                both.set()
            await both.wait()
            raise SetupError("no room for another process")
        return await real(commit, tree, commands, urgent)

    stage.gates.check = check  # type: ignore[method-assign]
    state = await within(stage)
    assert state.outcome == "landed"
    assert broken["no room"] == 2
    assert stage.types().count("LandingDropped") == 1
    assert stage.landed(state) == [["first"], ["b", "c", "d"]]


async def test_what_cannot_be_learnt_from_a_landing_does_not_touch_the_next() -> None:
    stage = Batch()
    stage.does("b", "f", "b\n")
    stage.does("c", "f", "c\n")
    stage.scripts["c", 2] = edit("f", "b and c\n")

    def broken(clash: object, text: str) -> None:
        raise RecursionError("too deep")

    stage.resolver.remember = broken  # type: ignore[method-assign]
    state = await within(stage)
    assert state.outcome == "landed"
    assert "EffectFailed" not in stage.types()


@pytest.mark.parametrize("dies_at", ["first", "b", "d"])
async def test_dying_between_the_branch_and_the_log_lands_what_the_branch_holds(dies_at: str) -> None:
    store = DyingStore(dies_at=dies_at)
    stage = Batch(store)
    with pytest.raises(StoreError, match="disk is full"):
        await within(stage)
    store.dies_at = store.fails = ""
    held, there = len(stage.published), stage.git.refs[INTEGRATION]
    assert held == (1 if dies_at == "first" else 2), "the branch had moved"
    state = await resumed(stage)
    assert state.outcome == "landed"
    assert Counter(it.task for it in state.landings) == dict.fromkeys(["first", "b", "c", "d"], 1)
    assert there in {it.commit for it in state.landings}
    assert stage.published[held - 1] == there
    assert stage.landed(state)[0] == ["first"]


async def test_dying_while_the_green_part_of_a_red_batch_is_published_lands_that_part() -> None:
    store = DyingStore(dies_at="b")
    stage = Batch(store)
    stage.gates.judge = red_together
    stage.scripts["c", 2] = stage.scripts["c", 3] = edit("fix", "both\n")
    with pytest.raises(StoreError, match="disk is full"):
        await within(stage)
    store.dies_at = store.fails = ""
    state = await resumed(stage)
    assert state.outcome == "landed"
    assert stage.landed(state)[:2] == [["first"], ["b"]]
    assert Counter(it.task for it in state.landings) == dict.fromkeys(["first", "b", "c", "d"], 1)


MOMENTS = [
    e.LandingStarted,
    e.CandidateMade,
    e.BatchBuilt,
    e.CheckingStarted,
    e.CandidateChecked,
    e.FlakeSeen,
]


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
@pytest.mark.parametrize("moment", [*MOMENTS, e.TaskLanded, e.TaskRejected])
async def test_cut_short_at_any_moment_of_a_batch_all_land_once(moment: type[e.Event], how: str) -> None:
    stage = Batch()
    seen = Counter[str]()

    def judge(command: str, files: Files) -> bool:
        seen["all"] += len(files) == 5
        flaky = moment is e.FlakeSeen and len(files) == 5 and seen["all"] == 1
        return not flaky and (moment is not e.TaskRejected or red_together(command, files))

    stage.gates.judge = judge
    for attempt in (2, 3):
        stage.scripts["c", attempt] = edit("fix", f"{attempt}\n")
    running, cuts = asyncio.ensure_future(stage.run()), list[str]()

    def cut(record: e.Record) -> None:
        event = record.event
        if not stage.delivered.is_set() or not isinstance(event, moment) or stage.engine.state.stopping:
            return
        if isinstance(event, e.CheckingStarted) and event.alone:
            return
        cuts.append(record.type)
        if how == "stopped":
            stage.engine.stop("asked to")
        else:
            running.cancel()

    stage.bus.listen(cut)
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(running, 20)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert cuts, "the moment never came"
    state = stage.engine.state
    if not (state.finished and state.outcome == "landed"):
        state = await resumed(stage)
    assert state.outcome == "landed"
    assert Counter(it.task for it in state.landings) == dict.fromkeys(["first", "b", "c", "d"], 1)
    stage.landed(state)
    proven = {key[:2] for key, verdict in state.verdicts.items() if verdict.green}
    for commit in stage.published:
        assert (await stage.git.tree_of(commit), "test") in proven


async def test_what_conflicts_with_the_tip_and_not_with_the_chain_is_on_the_chain() -> None:
    """Somebody else in the batch made the same change of what had landed: nobody has to be sent back."""
    story = Story(task("x"), task("c"))
    story.deliver("x")
    story.deliver("c")
    stage = Stage(story.state.plan.tasks if story.state.plan else [], story.state.settings)
    old = stage.git.add({"f": "0\n"})
    tip = stage.git.add({"f": "1\n"}, old)
    work = stage.git.add({"f": "new\n"}, old), stage.git.add({"f": "new\n"}, tip)
    story.state.base = stage.git.refs[INTEGRATION] = tip
    said: list[e.Event] = []
    await build_batch(story.state, stage.world, said.append, BuildBatch(("x", "c"), work))
    assert [type(event).__name__ for event in said] == ["CandidateMade", "CandidateMade", "BatchBuilt"]
    assert [event.task for event in said if isinstance(event, e.CandidateMade)] == ["c", "x"]


async def test_a_branch_that_git_moved_before_it_was_ended_is_no_lost_race() -> None:
    """Else what has landed would be merged anew, and land a second time."""
    stage = Batch()
    real = stage.git.move_ref

    async def killed(ref: str, new: str, old: str | None, why: str) -> bool:
        return await real(ref, new, old, why) and "land" not in why

    stage.git.move_ref = killed  # type: ignore[method-assign]
    state = await within(stage)
    assert stage.landed(state) == [["first"], ["b", "c", "d"]]
    assert "PublicationLost" not in stage.types()
