"""The recorded runs: they can be read, and what makes them still makes them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TypeVar

import pytest

from tests.tui.conftest import NAMES, recorded
from tests.tui.logs import RUNS, path, written
from workbench.composition.watching import parsed
from workbench.core import events as e
from workbench.core.mail import PERSON, MessageKind
from workbench.core.state import TaskStatus
from workbench.core.watched import Watched

MOST_BYTES = 400_000

E = TypeVar("E", bound=e.Event)


def watched(name: str) -> Watched:
    """A recorded run, folded to its end."""
    run, records = recorded(name)
    found = Watched(run)
    for record in records:
        found.take(record)
    return found


def kinds(name: str) -> set[type[e.Event]]:
    """What happens in a recorded run."""
    return {type(record.event) for record in recorded(name)[1]}


@pytest.mark.parametrize("name", NAMES)
def test_a_log_is_folded_line_by_line(name: str) -> None:
    run, records = recorded(name)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert all(one.at <= other.at for one, other in pairwise(records))
    assert watched(name).state.seq == len(records)
    assert run and path(name).stat().st_size < MOST_BYTES
    assert "/root" not in path(name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RUNS)
def test_a_log_is_what_makes_it(name: str) -> None:
    """By what it says, not by its bytes: an event that gets one more field with a default is the same."""
    kept = list(parsed(path(name).read_text(encoding="utf-8").splitlines()))
    anew = list(parsed(written(name).splitlines()))
    assert kept == anew, f"`python -m tests.tui.logs {name}` makes another log: look at the difference"


def test_all_goes_well_in_the_quiet_one() -> None:
    state = watched("quiet").state
    assert state.outcome == "landed" and len(state.teammates) == 3
    assert [told.kind for told in _of("quiet", e.Told) if told.kind == "gate_red"] == ["gate_red"]
    assert len(state.mail) == 1 and not state.alarms


def test_the_busy_one_breaks_off_in_the_middle() -> None:
    state = watched("busy").state
    assert not state.finished and len(state.teammates) == 16 and len(state.tasks) == 60
    assert len(state.working) > 8 and len(state.landings) > 20 and state.cost_usd > 25
    asked = {ask.message.kind for ask in state.asks.values() if ask.to == PERSON}
    assert asked == {
        MessageKind.QUESTION, MessageKind.PLAN, MessageKind.PERMISSION, MessageKind.JOIN, MessageKind.CHANGE,
    }  # fmt: skip
    assert state.proposed is not None
    assert {
        e.SemanticConflictFound, e.FlakeSeen, e.TeamSlowed, e.TaskConflicted, e.ResolutionRejected,
        e.LeadTold,
    } <= kinds("busy")  # fmt: skip
    assert {"", "union"} <= {landing.rung for landing in state.landings}


def test_everything_goes_wrong_in_the_disaster() -> None:
    state = watched("disaster").state
    assert state.outcome == "stopped" and "budget" in state.reason
    statuses = {task.status for task in state.tasks.values()}
    assert {TaskStatus.FAILED, TaskStatus.BLOCKED, TaskStatus.HELD, TaskStatus.UNDONE} <= statuses
    assert any(conflict.final for conflict in _of("disaster", e.TaskConflicted))
    assert {
        e.RunResumed, e.TeamPaused, e.CircuitOpened, e.CircuitClosed, e.BudgetWarned, e.RefRestored,
        e.TamperingFound, e.MarkerQuarantined, e.ActionDenied, e.LandingUndone, e.RequestRefused,
        e.MessageRefused, e.EffectFailed, e.DeadlinePassed, e.TeamSlowed,
    } <= kinds("disaster")  # fmt: skip
    words = json.dumps([said.text for said in _of("disaster", e.AgentSaid)])
    assert "[red]" in words and "\\u001b" in words and "\\u202e" in words


def _of(name: str, kind: type[E]) -> list[E]:
    return [record.event for record in recorded(name)[1] if isinstance(record.event, kind)]
