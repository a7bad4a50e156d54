"""Agents that go silent or never end, limits that are waited out, memory: the real engine on fakes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from workbench.core import events as e
from workbench.core.models import RunSettings, Task
from workbench.core.state import AttemptState, Phase
from workbench.engine.deadlines import Deadlines
from workbench.engine.ports import Roomy
from workbench.testing.agents import Crash, Edit, EndTurn, Hear, Mark, Reach, Script, Use
from workbench.testing.stage import Stage

DONE: Script = (Edit({"a.txt": "a\n"}), Mark("done"), EndTurn())


def stage(*scripts: Script, **values: object) -> Stage:
    """A run of one task whose attempts follow ``scripts``, one after the other."""
    settings = RunSettings.model_validate({"team": ("ada", "bob"), "gates": ("test",), **values})
    made = Stage([Task(id="a", title="A")], settings)
    made.agent.scripts = {("a", number): script for number, script in enumerate(scripts, 1)}
    return made


def events(run: Stage, kind: type[e.Event]) -> list[e.Event]:
    return [record.event for record in run.store.read("r") if isinstance(record.event, kind)]


async def test_an_agent_that_hangs_is_nudged_then_stopped_and_somebody_else_goes_on_with_its_work() -> None:
    never = asyncio.Event()
    hangs: Script = (Edit({"a.txt": "half\n"}), Reach(asyncio.Event(), never))
    run = stage(
        hangs, (Edit({"b.txt": "b\n"}), Mark("done"), EndTurn()), idle_seconds=0.1, nudge_seconds=0.05
    )
    state = await asyncio.wait_for(run.run(), 20)
    assert state.outcome == "landed"
    passed = [
        (it.deadline, it.last) for it in events(run, e.DeadlinePassed) if isinstance(it, e.DeadlinePassed)
    ]
    assert passed == [("idle", False), ("idle", True)]
    assert [it.kind for it in events(run, e.Told) if isinstance(it, e.Told)] == ["nudge"]
    assert {"a.txt": "half\n", "b.txt": "b\n"}.items() <= run.landed_files().items()
    assert state.attempts["a", 1].teammate != state.attempts["a", 2].teammate


async def test_who_answers_a_nudge_goes_on() -> None:
    run = stage((Hear("nudge"), *DONE), idle_seconds=0.1, nudge_seconds=30.0)
    state = await asyncio.wait_for(run.run(), 20)
    assert state.outcome == "landed"
    assert state.tasks["a"].attempt == 1


async def test_writing_files_is_a_sign_of_life() -> None:
    """Between the two looks at the worktree a file is written, and nothing is said."""
    run = stage((Hear("nudge"), *DONE), idle_seconds=0.2, nudge_seconds=30.0)
    prints = iter(("1", "2", "3", "3"))

    async def fingerprint(teammate: str) -> str:
        return next(prints, "3")

    run.worktrees.fingerprint = fingerprint  # type: ignore[method-assign]
    began = asyncio.get_running_loop().time()
    await asyncio.wait_for(run.run(), 20)
    (passed,) = events(run, e.DeadlinePassed)
    assert isinstance(passed, e.DeadlinePassed)
    assert asyncio.get_running_loop().time() - began >= 0.4, "the first half and the second were not silent"


async def test_an_agent_that_never_ends_is_stopped_however_busy_it_is() -> None:
    class Busy:
        continues = False

        async def work(self, assignment: object, inbox: object, report: object) -> None:
            from workbench.engine.ports import Acted

            while True:
                report(Acted("Bash", "make"))  # type: ignore[operator]
                await asyncio.sleep(0.01)

    run = stage(idle_seconds=5.0, attempt_seconds=0.2, nudge_seconds=0.1, attempts=1)
    run.use(Busy())
    state = await asyncio.wait_for(run.run(), 20)
    assert state.outcome == "incomplete"
    assert "the agent was stopped: it was at work for" in state.tasks["a"].reason


async def test_an_agent_that_hangs_after_it_is_done_is_judged_by_what_it_made() -> None:
    hangs: Script = (Edit({"a.txt": "a\n"}), Mark("done"), Reach(asyncio.Event(), asyncio.Event()))
    run = stage(hangs, idle_seconds=0.1, nudge_seconds=0.05, attempts=1)
    state = await asyncio.wait_for(run.run(), 20)
    assert state.outcome == "landed" and run.landed_files()["a.txt"] == "a\n"


async def test_a_task_waits_before_its_next_attempt_and_the_run_wakes_by_itself() -> None:
    run = stage((Use("Edit"), Crash()), DONE, retry_seconds=2.0)
    state = await asyncio.wait_for(run.run(), 20)
    assert state.outcome == "landed"
    assert events(run, e.Awoke)


async def most_at_once(free: int, room: int) -> int:
    """How many of four teammates are at work at once where ``room`` agents fit, and memory for ``free`` more
    is free whenever one looks: nobody takes any yet."""
    settings = RunSettings(team=("ada", "bob", "cy", "dee"), gates=("test",))
    run = Stage([Task(id=name, title=name) for name in "abcdef"], settings)
    run.world = replace(run.world, room=lambda: Roomy(agents=free, free_mb=50))
    run.use(run.agent)
    most = 0

    def count(record: e.Record) -> None:
        nonlocal most
        most = max(most, len(run.engine.state.working))

    run.bus.listen(count)
    first = run.engine.emit
    run.engine.emit = lambda event: first(  # type: ignore[method-assign]
        event.model_copy(update={"room": room}) if isinstance(event, e.RunStarted) else event
    )
    state = await asyncio.wait_for(run.run(), 20)
    assert state.outcome == "landed"
    return most


async def test_no_more_agents_start_than_fit_into_memory() -> None:
    assert await most_at_once(free=0, room=1) == 1


async def test_memory_that_agents_are_about_to_take_is_not_free() -> None:
    assert await most_at_once(free=2, room=2) == 2
    assert await most_at_once(free=4, room=2) == 4


async def test_who_is_nudged_when_its_gates_are_done_has_time_to_act_on_it() -> None:
    attempt = AttemptState("a", 1, "ada", "n", "base", "first", 0.0, phase=Phase.CHECKED)
    settings = RunSettings(team=("ada",), attempt_seconds=0.05, nudge_seconds=0.2)
    clock, told = asyncio.get_running_loop().time, list[tuple[float, bool]]()

    def emit(event: e.Event) -> None:
        assert isinstance(event, e.DeadlinePassed)
        told.append((clock(), event.last))

    async def fingerprint() -> str:
        return ""

    watching = asyncio.ensure_future(Deadlines(attempt, settings, emit, fingerprint).watch())
    await asyncio.sleep(0.4)
    assert not told, "its gates are running"
    attempt.phase = Phase.WORKING
    while len(told) < 3:  # noqa: ASYNC110 - the third says that the second is not lost
        await asyncio.sleep(0.01)
    watching.cancel()
    assert [last for _, last in told] == [False, True, True]
    assert told[1][0] - told[0][0] >= 0.19
