"""Attempts at tasks, from their start to their end."""

from __future__ import annotations

import bisect

from workbench.core import events as e
from workbench.core.apply.approvals import note_wait
from workbench.core.apply.held import hold
from workbench.core.apply.mail import block, withdraw_asks
from workbench.core.apply.moves import (
    close_attempt,
    give_up,
    learn,
    live_attempt,
    move,
    offer,
    refuted,
    withdraw,
)
from workbench.core.apply.pacing import agent_broke, agent_worked
from workbench.core.apply.reassigning import handed_on
from workbench.core.apply.table import on
from workbench.core.apply.team import leave_behind
from workbench.core.approvals import plans_first
from workbench.core.asking import holds
from workbench.core.mailing import awaited, given_back, told_once_more
from workbench.core.models import MarkerKind, Usage
from workbench.core.pace import Hold
from workbench.core.state import AttemptState, Phase, RunState, TaskStatus, move_phase, move_task
from workbench.errors import IllegalEvent


@on(e.WorktreeReady)
def _worktree_ready(state: RunState, event: e.WorktreeReady, at: float) -> None:
    teammate = state.teammates.get(event.teammate)
    if teammate is None:
        raise IllegalEvent(f"WorktreeReady for {event.teammate!r}, who is not in the team")
    teammate.worktree, teammate.branch = event.path, event.branch
    if teammate.task is not None:
        state.attempt(teammate.task, state.task(teammate.task).attempt).prepared = True
        teammate.held = teammate.task


@on(e.AttemptStarted)
def _attempt_started(state: RunState, event: e.AttemptStarted, at: float) -> None:
    task, teammate = state.task(event.task), state.teammates.get(event.teammate)
    if teammate is None or teammate.task is not None:
        raise IllegalEvent(f"teammate {event.teammate!r} is not free")
    if event.attempt != task.attempt + 1:
        raise IllegalEvent(f"attempt {event.attempt} at {event.task!r} cannot follow attempt {task.attempt}")
    move(state, task, "start")
    withdraw(state, event.task)
    state.free.remove(teammate.index)
    task.attempt = event.attempt
    teammate.task = event.task
    attempt = AttemptState(
        task=event.task, number=event.attempt, teammate=event.teammate, nonce=event.nonce, start=event.start,
        why=event.why, started_at=at, carry=event.carry, session=event.session, planning=plans_first(task),
        because=event.because, unsure=event.why == "continued",
    )  # fmt: skip
    _take_mail(state, attempt)
    teammate.tried.append((event.task, event.attempt))
    state.begun += 1
    if event.why != "continued":  # what its worktree holds may go at any moment now
        teammate.held = ""
    state.attempts[event.task, event.attempt] = attempt
    state.working[event.task, event.attempt] = attempt
    if state.pace.circuit is not None:
        state.pace.trial = event.task, event.attempt
    task.later = None


def _take_mail(state: RunState, attempt: AttemptState) -> None:
    """A new session gets its mail with the brief. One that goes on knows what it heard before, and is told
    the rest one by one: a brief cannot be told from the same one before."""
    teammate = state.teammates[attempt.teammate]
    if attempt.why == "continued":
        attempt.heard = state.attempt(attempt.task, attempt.number - 1).heard
    else:
        attempt.mail = tuple(teammate.unread)
        attempt.told, teammate.unread = teammate.unread, []


@on(e.AgentStarted)
def _agent_started(state: RunState, event: e.AgentStarted, at: float) -> None:
    attempt = live_attempt(state, event)
    attempt.pid, attempt.unsure = event.pid, False
    if attempt.why == "continued" and event.session != attempt.session:  # a new one, which heard nothing
        given_back(state, attempt, session_lives=False)
    attempt.session = event.session or attempt.session


@on(e.AgentActed)
def _agent_acted(state: RunState, event: e.AgentActed, at: float) -> None:
    live_attempt(state, event).doing = f"{event.tool} {event.target}".strip()


@on(e.ActionDenied)
def _action_denied(state: RunState, event: e.ActionDenied, at: float) -> None:
    live_attempt(state, event).denied += 1


@on(e.MarkerReceived)
def _marker_received(state: RunState, event: e.MarkerReceived, at: float) -> None:
    attempt = state.attempt(event.task, event.attempt)
    if event.name in attempt.markers:
        raise IllegalEvent(f"marker {event.name!r} was received before")
    attempt.markers.add(event.name)
    match event.kind:
        case MarkerKind.PROGRESS:
            attempt.percent = event.percent if event.percent is not None else attempt.percent
            attempt.note = event.note or attempt.note
        case MarkerKind.DONE if attempt.planning:  # nothing can be done that is not begun
            attempt.note = event.note or attempt.note
        case MarkerKind.DONE:
            attempt.done, attempt.percent, attempt.note = True, 100, event.note or attempt.note
        case MarkerKind.BLOCKED:
            block(attempt, event.note or "no reason given")
        case _:
            pass


@on(e.MarkerQuarantined)
def _marker_quarantined(state: RunState, event: e.MarkerQuarantined, at: float) -> None:
    state.quarantined += 1


@on(e.Told)
def _told(state: RunState, event: e.Told, at: float) -> None:
    attempt = live_attempt(state, event)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "tell")
    attempt.waiting = False
    match event.kind:
        case "ask_done":
            attempt.asked = True
        case "gate_red" | "unresolved" | "weakened":
            attempt.repairs += 1
            attempt.done = attempt.asked = False
        case "no_change":
            attempt.told_no_change = True
            attempt.done = attempt.asked = False
        case "ask_plan":
            attempt.asked = True
        case "plan_approved":
            attempt.done = attempt.asked = False
        case _:
            pass
    note_wait(state, attempt)
    unread = state.teammates[attempt.teammate].unread
    if event.message and event.message in unread:
        unread.remove(event.message)
        attempt.told.append(event.message)


@on(e.TurnEnded)
def _turn_ended(state: RunState, event: e.TurnEnded, at: float) -> None:
    attempt = live_attempt(state, event)
    attempt.late = attempt.phase is not Phase.WORKING and not attempt.waiting
    if not attempt.late:  # who waits may have another turn by what else it was told
        attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "turn")
        attempt.error = "" if event.limit and attempt.done else event.error
    attempt.live = attempt.live and event.live
    attempt.usage = event.usage
    attempt.session = event.session or attempt.session
    settled = attempt.done or attempt.blocked or attempt.error  # asked whether it is done, it may ask back
    ask = awaited(state, attempt)
    # A command cannot wait at the end of its turn; where the task is held, it begins again with the answer.
    waits = ask is not None and (event.live or holds(state, ask))
    attempt.waiting = waits and not attempt.late and not settled and not event.limit
    note_wait(state, attempt)
    if event.login:
        state.login = event.error


@on(e.WorkCollected)
def _work_collected(state: RunState, event: e.WorkCollected, at: float) -> None:
    attempt = live_attempt(state, event)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "collect")
    if attempt.phase is Phase.COLLECTED:
        attempt.commit, attempt.tree = event.commit, event.tree
        attempt.touches, attempt.patch = event.touches, event.patch
        attempt.reds = ()
        if not attempt.error:
            agent_worked(state, attempt)


@on(e.WorkChecked)
def _work_checked(state: RunState, event: e.WorkChecked, at: float) -> None:
    attempt = live_attempt(state, event)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "check")
    attempt.flakes = tuple(refuted(state, event.verdicts))
    attempt.reds += tuple(verdict.gate for verdict in event.verdicts if not verdict.green)
    learn(state, event.verdicts)


@on(e.AttemptFailed)
def _attempt_failed(state: RunState, event: e.AttemptFailed, at: float) -> None:
    task = state.task(event.task)
    move_task(event.task, task.status, "fail" if event.final else "retry")
    attempt = close_attempt(state, event, "failed")
    attempt.error = event.reason
    task.tries += 1
    task.evidence = event.evidence or event.reason
    if event.broke:
        agent_broke(state, attempt)
    if event.final:
        move(state, task, "fail")
        give_up(state, task, event.reason)
    else:
        move(state, task, "retry")
        carry = event.commit or attempt.carry  # an agent that never got going loses nobody's work
        if attempt.planning or attempt.breach:  # what was written without approval is pinned, no more
            carry = attempt.carry
        task.turned_down = 0
        task.why, task.carry, task.session = "retry", carry, None
        task.prefers, task.avoids = attempt.teammate, None
        if event.broke:  # it may be the place: somebody else tries next, and not at once
            task.prefers, task.avoids = None, attempt.teammate
            task.later = Hold(at, at + event.delay_seconds) if event.delay_seconds else None
        offer(state, task)


@on(e.AttemptEnded)
def _attempt_ended(state: RunState, event: e.AttemptEnded, at: float) -> None:
    attempt = live_attempt(state, event)
    if event.teammate != attempt.teammate:
        raise IllegalEvent(f"attempt {event.attempt} at {event.task!r} is not {event.teammate!r}'s")
    if attempt.phase is not Phase.CLOSING and not event.interrupted:
        raise IllegalEvent(f"attempt {event.attempt} at {event.task!r} is {attempt.phase} and cannot end")
    task, teammate = state.task(event.task), state.teammates[event.teammate]
    if event.interrupted and attempt.phase is not Phase.CLOSING:
        move(state, task, "retry")
        attempt.outcome, attempt.interrupted = "interrupted", True
        task.prefers = event.teammate
        commit = event.commit if not attempt.breach else None  # what was written without approval is pinned
        if teammate.leaving:
            leave_behind(task, teammate, commit)
        elif handed_on(state, task, teammate, commit):
            pass
        elif state.settings.continues and commit is not None:  # else its worktree holds nothing of it
            task.why, task.carry, task.session = "continued", commit, event.session or attempt.session
        elif (
            task.why == "continued" or attempt.breach
        ):  # nobody knows what lies there: it is pinned, and begun anew
            task.why, task.session = "retry", None
            task.evidence = attempt.breach or task.evidence or "It was interrupted."
        offer(state, task)
    withdraw_asks(state, attempt)
    given_back(state, attempt, session_lives=not attempt.interrupted or task.why == "continued")
    if attempt.outcome == "failed" and task.status is TaskStatus.READY:
        told_once_more(state, attempt)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "end")
    attempt.usage = event.usage if event.usage != Usage() else attempt.usage
    attempt.ended_at, attempt.live, attempt.doing, attempt.waiting = at, False, "", False
    attempt.waits_on = ""
    teammate.task = None
    teammate.usage += attempt.usage
    task.spent += attempt.usage
    state.spent += attempt.usage
    if state.pace.trial == (event.task, event.attempt):  # it came to nothing: another is the trial
        state.pace.trial = None
    if not teammate.leaving:
        bisect.insort(state.free, teammate.index)
    del state.working[event.task, event.attempt]


@on(e.TaskDelivered)
def _task_delivered(state: RunState, event: e.TaskDelivered, at: float) -> None:
    task = state.task(event.task)
    move_task(event.task, task.status, "deliver")
    attempt = state.attempt(event.task, event.attempt)
    if attempt.planning:
        raise IllegalEvent(
            f"attempt {event.attempt} at {event.task!r} has no approved plan and cannot deliver"
        )
    if attempt.breach:
        raise IllegalEvent(f"attempt {event.attempt} at {event.task!r} cannot deliver: {attempt.breach}")
    attempt = close_attempt(state, event, "delivered")
    attempt.error = ""
    move(state, task, "deliver")
    task.commit, task.tree, task.delivered_by, task.delivered_at = event.commit, event.tree, event.attempt, at
    task.thrown = ()
    hold(task, attempt)
    state.queue[event.task] = at


@on(e.TaskBlocked)
def _task_blocked(state: RunState, event: e.TaskBlocked, at: float) -> None:
    task = state.task(event.task)
    move_task(event.task, task.status, "block")
    close_attempt(state, event, "blocked")
    move(state, task, "block")
    give_up(state, task, event.reason)
