"""The real engine in a world of dice: whatever happens, the rules hold, and one seed is one history."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.properties.conftest import TIMES
from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.state import RunState
from workbench.engine.ports import Emit
from workbench.engine.world import World
from workbench.testing.faults import Trouble
from workbench.testing.faults.weather import CALM
from workbench.testing.universe import Broken, Universe

BLOCKS, SEEDS = 8, round(45 * TIMES)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_whatever_happens_the_rules_hold(block: int) -> None:
    outcomes, ends, together = set[str | None](), set[str](), 0
    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        universe = Universe(seed)
        outcomes.add(universe.play().outcome)
        ends.update(how.partition(":")[0] for how in universe.processes)
        together += any(len(batch) > 1 for batch in _batches(universe))
    assert {"landed", "incomplete"} <= outcomes
    assert ends == {"over", "killed", "cancelled", "failed"}, "the dice are too kind"
    assert together, "nothing ever landed together"


def _batches(universe: Universe) -> list[list[str]]:
    """The tasks that each transaction of the log says have landed."""
    batches = list[list[str]]([[]])
    for record in universe.log:
        if isinstance(record.event, e.TaskLanded):
            batches[-1].append(record.event.task)
        elif batches[-1]:
            batches.append([])
    return batches


def test_one_seed_is_one_history() -> None:
    """Byte for byte, log and trace, in processes whose sets are in different orders."""
    told = [_told(salt) for salt in ("1", "2")]
    assert told[0] == told[1]
    assert told[0].count("process 1 begins") == 30


def _told(salt: str) -> str:
    program = (
        "from workbench.testing.universe import Universe\n"
        "for seed in range(30):\n"
        "    universe = Universe(seed)\n"
        "    universe.play(trace=True)\n"
        "    print(*universe.lines, sep='\\n')\n"
        "    print(universe.text())\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": salt},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout


def test_tracing_changes_nothing() -> None:
    plain, traced = Universe(11), Universe(11)
    plain.play()
    traced.play(trace=True)
    assert plain.text() == traced.text()
    assert traced.lines
    assert not plain.lines


def test_a_thousand_teammates() -> None:
    universe = Universe(3, teammates=1000, tasks=1500, trouble=CALM)
    state = universe.play()
    assert state.outcome == "landed"
    assert len(state.landings) == 1500
    assert _most_at_once(universe) == 1000


def _most_at_once(universe: Universe) -> int:
    most = now = 0
    for record in universe.log:
        now += isinstance(record.event, e.AttemptStarted) - isinstance(record.event, e.AttemptEnded)
        most = max(most, now)
    return most


def test_a_large_team_in_trouble() -> None:
    trouble = Trouble(fault=0.002, late=0.001, kill=0.001, mood=0.1, limits=0.2, broken=0.1, clash=0.0)
    universe = Universe(4, teammates=120, tasks=200, trouble=trouble)
    state = universe.play()
    assert state.over == 200
    assert "killed" in universe.processes


def test_a_team_that_hangs_ends_all_the_same() -> None:
    longest = 0.0
    for seed in range(8):
        universe = Universe(seed, teammates=4, tasks=6, trouble=replace(CALM, mood=1.0, hang=12 * 3600.0))
        assert universe.play().finished
        longest = max(longest, universe.clock.ticks)
    assert longest > 6 * 3600.0, "nobody ever hung"


@pytest.mark.parametrize("act", ["jump", "suspend"])
def test_a_wall_clock_that_is_moved_changes_nothing_but_when(act: str) -> None:
    """Monotonic time decides: the same things happen, in the same order, and as far apart."""
    for seed in range(20):
        still, moved = (Universe(seed, teammates=3, tasks=5, trouble=CALM) for _ in range(2))
        still.play()
        _on(moved, "AgentStarted", lambda it=moved: getattr(it.clock, act)(7 * 3600.0))  # type: ignore[misc]
        moved.play()
        happened = [[(it.type, _undated(it.event)) for it in universe.log] for universe in (still, moved)]
        assert happened[0] == happened[1]
        assert moved.clock.ticks == still.clock.ticks
        assert moved.log[-1].at == pytest.approx(still.log[-1].at + 7 * 3600.0)


def _undated(event: e.Event) -> str:
    """What an event says, without until when somebody waits, which is a time of the wall clock."""
    return re.sub(r'"until":[0-9.]+', "", e.dump(event))


def _on(universe: Universe, kind: str, act: Callable[[], None]) -> None:
    """Do something when the first record of a kind is published."""
    waiting = [act]
    heard = universe.heard

    def hear(record: e.Record) -> None:
        heard(record)
        if record.type == kind and waiting:
            waiting.pop()()

    universe.heard = hear  # type: ignore[method-assign]


# -- the rules would notice ------------------------------------------------------------------------


def a_seed_breaks() -> bool:
    """Whether a rule is broken within a thousand seeds."""
    for seed in range(1000):
        try:
            Universe(seed).play()
        except Broken as problem:
            assert f"--seed {seed} --trace" in str(problem)
            return True
    return False


def test_a_publication_that_is_forgotten_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*given: object) -> list[e.TaskLanded]:
        return []

    monkeypatch.setattr("workbench.engine.recover.landed_already", nothing)
    assert a_seed_breaks()


def test_publishing_without_a_gate_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunState, "unproven", lambda self, tree, gates: ())
    assert a_seed_breaks()


def test_work_that_is_not_pinned_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unpinned(self: object, ref: str, commit: str) -> None:
        """Keep nothing."""

    monkeypatch.setattr("workbench.testing.git.FakeGit.pin", unpinned)
    assert a_seed_breaks()


def test_forcing_the_branch_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forced(state: RunState, world: World, emit: Emit, action: a.Publish) -> None:
        last: Any = action.candidates[-1]
        tip = await world.git.tip(state.integration)
        await world.git.move_ref(state.integration, last.commit, tip, "by force")
        for it in action.candidates:
            emit(
                e.TaskLanded(
                    task=it.task, attempt=it.attempt, commit=it.commit, parent=it.parent, tree=it.tree
                )
            )

    monkeypatch.setattr("workbench.engine.landings.publish", forced)
    assert a_seed_breaks()


def test_an_attempt_that_never_ends_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.engine.attempts.LiveAttempt.end", lambda self, interrupt: None)
    with pytest.raises(Broken, match="nothing is scheduled"):
        Universe(0, teammates=2, tasks=2, trouble=CALM).play()
