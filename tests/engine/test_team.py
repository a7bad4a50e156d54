"""Joining and leaving, by the real engine on fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from workbench.core import events as e
from workbench.core.mail import PERSON
from workbench.core.models import RunSettings, Task
from workbench.core.requests import Request, RequestJoin, RequestShutdown
from workbench.core.state import RunState
from workbench.engine.ports import Assignment
from workbench.testing.agents import Crash, Edit, Mark, Reach, Step
from workbench.testing.stage import Stage

SEAT = "0123456789abcdef"
MINE = Path("/mine")


def stage_of(*names: str, team: tuple[str, ...] = ("ada",), **values: object) -> Stage:
    settings = RunSettings.model_validate({"team": team, "gates": ("test",), "on_join": "approve", **values})
    return Stage([Task(id=name, title=name) for name in names], settings)


def ask(stage: Stage, request: Request, at: type[e.Event] = e.BaseChecked) -> None:
    """Somebody asks, at the first event of that kind."""
    made = e.RequestMade(id=f"{len(repr(request)):016x}", by=PERSON, request=request)
    stage.on(at, lambda record: stage.engine.emit(made))


async def within(stage: Stage) -> RunState:
    return await asyncio.wait_for(stage.run(), 20)


def scripted(stage: Stage, **scripts: Sequence[Step]) -> None:
    """What each teammate does, by name; the others do their work."""
    usual = stage.agent.otherwise

    def otherwise(it: Assignment) -> Sequence[Step]:
        return scripts.get(it.teammate) or usual(it)

    stage.agent.otherwise = otherwise


def held() -> Reach:
    return Reach(asyncio.Event(), asyncio.Event())


async def test_who_joins_with_a_worktree_works_there_and_it_is_given_back() -> None:
    stage = stage_of("a", "b")
    borrowed: list[dict[str, Path]] = []
    stage.on(e.TaskLanded, lambda record: borrowed.append(dict(stage.worktrees.borrowed)))
    ask(stage, RequestJoin(seat=SEAT, name="guest", agent="command", worktree=str(MINE)))
    state = await within(stage)
    assert state.outcome == "landed"
    assert {it.teammate for it in stage.agent.assignments} == {"ada", "guest"}
    seats = {it.teammate: (it.seat, it.by_hand) for it in stage.agent.assignments}
    assert seats == {"ada": ("", False), "guest": (SEAT, False)}
    assert borrowed == [{"guest": MINE}] and stage.worktrees.borrowed == {}
    assert state.teammates["guest"].left


async def test_who_brings_a_worktree_that_is_not_clean_leaves_and_nobody_failed() -> None:
    stage = stage_of("a", "b")
    stage.worktrees.not_lent.add(MINE)
    ask(stage, RequestJoin(seat=SEAT, name="guest", worktree=str(MINE)))
    state = await within(stage)
    assert state.outcome == "landed"
    assert "not clean" in state.teammates["guest"].reason
    assert "AttemptFailed" not in stage.types()


async def test_a_turn_by_hand_is_over_with_its_done() -> None:
    stage = stage_of("a", "b")
    scripted(stage, guest=(Edit({"b.txt": "b\n"}), Mark("done"), held()))
    ask(stage, RequestJoin(seat=SEAT, name="guest", agent="hand"))
    assert (await within(stage)).outcome == "landed"


async def test_who_goes_away_is_replaced_and_what_it_had_goes_on() -> None:
    stage = stage_of("a", "b")
    scripted(stage, guest=(Edit({"half.txt": "half\n"}), Crash("gone")))
    ask(stage, RequestJoin(seat=SEAT, name="guest"))
    state = await within(stage)
    assert state.outcome == "landed"
    assert stage.landed_files()["half.txt"] == "half\n"
    assert [it.teammate for it in stage.agent.assignments if it.task == "b"] == ["guest", "ada"]


async def test_who_is_sent_away_in_the_middle_is_interrupted_and_its_work_kept() -> None:
    stage = stage_of("a", "b", team=("ada", "bob"))
    scripted(stage, bob=(Edit({"half.txt": "half\n"}), held()))
    ask(stage, RequestShutdown(teammate="bob", now=True), at=e.AgentStarted)
    state = await within(stage)
    assert state.outcome == "landed" and state.teammates["bob"].left
    assert not stage.agent.working


async def test_an_empty_team_stops_and_goes_on_when_it_is_resumed() -> None:
    stage = stage_of("a", "b")
    scripted(stage, ada=(Edit({"half.txt": "half\n"}), held()))
    ask(stage, RequestShutdown(teammate="ada", now=True), at=e.AgentStarted)
    state = await within(stage)
    assert state.outcome == "stopped" and "nobody is left" in state.reason
    state = await asyncio.wait_for(stage.resume(), 20)
    assert state.outcome == "landed" and [it.name for it in state.teammates.values()] == ["ada", "bob"]
