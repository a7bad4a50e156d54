"""The pace of the team: slowed, paused, held back by a circuit, by memory, or not at all."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply.table import on
from workbench.core.mailing import members
from workbench.core.pace import Hold, Pause
from workbench.core.state import AttemptState, RunState


@on(e.TeamSlowed)
def _team_slowed(state: RunState, event: e.TeamSlowed, at: float) -> None:
    pace = state.pace
    pace.cap, pace.slowed_at = event.cap, at + event.seconds
    if event.seconds > 0 and (pace.pause is None or not pace.pause.hold.holds(at)):
        reason = "the model's provider asks for less" + (f" (HTTP {event.status})" if event.status else "")
        pace.pause = Pause(Hold(at, at + event.seconds), "rate", reason)


@on(e.TeamPaused)
def _team_paused(state: RunState, event: e.TeamPaused, at: float) -> None:
    pace = state.pace
    pace.pause = Pause(Hold(at, event.until), event.limit, event.reason, event.resets)
    pace.pauses += not event.resets
    if event.limit == "rate":  # whoever comes back first finds out whether all may
        pace.cap, pace.slowed_at = 1, event.until


@on(e.TeamUnpaused)
def _team_unpaused(state: RunState, event: e.TeamUnpaused, at: float) -> None:
    state.pace.pause = None


@on(e.CircuitOpened)
def _circuit_opened(state: RunState, event: e.CircuitOpened, at: float) -> None:
    state.pace.circuit, state.pace.trial = Hold(at, at + event.seconds), None


@on(e.CircuitClosed)
def _circuit_closed(state: RunState, event: e.CircuitClosed, at: float) -> None:
    state.pace.circuit = state.pace.trial = None


@on(e.RoomMeasured)
def _room_measured(state: RunState, event: e.RoomMeasured, at: float) -> None:
    state.pace.room = event.attempts


@on(e.BudgetWarned)
def _budget_warned(state: RunState, event: e.BudgetWarned, at: float) -> None:
    state.pace.warned.add(event.task)


@on(e.Awoke)
def _awoke(state: RunState, event: e.Awoke, at: float) -> None:
    if state.pace.cap is not None and (state.pace.cap_at(at) or 0) >= len(members(state)):
        state.pace.cap = None


def agent_worked(state: RunState, attempt: AttemptState) -> None:
    """An agent did what agents do, however good its work is: nothing is broken."""
    state.pace.failures = state.pace.pauses = 0
    state.task(attempt.task).breaks = 0


def agent_broke(state: RunState, attempt: AttemptState) -> None:
    """An agent failed by itself."""
    state.pace.failures += 1
    state.pace.broken = attempt.error
    if state.pace.trial == (attempt.task, attempt.number):
        state.pace.trial = None
    state.task(attempt.task).breaks += 1
