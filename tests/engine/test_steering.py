"""Whole runs of the real engine that a person steers from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from workbench.core import events as e
from workbench.core.apply import fold
from workbench.core.models import RunSettings, Task
from workbench.core.requests import (
    Answer,
    Pause,
    ProposeChange,
    Reassign,
    Request,
    Retry,
    Skip,
    Stop,
    Unpause,
)
from workbench.core.state import RunState, TaskStatus
from workbench.engine.effects import Effects
from workbench.testing.agents import Crash, Edit, EndTurn, Mark, Reach, Step
from workbench.testing.requests import MemoryRequests
from workbench.testing.stage import Stage

DONE: list[Step] = [Edit({"more.txt": "more\n"}), Mark("done"), EndTurn(0.5)]


class Steered(Stage):
    """A run of which things are asked."""

    requests: MemoryRequests

    def __post_init__(self) -> None:
        self.requests = MemoryRequests()
        super().__post_init__()
        self.world = replace(self.world, requests=self.requests)

    def ask(self, request: Request) -> None:
        self.requests.leave(request)

    async def play(self) -> RunState:
        """Run, and take requests, to the end."""
        self.effects = Effects(self.world, self.engine.emit, self.engine.clock)
        self.effects.listen(self.engine.state)
        return await asyncio.wait_for(self.run(), 20)


def stage(*tasks: Task, team: Sequence[str] = ("ada", "bob"), **values: object) -> Steered:
    settings = {"team": tuple(team), "gates": ("test",), "attempts": 1, **values}
    return Steered(list(tasks), RunSettings.model_validate(settings))


def task(name: str, *after: str) -> Task:
    return Task(id=name, title=f"Do {name}", after=after)


async def test_a_paused_run_lands_what_is_at_work_waits_and_goes_on() -> None:
    run = stage(task("a"), task("b", "a"))
    run.on(e.AttemptStarted, lambda record: run.ask(Pause()))
    seen: list[str] = []

    def landed(record: e.Record) -> None:
        async def later() -> None:
            for _ in range(50):  # whatever could start had its turn
                await asyncio.sleep(0)
            seen.extend(run.types())
            run.ask(Unpause())

        waiting.append(asyncio.ensure_future(later()))

    waiting: list[asyncio.Future[None]] = []
    run.on(e.TaskLanded, landed)
    state = await run.play()
    assert state.outcome == "landed" and not state.paused
    assert seen.count("AttemptStarted") == 1 and seen.count("TaskLanded") == 1
    assert not run.requests.lying, "what is in the log is kept no longer"


async def test_a_paused_run_can_be_stopped() -> None:
    run = stage(task("a"), task("b", "a"))
    run.on(e.AttemptStarted, lambda record: run.ask(Pause()))
    run.on(e.TaskLanded, lambda record: run.ask(Stop()))
    assert (await run.play()).outcome == "stopped"
    assert (await asyncio.wait_for(run.resume(), 20)).outcome == "landed"


async def test_a_failed_task_is_tried_again_with_its_work() -> None:
    hold = asyncio.Event()
    run = stage(task("a"), task("b", "a"), task("x"))
    run.agent.scripts = {
        ("a", 1): [Edit({"half.txt": "half\n"}), Crash()],
        ("x", 1): [Reach(asyncio.Event(), hold), Edit({"x.txt": "x\n"}), Mark("done"), EndTurn(0.5)],
        ("a", 2): DONE,
    }
    run.on(e.AttemptFailed, lambda record: run.ask(Retry(task="a")))
    run.on(e.TaskRetried, lambda record: hold.set())
    state = await run.play()
    assert state.outcome == "landed"
    assert run.landed_files()["half.txt"] == "half\n" and run.landed_files()["more.txt"] == "more\n"


async def test_what_is_left_out_is_waited_for_no_more() -> None:
    hold = asyncio.Event()
    run = stage(task("a"), task("b", "a"), task("x"))
    run.agent.scripts = {
        ("a", 1): [Crash()],
        ("x", 1): [Reach(asyncio.Event(), hold), Edit({"x.txt": "x\n"}), Mark("done"), EndTurn(0.5)],
    }
    run.on(e.AttemptFailed, lambda record: run.ask(Skip(task="a")))
    run.on(e.TaskSkipped, lambda record: hold.set())
    state = await run.play()
    assert state.outcome == "incomplete"
    assert [state.tasks[name].status for name in "abx"] == [
        TaskStatus.SKIPPED,
        TaskStatus.LANDED,
        TaskStatus.LANDED,
    ]


async def test_who_is_at_it_is_interrupted_and_another_goes_on_with_what_it_had() -> None:
    run = stage(task("a"))
    run.agent.scripts = {
        ("a", 1): [Edit({"half.txt": "half\n"}), Reach(reached := asyncio.Event(), asyncio.Event())],
        ("a", 2): DONE,
    }

    async def give() -> None:
        await reached.wait()
        run.ask(Reassign(task="a", to="bob"))

    giving = asyncio.ensure_future(give())
    state = await run.play()
    await giving
    assert state.outcome == "landed" and state.tasks["a"].tries == 0
    assert [it.teammate for it in state.attempts.values()] == ["ada", "bob"]
    assert run.landed_files()["half.txt"] == "half\n" and run.landed_files()["more.txt"] == "more\n"


@pytest.mark.parametrize("request_", [Pause(), Retry(task="a"), Skip(task="a"), Unpause()])
async def test_what_makes_no_sense_is_refused_and_stops_nothing(request_: Request) -> None:
    run = stage(task("a"))

    def meddle(record: e.Record) -> None:
        for it in (Pause(), request_, Unpause()):
            run.ask(it)

    run.on(e.AttemptStarted, meddle)
    state = await run.play()
    assert state.outcome == "landed"
    assert "RequestRefused" in run.types()


MORE = "# Played\n\n## Tasks\n\n### a: Do a\n\n### b: Do b\n"


async def given_up() -> Steered:
    """A run that is over, without its one task."""
    run = stage(task("a"), team=("ada",))
    run.agent.scripts = {("a", 1): [Crash()]}
    assert (await run.play()).over_for_good
    return run


async def test_what_a_person_asks_for_last_may_leave_nothing_to_go_on_with() -> None:
    """A run that could go on was to be resumed, and then could not: it raised (seed 301222)."""
    run = await given_up()
    state = await asyncio.wait_for(run.resume(Retry(task="a"), Skip(task="a")), 20)
    assert state.outcome == "incomplete" and state.over_for_good
    assert run.types()[-4:] == ["RequestMade", "TaskRetried", "RequestMade", "TaskSkipped"]
    assert fold(run.store.read("r")).over_for_good


async def test_a_run_that_is_over_goes_on_only_with_a_yes() -> None:
    """Two answers lay there, and the first of them was no (seed 200978)."""
    run = await given_up()
    await asyncio.wait_for(run.resume(ProposeChange(text=MORE)), 20)
    no, yes = (Answer.model_validate({"message": "m1", "decision": word}) for word in ("no", "yes"))
    state = await asyncio.wait_for(run.resume(no, yes), 20)
    assert state.over_for_good and run.types()[-1] == "RequestRefused"
    await asyncio.wait_for(run.resume(ProposeChange(text=MORE)), 20)
    assert "RunResumed" not in run.types()

    state = await asyncio.wait_for(run.resume(Answer(message="m3", decision="yes")), 20)
    assert state.tasks["b"].status is TaskStatus.LANDED
