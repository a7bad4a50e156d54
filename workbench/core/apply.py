"""How each event changes the state. Pure, and in place.

``apply`` checks before it writes: an event the tables do not allow raises IllegalEvent and leaves the
state as it was. Folding a log from its first record gives the same state every time.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from workbench.core import events as e
from workbench.core import graph, merge
from workbench.core.models import MarkerKind, Usage, Verdict
from workbench.core.search import Search
from workbench.core.state import (
    OVER,
    AttemptState,
    Landed,
    Landing,
    Letter,
    Phase,
    RunState,
    Step,
    TaskState,
    TaskStatus,
    TeammateState,
    move_phase,
    move_task,
)
from workbench.errors import IllegalEvent

FIXUP_FIRST = 0
FRESH = 1

E = TypeVar("E", bound=e.Event)
Handler = Callable[[RunState, Any, float], None]
_HANDLERS: dict[type[e.Event], Handler] = {}


def _on(
    kind: type[E],
) -> Callable[[Callable[[RunState, E, float], None]], Callable[[RunState, E, float], None]]:
    def register(handler: Callable[[RunState, E, float], None]) -> Callable[[RunState, E, float], None]:
        _HANDLERS[kind] = handler
        return handler

    return register


def apply(state: RunState, record: e.Record) -> None:
    """Fold one record into ``state``. Raises IllegalEvent, changing nothing, when it may not come now."""
    event = record.event
    if record.seq != state.seq + 1:
        raise IllegalEvent(f"record {record.seq} cannot follow record {state.seq}")
    if state.plan is None and not isinstance(event, e.RunStarted):
        raise IllegalEvent(f"{record.type} before RunStarted")
    if state.finished and not isinstance(event, e.RunResumed):
        raise IllegalEvent(f"{record.type} after the run was {state.outcome}")
    handler = _HANDLERS.get(type(event))
    if handler is not None:
        handler(state, event, record.at)
    state.seq, state.at = record.seq, record.at


def fold(records: Iterable[e.Record]) -> RunState:
    """The state after ``records``, from nothing."""
    state = RunState()
    for record in records:
        apply(state, record)
    return state


# -- moving tasks and attempts -----------------------------------------------------------------


def _set(state: RunState, task: TaskState, move: str) -> None:
    status = move_task(task.spec.id, task.status, move)
    state.over += (status in OVER) - (task.status in OVER)
    task.status = status


def _offer(state: RunState, task: TaskState) -> None:
    """Put a startable task in its place: fix-ups first, then priority, then the longest chain."""
    group = FRESH if task.why == "first" else FIXUP_FIRST
    bisect.insort(state.startable, ((group, -task.spec.priority, -task.rank, task.index), task.spec.id))


def _withdraw(state: RunState, task: str) -> None:
    state.startable[:] = [entry for entry in state.startable if entry[1] != task]


def _give_up(state: RunState, task: TaskState, reason: str) -> None:
    """Hold every task that can no longer start, each with the name of what it waits for."""
    task.reason = reason
    waiting = [task]
    while waiting:
        done_for = waiting.pop()
        for name in state.dependents.get(done_for.spec.id, ()):
            dependent = state.tasks[name]
            if dependent.status is TaskStatus.PENDING:
                _set(state, dependent, "hold")
                dependent.reason = f"waits for {done_for.spec.id}, which is {done_for.status}"
                waiting.append(dependent)


def _learn(state: RunState, verdicts: Iterable[Verdict]) -> None:
    for verdict in verdicts:
        state.verdicts[verdict.tree, verdict.gate, verdict.environment] = verdict
        state.gate_runs += 1
        state.gate_seconds += verdict.seconds


def _live(state: RunState, event: e.AttemptEvent) -> AttemptState:
    attempt = state.attempt(event.task, event.attempt)
    if attempt.phase is Phase.ENDED:
        raise IllegalEvent(
            f"{type(event).__name__} for attempt {event.attempt} at {event.task!r}, which has ended"
        )
    return attempt


def _landing(state: RunState, task: str) -> Landing:
    if state.landing is None or task not in state.landing.tasks:
        raise IllegalEvent(f"task {task!r} is not being landed")
    return state.landing


# -- the run -----------------------------------------------------------------------------------


@_on(e.RunStarted)
def _run_started(state: RunState, event: e.RunStarted, at: float) -> None:
    if state.plan is not None:
        raise IllegalEvent("a run starts once")
    tasks = event.plan.tasks
    ranks = graph.ranks(tasks)
    state.plan, state.settings = event.plan, event.settings
    state.plan_path, state.plan_sha256 = event.plan_path, event.plan_sha256
    state.base, state.base_tree, state.tip = event.base, event.base_tree, event.base
    state.target, state.integration = event.target, event.integration
    state.environment = event.environment
    state.started_at = state.resumed_at = at
    state.dependents = graph.dependents(tasks)
    for index, spec in enumerate(tasks):
        state.tasks[spec.id] = TaskState(spec, index, ranks[spec.id], set(spec.after))
    for index, name in enumerate(event.settings.team):
        state.teammates[name] = TeammateState(name, index)
    state.free = list(range(len(event.settings.team)))
    state.batch = min(merge.FIRST_BATCH, event.settings.batch)
    for task in state.tasks.values():
        if not task.unmet:
            _set(state, task, "release")
            _offer(state, task)


@_on(e.BaseChecked)
def _base_checked(state: RunState, event: e.BaseChecked, at: float) -> None:
    _learn(state, event.verdicts)
    state.base_green = all(verdict.green for verdict in event.verdicts)


@_on(e.RunResumed)
def _run_resumed(state: RunState, event: e.RunResumed, at: float) -> None:
    if state.working:
        raise IllegalEvent("a run cannot be resumed while attempts are unaccounted for")
    if state.landing is not None:
        raise IllegalEvent(
            f"a run cannot be resumed while the landing of {', '.join(state.landing.tasks)} is open"
        )
    if state.outcome in ("landed", "incomplete", "refused"):
        raise IllegalEvent(f"the run is over: {state.outcome}")
    state.stopping = state.login = state.reason = ""
    if state.outcome is None:  # it was cut short: what it did until its last record counts
        state.active_seconds += max(0.0, state.at - state.resumed_at)
    state.outcome, state.ended_at, state.stops, state.trouble = None, None, 0, 0
    state.resumed_at = at
    state.environment = event.environment or state.environment
    if event.budget_usd is not None:
        state.settings = state.settings.model_copy(update={"budget_usd": event.budget_usd})


@_on(e.StopRequested)
def _stop_requested(state: RunState, event: e.StopRequested, at: float) -> None:
    state.stopping = state.stopping or event.reason
    state.stops += 1


@_on(e.RunFinished)
def _run_finished(state: RunState, event: e.RunFinished, at: float) -> None:
    if state.working:
        raise IllegalEvent("a run cannot finish while attempts are live")
    if state.landing is not None:
        raise IllegalEvent(f"a run cannot finish while {', '.join(state.landing.tasks)} is being landed")
    state.outcome, state.reason = event.outcome, event.reason
    state.ended_at = at
    state.active_seconds += max(0.0, at - state.resumed_at)


# -- attempts ------------------------------------------------------------------------------------


@_on(e.WorktreeReady)
def _worktree_ready(state: RunState, event: e.WorktreeReady, at: float) -> None:
    teammate = state.teammates.get(event.teammate)
    if teammate is None:
        raise IllegalEvent(f"WorktreeReady for {event.teammate!r}, who is not in the team")
    teammate.worktree, teammate.branch = event.path, event.branch
    for attempt in state.working.values():
        if attempt.teammate == event.teammate:
            attempt.prepared, teammate.held = True, attempt.task


@_on(e.AttemptStarted)
def _attempt_started(state: RunState, event: e.AttemptStarted, at: float) -> None:
    task, teammate = state.task(event.task), state.teammates.get(event.teammate)
    if teammate is None or teammate.task is not None:
        raise IllegalEvent(f"teammate {event.teammate!r} is not free")
    if event.attempt != task.attempt + 1:
        raise IllegalEvent(f"attempt {event.attempt} at {event.task!r} cannot follow attempt {task.attempt}")
    _set(state, task, "start")
    _withdraw(state, event.task)
    state.free.remove(teammate.index)
    task.attempt = event.attempt
    teammate.task = event.task
    attempt = AttemptState(
        task=event.task, number=event.attempt, teammate=event.teammate, nonce=event.nonce, start=event.start,
        why=event.why, started_at=at, carry=event.carry, session=event.session, mail=teammate.unread,
    )  # fmt: skip
    teammate.unread = []
    state.attempts[event.task, event.attempt] = attempt
    state.working[event.task, event.attempt] = attempt


@_on(e.AgentStarted)
def _agent_started(state: RunState, event: e.AgentStarted, at: float) -> None:
    attempt = _live(state, event)
    attempt.pid = event.pid
    attempt.session = event.session or attempt.session


@_on(e.AgentActed)
def _agent_acted(state: RunState, event: e.AgentActed, at: float) -> None:
    _live(state, event).doing = f"{event.tool} {event.target}".strip()


@_on(e.ActionDenied)
def _action_denied(state: RunState, event: e.ActionDenied, at: float) -> None:
    _live(state, event).denied += 1


@_on(e.MarkerReceived)
def _marker_received(state: RunState, event: e.MarkerReceived, at: float) -> None:
    attempt = state.attempt(event.task, event.attempt)
    if event.name in attempt.markers:
        raise IllegalEvent(f"marker {event.name!r} was received before")
    attempt.markers.add(event.name)
    match event.kind:
        case MarkerKind.PROGRESS:
            attempt.percent = event.percent if event.percent is not None else attempt.percent
            attempt.note = event.note or attempt.note
        case MarkerKind.DONE:
            attempt.done, attempt.percent, attempt.note = True, 100, event.note or attempt.note
        case MarkerKind.BLOCKED:
            attempt.blocked = event.note or "no reason given"
        case MarkerKind.QUESTION if state.settings.on_question == "fail":
            attempt.blocked = f"asked, and nobody was there to answer: {event.note}"
        case MarkerKind.MESSAGE:
            state.messages += 1
            for teammate in state.teammates.values():
                if event.to == teammate.name or (event.to == "all" and teammate.name != attempt.teammate):
                    teammate.unread.append(Letter(attempt.teammate, event.note))
        case _:
            pass


@_on(e.MarkerQuarantined)
def _marker_quarantined(state: RunState, event: e.MarkerQuarantined, at: float) -> None:
    state.quarantined += 1


@_on(e.Told)
def _told(state: RunState, event: e.Told, at: float) -> None:
    attempt = _live(state, event)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "tell")
    match event.kind:
        case "ask_done":
            attempt.asked = True
        case "gate_red" | "unresolved":
            attempt.repairs += 1
            attempt.done = attempt.asked = False
        case "no_change":
            attempt.told_no_change = True
            attempt.done = attempt.asked = False
        case "message":
            unread = state.teammates[attempt.teammate].unread
            if unread:
                unread.pop(0)
        case _:
            pass


@_on(e.TurnEnded)
def _turn_ended(state: RunState, event: e.TurnEnded, at: float) -> None:
    attempt = _live(state, event)
    attempt.late = attempt.phase is not Phase.WORKING
    if not attempt.late:
        attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "turn")
        attempt.error = event.error
    attempt.live = attempt.live and event.live
    attempt.usage = event.usage
    attempt.session = event.session or attempt.session
    if event.login:
        state.login = event.error


@_on(e.WorkCollected)
def _work_collected(state: RunState, event: e.WorkCollected, at: float) -> None:
    attempt = _live(state, event)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "collect")
    if attempt.phase is Phase.COLLECTED:
        attempt.commit, attempt.tree = event.commit, event.tree


@_on(e.WorkChecked)
def _work_checked(state: RunState, event: e.WorkChecked, at: float) -> None:
    attempt = _live(state, event)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "check")
    _learn(state, event.verdicts)


def _close(state: RunState, event: e.AttemptEvent, outcome: str) -> AttemptState:
    attempt = _live(state, event)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "close")
    attempt.outcome = outcome
    return attempt


@_on(e.AttemptFailed)
def _attempt_failed(state: RunState, event: e.AttemptFailed, at: float) -> None:
    task = state.task(event.task)
    move_task(event.task, task.status, "fail" if event.final else "retry")
    attempt = _close(state, event, "failed")
    attempt.error = event.reason
    task.tries += 1
    task.evidence = event.evidence or event.reason
    if event.final:
        _set(state, task, "fail")
        _give_up(state, task, event.reason)
    else:
        _set(state, task, "retry")
        carry = event.commit or attempt.carry  # an agent that never got going loses nobody's work
        task.why, task.carry, task.prefers, task.session = "retry", carry, attempt.teammate, None
        task.conflicts, task.others = (), ()
        _offer(state, task)


@_on(e.AttemptEnded)
def _attempt_ended(state: RunState, event: e.AttemptEnded, at: float) -> None:
    attempt = _live(state, event)
    if event.teammate != attempt.teammate:
        raise IllegalEvent(f"attempt {event.attempt} at {event.task!r} is not {event.teammate!r}'s")
    if attempt.phase is not Phase.CLOSING and not event.interrupted:
        raise IllegalEvent(f"attempt {event.attempt} at {event.task!r} is {attempt.phase} and cannot end")
    task, teammate = state.task(event.task), state.teammates[event.teammate]
    if event.interrupted and attempt.phase is not Phase.CLOSING:
        _set(state, task, "retry")
        attempt.outcome, attempt.interrupted = "interrupted", True
        task.prefers = event.teammate
        teammate.unread[:0] = attempt.mail  # what it was given it may not have read
        if state.settings.continues and event.commit is not None:  # else its worktree holds nothing of it
            task.why, task.carry, task.session = "continued", event.commit, event.session or attempt.session
        _offer(state, task)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "end")
    attempt.usage = event.usage if event.usage != Usage() else attempt.usage
    attempt.ended_at, attempt.live, attempt.doing = at, False, ""
    teammate.task = None
    teammate.usage += attempt.usage
    state.spent += attempt.usage
    bisect.insort(state.free, teammate.index)
    del state.working[event.task, event.attempt]


# -- tasks and landings ----------------------------------------------------------------------------


@_on(e.TaskDelivered)
def _task_delivered(state: RunState, event: e.TaskDelivered, at: float) -> None:
    task = state.task(event.task)
    move_task(event.task, task.status, "deliver")
    attempt = _close(state, event, "delivered")
    attempt.error = ""
    _set(state, task, "deliver")
    task.commit, task.tree, task.delivered_by, task.delivered_at = event.commit, event.tree, event.attempt, at
    state.queue[event.task] = at


@_on(e.TaskBlocked)
def _task_blocked(state: RunState, event: e.TaskBlocked, at: float) -> None:
    task = state.task(event.task)
    move_task(event.task, task.status, "block")
    _close(state, event, "blocked")
    _set(state, task, "block")
    _give_up(state, task, event.reason)


@_on(e.LandingStarted)
def _landing_started(state: RunState, event: e.LandingStarted, at: float) -> None:
    if state.landing is not None:
        raise IllegalEvent(
            f"{', '.join(event.tasks)} cannot land while {', '.join(state.landing.tasks)} does"
        )
    if not event.tasks or len(set(event.tasks)) < len(event.tasks):
        raise IllegalEvent(f"a landing takes each task once, not ({', '.join(event.tasks)})")
    for name in event.tasks:
        move_task(name, state.task(name).status, "take")
    for name in event.tasks:
        _set(state, state.task(name), "take")
        del state.queue[name]
    state.landing = Landing(list(event.tasks))


@_on(e.CandidateMade)
def _candidate_made(state: RunState, event: e.CandidateMade, at: float) -> None:
    landing = _landing(state, event.task)
    if landing.search is not None or any(step.task == event.task for step in landing.steps):
        raise IllegalEvent(f"the candidate of {event.task!r} is made already")
    if landing.steps and landing.steps[-1].commit != event.parent:
        raise IllegalEvent(f"the candidate of {event.task!r} does not follow {landing.steps[-1].commit}")
    landing.steps.append(Step(event.task, event.parent, event.commit, event.tree))


@_on(e.BatchBuilt)
def _batch_built(state: RunState, event: e.BatchBuilt, at: float) -> None:
    landing = state.landing
    if landing is None or landing.search is not None:
        raise IllegalEvent("no landing is being built")
    if [step.task for step in landing.steps] != list(event.tasks):
        raise IllegalEvent(f"the batch is {', '.join(event.tasks)}, but other candidates were made")
    landing.base, landing.base_tree = event.base, event.base_tree
    landing.search = Search(len(landing.steps))
    if not state.stopping:  # otherwise LandingDropped is on its way
        _close_landing(state)


@_on(e.CandidateChecked)
def _candidate_checked(state: RunState, event: e.CandidateChecked, at: float) -> None:
    landing = _landing(state, event.task)
    prefix = landing.prefix(event.commit)
    if prefix is None or landing.search is None or prefix != landing.search.next:
        raise IllegalEvent(f"candidate {event.commit} of {event.task!r} was not to be checked now")
    search, red = landing.search, next((verdict for verdict in event.verdicts if not verdict.green), None)
    landing.flakes = tuple(_refuted(state, event.verdicts))
    _learn(state, event.verdicts)
    search.learn(prefix, red is None, red.gate if red is not None else "")
    if red is not None and search.red == prefix:
        landing.red = red
    if red is None and event.verdicts and search.red and landing.tree(search.red) == landing.tree(prefix):
        search.acquit()


def _refuted(state: RunState, verdicts: Iterable[Verdict]) -> Iterable[Verdict]:
    """Red verdicts that stood until now against one of ``verdicts``, which is green."""
    for verdict in verdicts:
        before = state.verdicts.get((verdict.tree, verdict.gate, verdict.environment))
        if verdict.green and before is not None and not before.green:
            yield before


@_on(e.FlakeSeen)
def _flake_seen(state: RunState, event: e.FlakeSeen, at: float) -> None:
    _landing(state, event.task)
    state.flakes[event.gate] = state.flakes.get(event.gate, 0) + 1


@_on(e.TaskLanded)
def _task_landed(state: RunState, event: e.TaskLanded, at: float) -> None:
    landing = _landing(state, event.task)
    if not landing.steps or landing.steps[0].commit != event.commit:
        due = landing.steps[0].commit if landing.steps else "none"
        raise IllegalEvent(f"task {event.task!r} landed as {event.commit}, but the next candidate is {due}")
    task = state.task(event.task)
    _set(state, task, "land")
    _leave(state, event.task)
    state.tip = event.commit
    state.trouble = 0
    task.landed, task.landed_at, task.files = event.commit, at, event.files
    attempt = state.attempt(event.task, event.attempt)
    state.teammates[attempt.teammate].landed += 1
    state.landings.append(
        Landed(
            event.task,
            event.attempt,
            attempt.teammate,
            event.commit,
            event.parent,
            task.commit or "",
            at,
            event.files,
        )
    )
    if state.landing is None and landing.search is not None and landing.search.red is None:
        state.batch = merge.larger(state)  # not when only the green part of a red batch landed
    for name in state.dependents.get(event.task, ()):
        dependent = state.tasks[name]
        dependent.unmet.discard(event.task)
        if not dependent.unmet and dependent.status is TaskStatus.PENDING:
            _set(state, dependent, "release")
            _offer(state, dependent)


def _leave(state: RunState, name: str) -> None:
    """Take a task out of the landing; the landing is over when it was the last."""
    landing = _landing(state, name)
    landing.tasks.remove(name)
    landing.steps[:] = [step for step in landing.steps if step.task != name]
    _close_landing(state)


def _close_landing(state: RunState) -> None:
    landing = state.landing
    if landing is not None and landing.search is not None and not landing.steps:
        state.landing = None


def _requeue(state: RunState, name: str, at: float) -> None:
    task = state.task(name)
    _set(state, task, "requeue")
    state.queue[name] = task.delivered_at or at


@_on(e.TaskDeferred)
def _task_deferred(state: RunState, event: e.TaskDeferred, at: float) -> None:
    _landing(state, event.task)
    _requeue(state, event.task, at)
    _leave(state, event.task)


def _give_landing_up(state: RunState, at: float) -> None:
    if state.landing is None:
        raise IllegalEvent("nothing is being landed")
    for name in state.landing.tasks:
        _requeue(state, name, at)
    state.landing = None


@_on(e.PublicationLost)
def _publication_lost(state: RunState, event: e.PublicationLost, at: float) -> None:
    _give_landing_up(state, at)
    state.tip = event.found or state.tip


@_on(e.LandingDropped)
def _landing_dropped(state: RunState, event: e.LandingDropped, at: float) -> None:
    _give_landing_up(state, at)
    state.trouble += bool(event.reason)


def _send_back(
    state: RunState, name: str, move: str, final: bool, evidence: str, others: tuple[str, ...]
) -> TaskState:
    _landing(state, name)
    task = state.task(name)
    _set(state, task, "fail" if final else move)
    _leave(state, name)
    task.evidence, task.others, task.carry, task.session = evidence, others, task.commit, None
    task.fixups += 1
    task.prefers = state.attempt(name, task.delivered_by).teammate
    if not final:
        task.why = "conflict" if move == "conflict" else "rejected"
        _offer(state, task)
    return task


@_on(e.TaskConflicted)
def _task_conflicted(state: RunState, event: e.TaskConflicted, at: float) -> None:
    task = _send_back(state, event.task, "conflict", event.final, event.evidence, event.others)
    task.conflicts = event.paths
    if event.final:
        _give_up(state, task, f"conflicts in {', '.join(event.paths)} were not resolved")


@_on(e.TaskRejected)
def _task_rejected(state: RunState, event: e.TaskRejected, at: float) -> None:
    task = _send_back(state, event.task, "reject", event.final, event.evidence, event.others)
    state.batch = merge.smaller(state)
    task.conflicts = ()
    if event.final:
        _give_up(state, task, "red together with what had landed")
