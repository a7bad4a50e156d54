"""The conflict ladder through the real engine on fakes: rung by rung, each gated, and then the agent."""

from __future__ import annotations

import asyncio

import pytest

from workbench.core import events as e
from workbench.core.models import RunSettings, Task
from workbench.core.state import RunState
from workbench.engine.ports import Clash
from workbench.testing import MemoryStore
from workbench.testing.agents import Edit, EndTurn, Mark, Step
from workbench.testing.git import Files
from workbench.testing.resolver import both
from workbench.testing.stage import Stage


def edit(text: str, path: str = "f") -> list[Step]:
    return [Edit({path: text}), Mark("done"), EndTurn(0.5)]


def ours_only(clash: Clash) -> str:
    """A rung that loses the other side."""
    return clash.ours


class Ladder(Stage):
    """Two teammates write one file, each its own line, and a test of it."""

    def __init__(self) -> None:
        tasks = [Task(id="a", title="a"), Task(id="b", title="b")]
        chosen = RunSettings(team=("ada", "bob"), gates=("test",))
        super().__init__(tasks, chosen, files={"f": "0\n"}, store=MemoryStore())
        self.scripts = {("a", 1): edit("a\ntest a\n"), ("b", 1): edit("b\ntest b\n")}
        self.agent.scripts = self.scripts

    def said(self, *kinds: type[e.Event]) -> list[e.Event]:
        return [record.event for record in self.records if isinstance(record.event, kinds)]


async def within(stage: Stage) -> RunState:
    return await asyncio.wait_for(stage.run(), 20)


async def test_a_rung_that_is_green_lands_without_the_agent_and_is_remembered() -> None:
    stage = Ladder()
    stage.resolver.rungs = {"union": both}
    state = await within(stage)
    assert state.outcome == "landed"
    assert stage.landed_files()["f"] in ("a\ntest a\nb\ntest b\n", "b\ntest b\na\ntest a\n")
    assert [len(state.attempts), stage.said(e.ConflictFound, e.ResolutionRejected)] == [2, []]
    last = state.landings[-1]
    assert (last.rung, last.resolved) == ("union", ("f",))
    assert [(clash.path, text) for clash, text in stage.resolver.remembered] == [
        ("f", stage.landed_files()["f"])
    ]


async def test_what_is_red_is_thrown_away_and_the_next_rung_starts_from_the_conflict() -> None:
    stage = Ladder()
    seen: list[Clash] = []

    def broken(clash: Clash) -> str:
        seen.append(clash)
        return f"broken\n{both(clash)}"

    stage.resolver.rungs = {"union": broken, "structure": both}
    stage.gates.judge = lambda command, files: "broken" not in files["f"]
    state = await within(stage)
    assert state.outcome == "landed"
    (rejected,) = stage.said(e.ResolutionRejected)
    assert isinstance(rejected, e.ResolutionRejected)
    assert (rejected.rung, rejected.paths) == ("union", ("f",))
    assert "test is red" in rejected.evidence
    assert state.landings[-1].rung == "structure"
    assert all("broken" not in clash.ours + clash.theirs for clash in seen)
    assert "broken" not in stage.landed_files()["f"]
    assert stage.said(e.TaskRejected, e.TaskConflicted) == [], "a resolution is nobody's fault"
    assert len(state.attempts) == 2


def broken(clash: Clash) -> str:
    return f"broken\n{both(clash)}"


@pytest.mark.parametrize("rungs", [{}, {"union": ours_only}, {"union": broken}])
async def test_when_no_rung_is_left_the_agent_gets_the_original_conflict(rungs: dict[str, object]) -> None:
    stage = Ladder()
    stage.resolver.rungs = rungs  # type: ignore[assignment]
    stage.gates.judge = lambda command, files: "broken" not in files["f"]
    for name in "ab":
        stage.scripts[name, 2] = edit("a\ntest a\nb\ntest b\n")
    state = await within(stage)
    assert state.outcome == "landed"
    (conflict,) = stage.said(e.TaskConflicted)
    assert isinstance(conflict, e.TaskConflicted)
    assert "<<<<<<<" in conflict.evidence and "broken" not in conflict.evidence
    second = [attempt for attempt in state.attempts.values() if attempt.number == 2]
    assert [attempt.why for attempt in second] == ["conflict"]
    assert len(stage.resolver.remembered) == 1, "what an agent settled is remembered like the rest"


async def test_a_fixup_that_loses_a_test_of_either_side_goes_back_to_its_author() -> None:
    stage = Ladder()
    for name in "ab":
        stage.scripts[name, 2] = [
            *edit("a\nb\ntest b\n"),
            Edit({"f": "a\ntest a\nb\ntest b\n"}),
            Mark("done"),
            EndTurn(0.5),
        ]
    state = await within(stage)
    assert state.outcome == "landed"
    told = [event for event in stage.said(e.Told) if isinstance(event, e.Told) and event.kind == "weakened"]
    assert len(told) == 1
    assert stage.landed_files()["f"] == "a\ntest a\nb\ntest b\n"


async def test_a_fixup_that_insists_on_losing_a_test_does_not_land() -> None:
    stage = Ladder()
    stage.settings = stage.settings.model_copy(update={"attempts": 2, "repairs": 1})
    for name in "ab":
        for attempt in range(2, 6):
            stage.scripts[name, attempt] = [*edit("only\n"), *edit("only still\n")]
    state = await within(stage)
    assert state.outcome == "incomplete"
    assert len(state.landings) == 1
    assert stage.landed_files()["f"] in ("a\ntest a\n", "b\ntest b\n")


async def test_a_resolution_that_is_red_costs_what_is_clean_nothing() -> None:
    """It is last in its batch, and what is before it lands in the same go."""
    stage = Ladder()
    stage.tasks = [*stage.tasks, Task(id="c", title="c")]
    stage.settings = stage.settings.model_copy(update={"team": ("ada", "bob", "cy")})
    stage.scripts["c", 1] = edit("c\n", "c.txt")
    stage.resolver.rungs = {"union": lambda clash: "broken\n" + both(clash), "structure": both}

    def judge(command: str, files: Files) -> bool:
        return "broken" not in files["f"]

    stage.gates.judge = judge
    state = await within(stage)
    assert state.outcome == "landed"
    assert {landing.task for landing in state.landings} == {"a", "b", "c"}
    assert stage.said(e.TaskRejected) == []


async def test_a_rung_that_breaks_leaves_the_conflict_to_the_agent_and_says_so() -> None:
    stage = Ladder()

    def fails(clash: Clash) -> str:
        raise RuntimeError("a bug in a grammar")

    stage.resolver.rungs = {"structure": fails}
    for name in "ab":
        stage.scripts[name, 2] = edit("a\ntest a\nb\ntest b\n")
    state = await within(stage)
    assert state.outcome == "landed"
    sentences = [event.sentence for event in stage.said(e.Noticed) if isinstance(event, e.Noticed)]
    assert any("a bug in a grammar" in sentence for sentence in sentences)
