"""Attempts: what their agents say, what their worktrees hold, what their gates find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.approvals import NEVER, fault, feedback
from workbench.core.decide.approvals import only_planned, turn_over
from workbench.core.decide.leaving import departure, gone
from workbench.core.decide.mail import deliver, said, settled, wait
from workbench.core.decide.pacing import circuit, circuit_closed, limited, warned
from workbench.core.decide.proceeding import go_on, may_start, poor, start
from workbench.core.decide.table import Actions, after
from workbench.core.models import Verdict
from workbench.core.money import dollars
from workbench.core.pacing import retry_seconds
from workbench.core.state import AttemptState, Phase, RunState


@after(e.MarkerReceived)
def _marker_received(state: RunState, event: e.MarkerReceived) -> Actions:
    return said(state, event)


@after(e.MarkerQuarantined)
def _marker_quarantined(state: RunState, event: e.MarkerQuarantined) -> Actions:
    attempt = state.attempts.get((event.task, event.attempt))
    if attempt is None or attempt.phase is not Phase.WORKING:
        return []
    return [a.Tell(event.task, event.attempt, "quarantine", {"name": event.name, "reason": event.reason})]


@after(e.Told)
def _told(state: RunState, event: e.Told) -> Actions:
    return deliver(state, state.attempt(event.task, event.attempt))


@after(e.AgentStarted)
def _agent_started(state: RunState, event: e.AgentStarted) -> Actions:
    return deliver(state, state.attempt(event.task, event.attempt))


@after(e.TurnEnded)
def _turn_ended(state: RunState, event: e.TurnEnded) -> Actions:
    attempt = state.attempt(event.task, event.attempt)
    if event.login:
        return [a.Declare(e.StopRequested(reason=event.error))]
    return warned(state, event.task) + _next_step(state, event, attempt)


def _next_step(state: RunState, event: e.TurnEnded, attempt: AttemptState) -> Actions:
    if attempt.late or attempt.phase is not Phase.TURN_OVER:
        return []
    if event.error and event.exit_code is None and (left := gone(state, attempt, event.error)):
        return left
    if event.limit:
        return limited(state, event, attempt)
    if attempt.waiting:
        return wait(state, attempt)
    if planned := turn_over(state, attempt):
        return planned
    settled = attempt.done or attempt.asked or attempt.blocked or attempt.error
    if settled or not attempt.live:
        return [a.CollectWork(event.task, event.attempt)]
    return [a.Tell(event.task, event.attempt, "ask_done")]


@after(e.WorkCollected)
def _work_collected(state: RunState, event: e.WorkCollected) -> Actions:
    attempt = state.attempt(event.task, event.attempt)
    if attempt.phase is not Phase.COLLECTED:  # given up meanwhile
        return []
    return circuit_closed(state) + _judge(state, event, attempt)


def _judge_plan(state: RunState, event: e.WorkCollected, attempt: AttemptState) -> Actions:
    """What its plan, or the want of one, says about an attempt: without approval nothing is delivered."""
    if reason := fault(state, attempt):
        return fail(state, attempt, reason, feedback(state, attempt.task))
    if attempt.error or attempt.blocked:
        return []
    if attempt.planning:
        return fail(state, attempt, NEVER)
    if not event.changed and only_planned(attempt):
        return [a.EndAttempt(attempt.task, attempt.number, interrupt=True)]
    return []


def _judge(state: RunState, event: e.WorkCollected, attempt: AttemptState) -> Actions:
    if attempt.error and poor(state):  # with more money it goes on from there, and nobody failed
        return [a.EndAttempt(attempt.task, attempt.number, interrupt=True)]
    if planned := _judge_plan(state, event, attempt):
        return planned
    if attempt.error:
        return fail(state, attempt, attempt.error)
    if attempt.blocked:
        return _block(attempt, attempt.blocked)
    if attempt.doubt and (event.unresolved or event.weakened or not event.changed):
        return _block(attempt, attempt.doubt)
    if event.unresolved:
        names = ", ".join(event.unresolved)
        values = {"paths": event.unresolved}
        return _repair(state, attempt, "unresolved", values, f"conflict markers are left in {names}")
    if event.weakened:
        return _repair(state, attempt, "weakened", {"sentence": event.weakened}, event.weakened)
    if not event.changed:
        if attempt.live and not attempt.told_no_change:
            return [a.Tell(event.task, event.attempt, "no_change")]
        return fail(state, attempt, "no change: the work is the same as where it started")
    gates = state.unproven(event.tree, state.gates_of(event.task))
    if gates:
        return [a.CheckWork(event.task, event.attempt, event.commit, event.tree, gates)]
    return _deliver(attempt)


@after(e.WorkChecked)
def _work_checked(state: RunState, event: e.WorkChecked) -> Actions:
    attempt = state.attempt(event.task, event.attempt)
    return flakes(event.task, attempt.flakes) + _checked(state, event, attempt)


def flakes(task: str, refuted: Iterable[Verdict]) -> Actions:
    """Red verdicts that were refuted are told as what they are."""
    return [
        a.Declare(e.FlakeSeen(task=task, gate=red.gate, evidence=red.output, tests=red.failing))
        for red in refuted
    ]


def _checked(state: RunState, event: e.WorkChecked, attempt: AttemptState) -> Actions:
    if attempt.phase is not Phase.CHECKED:  # given up meanwhile
        return []
    if reason := fault(state, attempt):  # found while the gates ran: green ones do not make up for it
        return fail(state, attempt, reason, feedback(state, attempt.task))
    red = next((verdict for verdict in event.verdicts if not verdict.green), None)
    if attempt.blocked:  # said meanwhile, and never that it was done: green gates prove only what is there
        return _block(attempt, attempt.blocked)
    if red is None:
        return _deliver(attempt)
    reason = f"the gate `{red.gate}` {_how_red(red)} on the work alone"
    repairs = attempt.done and not attempt.doubt and _repairable(state, attempt)
    if attempt.reds.count(red.gate) < 2 and not repairs:
        return _look_again(state, attempt)
    if attempt.doubt:
        return _block(attempt, attempt.doubt)
    if not attempt.done:
        return fail(state, attempt, reason, evidence(red))
    values = {"command": red.gate, "exit_code": red.exit_code, "output": red.output}
    return _repair(state, attempt, "gate_red", values, reason, evidence(red))


def _look_again(state: RunState, attempt: AttemptState) -> Actions:
    """Run what is not green once more: no attempt is given up for a gate that was red once."""
    assert attempt.commit is not None and attempt.tree is not None, "what was checked was collected"
    gates = state.unproven(attempt.tree, state.gates_of(attempt.task))
    return [a.CheckWork(attempt.task, attempt.number, attempt.commit, attempt.tree, gates)]


def _how_red(verdict: Verdict) -> str:
    return "is red" if verdict.exit_code is not None else "did not finish in time"


def evidence(verdict: Verdict) -> str:
    """A red verdict as text for whoever has to repair it."""
    code = "" if verdict.exit_code is None else f" (exit {verdict.exit_code})"
    return f"$ {verdict.gate}{code}\n{verdict.output}"


def _block(attempt: AttemptState, reason: str) -> Actions:
    blocked = e.TaskBlocked(task=attempt.task, attempt=attempt.number, reason=reason, commit=attempt.commit)
    return [a.Declare(blocked), a.EndAttempt(attempt.task, attempt.number)]


def _deliver(attempt: AttemptState) -> Actions:
    assert attempt.commit is not None and attempt.tree is not None, "delivered work was collected"
    delivered = e.TaskDelivered(
        task=attempt.task, attempt=attempt.number, commit=attempt.commit, tree=attempt.tree
    )
    return [a.Declare(delivered), a.EndAttempt(attempt.task, attempt.number)]


def _repairable(state: RunState, attempt: AttemptState) -> bool:
    return attempt.live and attempt.repairs < state.settings.repairs


def _repair(
    state: RunState,
    attempt: AttemptState,
    kind: str,
    values: Mapping[str, object],
    reason: str,
    text: str = "",
) -> Actions:
    """Give what is wrong back to the live session, while it lives and repairs are left."""
    if _repairable(state, attempt):
        return [a.Tell(attempt.task, attempt.number, kind, values)]
    return fail(state, attempt, reason, text)


def fail(
    state: RunState, attempt: AttemptState, reason: str, text: str = "", *, agent: bool = False
) -> Actions:
    """Give an attempt up. ``agent`` says that it was never the work: something around it broke."""
    task = state.task(attempt.task)
    final = task.tries + 1 >= (task.spec.attempts or state.settings.attempts)
    if not final and state.spent_up(attempt.task):
        spent = f"(The task's budget of {dollars(state.budget_of(attempt.task) or 0.0)} is spent.)"
        final, reason = True, f"{reason} {spent}"
    error = bool(attempt.error) and not fault(state, attempt)
    broke = agent or (error and not state.spent_up(attempt.task) and may_start(state))
    failed = e.AttemptFailed(
        task=attempt.task,
        attempt=attempt.number,
        reason=reason,
        evidence=text,
        final=final,
        commit=attempt.commit,
        broke=broke,
        delay_seconds=round(retry_seconds(state, task, attempt.nonce), 3) if broke and not final else 0.0,
    )
    return [a.Declare(failed), a.EndAttempt(attempt.task, attempt.number)]


@after(e.AttemptFailed)
def _attempt_failed(state: RunState, event: e.AttemptFailed) -> Actions:
    return circuit(state) or start(state)


@after(e.AttemptEnded)
def _attempt_ended(state: RunState, event: e.AttemptEnded) -> Actions:
    return warned(state, event.task) + (departure(state) or settled(state) or go_on(state))
