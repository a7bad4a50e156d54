"""What holds the team back, and what lets it go on: limits, a broken agent, time, memory, money."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import pacing
from workbench.core.decide.mail import settled
from workbench.core.decide.proceeding import go_on
from workbench.core.decide.table import Actions, after
from workbench.core.decide.to_lead import call
from workbench.core.prose import spoken
from workbench.core.state import AttemptState, Phase, RunState


@after(e.AgentRetried)
def _agent_retried(state: RunState, event: e.AgentRetried) -> Actions:
    """One teammate's rate limit is everybody's."""
    slowed = pacing.slower(state, event.status, event.delay_seconds)
    if slowed is None or state.stopping:
        return []
    cap, seconds = slowed
    return [a.Declare(e.TeamSlowed(cap=cap, seconds=seconds, status=event.status))]


def limited(state: RunState, event: e.TurnEnded, attempt: AttemptState) -> Actions:
    """A session that a limit ended is not a failed attempt: it goes on when the limit is over, or is judged
    by what it has when it had said that it was done."""
    assert event.limit, "asked only of a limit"
    over: Actions = [a.EndAttempt(event.task, event.attempt, interrupt=True)]
    if attempt.done:
        over = [a.CollectWork(event.task, event.attempt)]
    pause, resets = state.pace.pause, pacing.tells_reset(state, event.resets_at)
    if pause is not None and pause.hold.holds(state.at) and (pause.resets or not resets):
        return over  # known, and as well as this one tells it
    if not resets and state.pace.pauses >= pacing.MOST_PAUSES:
        reason = f"the limit was still there after {pacing.MOST_PAUSES} pauses: {event.error}"
        return [*over, a.Declare(e.StopRequested(reason=reason))]
    until = pacing.pause_of(state, event.resets_at, attempt.nonce)
    paused = e.TeamPaused(limit=event.limit, until=until, reason=event.error, resets=resets)
    return [*over, a.Declare(paused)]


@after(e.TeamSlowed, e.TeamPaused, e.RoomMeasured, e.CircuitClosed, e.TeamUnpaused)
def _pace_changed(state: RunState, event: e.Event) -> Actions:
    return go_on(state)


@after(e.Awoke)
def _awoke(state: RunState, event: e.Awoke) -> Actions:
    pause = state.pace.pause
    if pause is not None and not pause.hold.holds(state.at):
        return [a.Declare(e.TeamUnpaused())]
    return call(state) or settled(state) or go_on(state)


def circuit(state: RunState) -> Actions:
    """Open the circuit after too many failures of the agent in a row, or when its trial failed."""
    pace = state.pace
    if pace.failures < pacing.CIRCUIT_FAILURES or (pace.circuit is not None and pace.trial is not None):
        return []
    if pace.circuit is not None and pace.circuit.holds(state.at):
        return []  # those that had started before
    opened = e.CircuitOpened(
        agent=state.settings.agent,
        failures=pace.failures,
        seconds=pacing.rest(state),
        reason=pace.broken,
    )
    return [a.Declare(opened)]


def circuit_closed(state: RunState) -> Actions:
    """Close it when an attempt shows that the agent works."""
    if state.pace.circuit is None or state.pace.failures:
        return []
    return [a.Declare(e.CircuitClosed(agent=state.settings.agent))]


def warned(state: RunState, name: str) -> Actions:
    """Say that a budget is nearly spent: the run's, or that of the task which just cost something."""
    return [
        a.Declare(e.BudgetWarned(task=task, spent_usd=spent, budget_usd=whole))
        for task, spent, whole in pacing.budgets(state, name)
    ]


@after(e.DeadlinePassed)
def _deadline_passed(state: RunState, event: e.DeadlinePassed) -> Actions:
    attempt = state.attempt(event.task, event.attempt)
    if attempt.phase is not Phase.WORKING or not attempt.live:
        return []
    minutes = spoken(event.seconds)
    if event.last:
        how = "it gave no sign of life for" if event.deadline == "idle" else "it was at work for"
        return [a.CutShort(event.task, event.attempt, f"the agent was stopped: {how} {minutes}")]
    left = spoken(state.settings.nudge_seconds)
    values = {"deadline": event.deadline, "time": minutes, "left": left}
    return [a.Tell(event.task, event.attempt, "nudge", values)]
