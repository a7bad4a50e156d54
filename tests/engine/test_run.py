"""Whole runs of the real engine on fakes."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from workbench.core import events as e
from workbench.core.actions import Action
from workbench.core.apply import fold
from workbench.core.models import RunSettings, Task, Usage, Verdict
from workbench.core.state import RunState
from workbench.engine.loop import Effect
from workbench.engine.ports import AgentReport, Assignment, Ended, Letter
from workbench.errors import GitError, StoreError
from workbench.testing import FakeGates, MemoryStore
from workbench.testing.agents import (
    Break,
    Crash,
    Edit,
    EndTurn,
    Hear,
    Mark,
    Reach,
    ScriptedAgent,
    Step,
    Use,
)
from workbench.testing.playbook import INTEGRATION
from workbench.testing.stage import Stage


def task(name: str, *after: str, gates: tuple[str, ...] = ()) -> Task:
    return Task(id=name, title=f"Do {name}", after=after, gates=gates)


def settings(*team: str, **values: object) -> RunSettings:
    return RunSettings.model_validate({"team": team or ("ada", "bob"), "gates": ("test",), **values})


def edit(path: str, text: str) -> list[Step]:
    return [Edit({path: text}), Mark("done"), EndTurn(0.5)]


async def within(stage: Stage) -> RunState:
    return await asyncio.wait_for(stage.run(), 20)


async def resumed(stage: Stage) -> RunState:
    return await asyncio.wait_for(stage.resume(), 20)


def held_forever() -> Reach:
    return Reach(asyncio.Event(), asyncio.Event())


async def test_a_plan_lands_whole_and_in_order() -> None:
    stage = Stage([task("a"), task("b"), task("c", "a", "b"), task("d", "c")], settings())
    state = await within(stage)
    assert state.outcome == "landed"
    assert stage.landed_files() == {"README": "sample\n"} | {f"{name}.txt": f"{name}\n" for name in "abcd"}
    assert [landing.task for landing in state.landings][2:] == ["c", "d"]
    tip = stage.git.refs[INTEGRATION]
    for standing in state.tasks.values():
        assert await stage.git.is_ancestor(standing.commit or "", tip)
    assert stage.agent.working == 0
    assert stage.worktrees.standing == {}, "tidied"


async def test_every_published_tip_has_a_green_verdict_and_known_trees_are_not_run_again() -> None:
    stage = Stage([task("a"), task("b")], settings("ada"))
    state = await within(stage)
    for _, commit in stage.git.moves[1:]:
        assert state.verdicts[await stage.git.tree_of(commit), "test", "fake"].green
    # Base, a alone (its landing is the same tree), b alone (likewise): nothing is run twice.
    assert len(stage.gates.runs) == 3


async def test_the_log_folds_to_the_live_state() -> None:
    stage = Stage([task("a"), task("b", "a")], settings())
    state = await within(stage)
    again = fold(e.Record(r.seq, r.at, e.load(r.type, e.dump(r.event))) for r in stage.store.read("r"))
    again.run = "r"
    assert again == state
    assert stage.records == stage.store.read("r")


async def test_a_conflict_is_resolved_by_a_fixup_that_knows_both_sides() -> None:
    go = asyncio.Event()
    stage = Stage([task("a"), task("b")], settings(), files={"f": "0\n"})
    stage.agent.scripts = {
        ("a", 1): edit("f", "a\n"),
        ("b", 1): [Reach(asyncio.Event(), go), *edit("f", "b\n")],
        ("b", 2): edit("f", "a and b\n"),
    }
    stage.on(e.TaskLanded, lambda record: go.set())
    state = await within(stage)
    assert state.outcome == "landed"
    assert stage.landed_files() == {"f": "a and b\n"}
    second = state.attempts["b", 2]
    assert (second.why, second.teammate) == ("conflict", state.attempts["b", 1].teammate)
    brief = [values for name, values in stage.briefs.rendered if name == "brief.md.j2"][-1]
    assert brief["conflicts"] == ("f",)
    assert [other.id for other in brief["others"]] == ["a"]  # type: ignore[attr-defined]
    assert "<<<<<<<" in str(brief["hunks"])


async def test_a_red_gate_is_repaired_in_the_same_session() -> None:
    stage = Stage([task("a")], settings("ada"))
    stage.gates.judge = lambda command, files: files.get("f") != "broken\n"
    stage.agent.scripts = {("a", 1): [*edit("f", "broken\n"), *edit("f", "whole\n")]}
    state = await within(stage)
    assert state.outcome == "landed"
    assert list(state.attempts) == [("a", 1)]
    assert "tell/gate_red" in stage.agent.heard[0][1]
    assert "test is red" in stage.agent.heard[0][1]


async def test_a_semantic_conflict_is_rejected_and_fixed_up() -> None:
    stage = Stage([task("a"), task("b")], settings())
    stage.gates.judge = lambda command, files: not ({"a.txt", "b.txt"} <= files.keys() and "c" not in files)
    go, order = asyncio.Event(), edit("b.txt", "b\n")
    stage.agent.scripts = {("b", 1): [Reach(asyncio.Event(), go), *order], ("b", 2): edit("c", "both\n")}
    stage.on(e.TaskLanded, lambda record: go.set())
    state = await within(stage)
    assert state.outcome == "landed"
    assert state.attempts["b", 2].why == "rejected"
    assert stage.landed_files().keys() >= {"a.txt", "b.txt", "c"}


async def test_a_crashed_agent_is_tried_again_and_a_hopeless_one_holds_what_waits() -> None:
    stage = Stage([task("a"), task("b", "a"), task("c")], settings(attempts=2))
    stage.agent.scripts = {("a", 1): [Crash()], ("a", 2): [Break()], ("c", 1): [Crash("once")]}
    state = await within(stage)
    assert state.outcome == "incomplete"
    assert {name: it.status.value for name, it in state.tasks.items()} == {
        "a": "failed", "b": "held", "c": "landed",
    }  # fmt: skip
    assert "broken agent" in state.tasks["a"].reason
    assert "a" in state.tasks["b"].reason


async def test_a_base_that_is_red_is_refused_before_anything_starts() -> None:
    stage = Stage([task("a")], settings())
    stage.gates.judge = lambda command, files: False
    state = await within(stage)
    assert state.outcome == "refused"
    assert stage.agent.assignments == []
    assert INTEGRATION not in stage.git.refs


async def test_agents_that_exit_deliver_too() -> None:
    stage = Stage([task("a"), task("b", "a")], settings("ada"))
    stage.agent.exits = True
    assert (await within(stage)).outcome == "landed"


async def test_messages_reach_a_working_teammate_and_wait_for_one_that_is_not() -> None:
    stage = Stage([task("a"), task("b"), task("c", "a")], settings())
    stage.agent.scripts = {
        ("a", 1): [Mark("message", "hello bob", to="bob"), *edit("a", "a\n")],
        ("b", 1): [Hear("hello bob"), Mark("message", "hello all", to="all"), *edit("b", "b\n")],
    }
    state = await within(stage)
    assert state.outcome == "landed"
    assert state.messages == 2
    assert any(name == "b" and "hello bob" in text for name, text in stage.agent.heard)


async def test_a_thousand_messages_that_waited_overflow_nothing() -> None:
    """They pile up while bob's gates run, and are all told when the red gate sends it back to work."""
    checking, sent, total = asyncio.Event(), asyncio.Event(), 1500

    class Patient(FakeGates):
        async def check(
            self, commit: str, tree: str, commands: Sequence[str], urgent: bool = False
        ) -> list[Verdict]:
            if "bad" in self.git.files(commit):
                await sent.wait()
            return await super().check(commit, tree, commands, urgent)

    stage = Stage([task("a"), task("b")], settings(message_quota=2000))
    gates = Patient(stage.git, lambda command, files: "bad" not in files)
    stage.world = replace(stage.world, gates=gates)
    flood = [Mark("message", f"m{number}", to="bob") for number in range(total)]
    stage.agent.scripts = {
        ("a", 1): [Reach(asyncio.Event(), checking), *flood, *edit("a", "a\n")],
        ("b", 1): [*edit("bad", "b\n"), Edit({"bad": None, "b": "b\n"}), Mark("done"), EndTurn()],
    }
    stage.use(stage.agent)
    stage.on(e.CheckingStarted, lambda record: checking.set())
    stage.on(e.TaskLanded, lambda record: sent.set())
    state = await within(stage)
    assert (state.outcome, state.messages) == ("landed", total)
    told = Counter(r.event.kind for r in stage.store.read("r") if isinstance(r.event, e.Told))
    assert (told["gate_red"], told["message"]) == (1, total)


async def test_markers_given_twice_or_forged_are_set_aside_and_explained() -> None:
    stage = Stage([task("a")], settings("ada"))
    stage.agent.scripts = {
        ("a", 1): [
            Mark("note", "one", name="same.json"),
            Mark("note", "two", name="same.json"),
            Mark("done", nonce="guessed"),
            Hear("received before"),
            *edit("a", "a\n"),
        ]
    }
    state = await within(stage)
    assert (state.outcome, state.quarantined) == ("landed", 2)


async def test_an_agent_that_returns_without_a_word_keeps_what_it_cost() -> None:
    class Silent(ScriptedAgent):
        async def work(
            self,
            assignment: Assignment,
            inbox: asyncio.Queue[Letter],
            report: Callable[[AgentReport], None],
        ) -> None:
            report(Ended(live=True, usage=Usage(cost_usd=2.0)))

    stage = Stage([task("a")], settings("ada", attempts=1))
    stage.use(Silent(stage.worktrees, stage.markers))
    state = await within(stage)
    assert state.outcome == "incomplete"
    assert state.spent.cost_usd == 2.0


# -- stopping and going on ---------------------------------------------------------------------------


@pytest.mark.parametrize("continues", [False, True])
async def test_a_stopped_run_goes_on_with_what_it_had(continues: bool) -> None:
    stage = Stage([task("a"), task("b")], settings(continues=continues))
    hold = held_forever()
    stage.agent.scripts = {("b", 1): [Edit({"half": "half\n"}), hold]}
    stage.on(e.TaskLanded, lambda record: stage.engine.stop("asked to"))
    state = await within(stage)
    assert state.outcome == "stopped"
    left = state.attempts["b", 1]
    assert left.interrupted
    kept = stage.git.refs["refs/workbench/r/interrupted/b/1"]
    assert stage.git.files(kept)["half"] == "half\n"

    state = await resumed(stage)
    assert state.outcome == "landed"
    second = state.attempts["b", 2]
    assert second.why == ("continued" if continues else "first")
    if continues:
        assert second.start == left.start, "where the work in its worktree began"
    assert ("half" in stage.landed_files()) is continues


async def test_a_continued_attempt_is_not_mixed_with_other_work_in_its_worktree() -> None:
    """Two interrupted tasks, one teammate: what the worktree holds belongs to the later one only."""
    stage = Stage([task("a"), task("b")], settings("ada", continues=True, attempts=5))
    stage.agent.scripts = {("a", 1): [Edit({"half-a": "x\n"}), held_forever()]}
    stage.on(e.AgentStarted, lambda record: stage.engine.stop("first"))
    assert (await within(stage)).outcome == "stopped"
    stage.agent.scripts = {("a", 2): [Crash()]}
    state = await resumed(stage)
    assert state.outcome == "landed"
    for landing in state.landings:
        assert landing.task == "a" or "half-a" not in landing.files


async def test_a_stop_during_a_publication_lets_it_be_whole() -> None:
    stage = Stage([task("a"), task("b", "a")], settings())
    stage.on(e.CandidateMade, lambda record: stage.engine.stop("asked to"))
    state = await within(stage)
    assert state.outcome == "stopped"
    assert state.landing is None
    assert (await resumed(stage)).outcome == "landed"
    assert Counter(stage.types())["TaskLanded"] == 2


async def test_a_refused_login_stops_the_run_which_goes_on_after_it() -> None:
    stage = Stage([task("a"), task("b")], settings(continues=True))
    stage.agent.scripts = {("a", 1): [Crash("please sign in", login=True)]}
    state = await within(stage)
    assert (state.outcome, state.reason) == ("stopped", "please sign in")
    state = await resumed(stage)
    assert state.outcome == "landed"
    assert state.tasks["a"].tries == 0, "nobody's attempt is burned"


async def test_the_budget_ends_a_run_that_can_go_on_with_more() -> None:
    stage = Stage([task("a"), task("b")], settings("ada", budget_usd=0.5))
    stage.agent.scripts = {("a", 1): edit("a", "a\n")}
    state = await within(stage)
    assert (state.outcome, state.reason) == ("stopped", "the budget is spent")
    assert stage.landed_files()["a"] == "a\n", "what was delivered still lands"


async def test_cancelling_leaves_no_task_behind_and_a_log_to_go_on_from() -> None:
    stage = Stage([task("a"), task("b", "a")], settings())
    hold = held_forever()
    stage.agent.scripts = {("a", 1): [Edit({"a": "a\n"}), hold]}
    running = asyncio.ensure_future(stage.run())
    await asyncio.wait_for(hold.reached.wait(), 20)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert stage.agent.working == 0
    assert (await resumed(stage)).outcome == "landed"


@dataclass
class DyingStore(MemoryStore):
    """Fails for good at the n-th transaction."""

    dies_at: int = 0

    async def append(self, run: str, records: Sequence[e.Record]) -> None:
        if self.dies_at and len(self.appends) + 1 == self.dies_at:
            self.fails = "the disk is full"
        await super().append(run, records)


@pytest.mark.parametrize("continues", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 40))
async def test_dying_at_any_transaction_loses_and_doubles_nothing(dies_at: int, continues: bool) -> None:
    store = DyingStore(dies_at=dies_at)
    stage = Stage(
        [task("a"), task("b"), task("c", "a")], settings(continues=continues), store=store, files={"f": "0\n"}
    )
    go = asyncio.Event()
    stage.agent.scripts = {
        ("a", 1): edit("f", "a\n"),
        ("b", 1): [Reach(asyncio.Event(), go), *edit("f", "b\n")],
        ("b", 2): edit("f", "b\n"),
    }
    stage.on(e.TaskLanded, lambda record: go.set())
    with contextlib.suppress(StoreError):
        await within(stage)
    assert stage.agent.working == 0
    store.dies_at, store.fails = 0, ""
    stage.agent.scripts = {}
    go.set()
    stage.agent.otherwise = lambda it: edit("f" if it.task == "b" else it.task, f"{it.task} {it.attempt}\n")
    if not store.read("r"):
        return
    state = stage.engine.state if stage.engine.state.finished and not store.fails else None
    if fold(store.read("r")).outcome is None:
        state = await resumed(stage)
    assert state is not None
    assert state.outcome == "landed"
    landed = Counter(r.event.task for r in store.read("r") if isinstance(r.event, e.TaskLanded))
    assert landed == {"a": 1, "b": 1, "c": 1}
    starts = Counter(
        (r.event.task, r.event.attempt) for r in store.read("r") if isinstance(r.event, e.AttemptStarted)
    )
    ends = Counter(
        (r.event.task, r.event.attempt) for r in store.read("r") if isinstance(r.event, e.AttemptEnded)
    )
    assert starts == ends
    # One merge commit for each landing on the first-parent way back to the base: nothing landed unseen.
    tip, way = stage.git.refs[INTEGRATION], []
    while tip != stage.base:
        way.append(tip)
        tip = stage.git.commits[tip].parents[0]
    assert way[::-1] == [landing.commit for landing in state.landings]


# -- the loop ----------------------------------------------------------------------------------------


@dataclass
class OrderedStore(MemoryStore):
    """Says when each transaction began and was durable."""

    story: list[tuple[str, int]] = field(default_factory=list)

    async def append(self, run: str, records: Sequence[e.Record]) -> None:
        for record in records:
            self.story.append(("begun", record.seq))
        await asyncio.sleep(0)
        await super().append(run, records)
        for record in records:
            self.story.append(("durable", record.seq))


async def test_nothing_is_published_before_it_is_durable() -> None:
    store = OrderedStore()
    stage = Stage([task("a"), task("b")], settings(), store=store)
    stage.bus.listen(lambda record: store.story.append(("published", record.seq)))
    await within(stage)
    for record in store.read("r"):
        assert store.story.index(("durable", record.seq)) < store.story.index(("published", record.seq))


async def test_a_burst_of_events_costs_few_transactions() -> None:
    stage = Stage([task("a")], settings("ada"))
    stage.agent.scripts = {("a", 1): [*(Use("Edit", f"f{n}") for n in range(500)), *edit("a", "a\n")]}
    await within(stage)
    assert isinstance(stage.store, MemoryStore)
    assert sum(stage.store.appends) > 500
    assert len(stage.store.appends) < 25


async def test_a_store_that_fails_ends_the_run_and_nothing_is_done_after() -> None:
    store = DyingStore(dies_at=3)
    stage = Stage([task("a")], settings("ada"), store=store)
    with pytest.raises(StoreError, match="disk is full"):
        await within(stage)
    assert len(stage.records) == len(store.read("r"))
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_effect_that_breaks_in_an_unforeseen_way_stops_the_run_instead_of_hanging_it() -> None:
    stage = Stage([task("a")], settings("ada"))
    real = stage.effects.begin

    async def broken() -> None:
        raise ZeroDivisionError("a bug")

    def begin(state: RunState, action: Action) -> tuple[list[e.Event], Effect | None]:
        intents, effect = real(state, action)
        return intents, broken if type(action).__name__ == "CollectWork" else effect

    stage.effects.begin = begin  # type: ignore[method-assign]
    state = await within(stage)
    assert state.outcome == "stopped"
    assert "a bug" in state.reason


async def test_git_that_fails_once_the_branch_has_moved_lands_nothing_twice() -> None:
    stage = Stage([task("a"), task("b")], settings())
    real, calls = stage.git.changed_files, Counter[str]()

    async def flaky(old: str, new: str) -> tuple[str, ...]:
        calls["changed"] += 1
        if calls["changed"] == 1:
            raise GitError("too many open files")
        return await real(old, new)

    stage.git.changed_files = flaky  # type: ignore[method-assign]
    state = await within(stage)
    assert state.outcome == "landed"
    assert Counter(stage.types())["TaskLanded"] == 2
    landed = [it.commit for it in state.landings]
    published = [commit for _, commit in stage.git.moves[1:]]
    assert published == [commit for commit in landed if commit in published], "each once, in order"
    assert published[-1] == landed[-1] == stage.git.refs[INTEGRATION]
    assert [it.parent for it in state.landings] == [stage.base, landed[0]]


async def test_a_worktree_that_is_gone_fails_the_attempt_with_its_reason() -> None:
    stage = Stage([task("a")], settings("ada", attempts=1))

    stage.on(e.AgentStarted, lambda record: stage.worktrees.standing.clear())
    state = await within(stage)
    assert state.outcome == "incomplete"
    assert "gone" in state.tasks["a"].reason


async def test_a_stop_asked_for_twice_is_one_stop() -> None:
    stage = Stage([task("a")], settings("ada"))
    stage.agent.scripts = {("a", 1): [held_forever()]}

    def twice(record: e.Record) -> None:
        stage.engine.stop("first")
        stage.engine.stop("second")

    stage.on(e.AgentStarted, twice)
    state = await within(stage)
    assert (state.outcome, state.reason) == ("stopped", "first")
