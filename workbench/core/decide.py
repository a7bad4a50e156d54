"""What to do next, given the state just after an event. Pure: returns actions, performs none.

Each decider below answers one kind of event. Three questions come up again and again and have one
answer each: who can start (``_start``), what lands next (``_land``), is the run over (``_finish``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import merge
from workbench.core.models import Verdict
from workbench.core.state import AttemptState, Landing, Phase, RunState, TaskStatus

Actions = list[a.Action]
E = TypeVar("E", bound=e.Event)
Decider = Callable[[RunState, Any], Actions]
_DECIDERS: dict[type[e.Event], Decider] = {}


def _after(*kinds: type[E]) -> Callable[[Callable[[RunState, E], Actions]], Callable[[RunState, E], Actions]]:
    def register(decider: Callable[[RunState, E], Actions]) -> Callable[[RunState, E], Actions]:
        for kind in kinds:
            _DECIDERS[kind] = decider
        return decider

    return register


def decide(state: RunState, event: e.Event) -> Actions:
    """Actions that ``event`` calls for, in order; ``state`` already includes it and is not changed."""
    decider = _DECIDERS.get(type(event))
    return decider(state, event) if decider is not None and not state.finished else []


# -- the three questions -------------------------------------------------------------------------


def may_start(state: RunState) -> bool:
    """Whether new attempts may begin at all: base proven, not stopping, money left."""
    budget = state.settings.budget_usd
    return bool(state.base_green) and not state.stopping and (budget is None or state.cost_usd < budget)


def _start(state: RunState) -> Actions:
    """Pair startable tasks, best first, with free teammates; a task goes to whom it prefers, and waits
    for one that is just closing."""
    if not may_start(state) or not state.free or not state.startable:
        return []
    names = list(state.teammates)
    free = [names[index] for index in state.free]
    pairs: Actions = []
    closing = {attempt.teammate for attempt in state.working.values() if attempt.phase is Phase.CLOSING}
    for _, name in state.startable:
        if not free:
            break
        task = state.tasks[name]
        if task.prefers in closing:  # free in a moment, and AttemptEnded asks again
            continue
        if any(state.task(other).status is TaskStatus.LANDING for other in task.others):
            continue  # a fix-up begins on top of the other side, which is just being published
        teammate = task.prefers if task.prefers in free else free[0]
        free.remove(teammate)
        why, session = task.why, task.session
        if teammate != task.prefers or state.teammates[teammate].held != name:
            # its session is someone else's, or its worktree holds other work by now
            why, session = ("retry" if why == "continued" else why), None
        pairs.append(a.StartAttempt(name, teammate, task.attempt + 1, why, task.carry, session))
    return pairs


def _land(state: RunState) -> Actions:
    """Take the next delivered tasks to be merged, unless a stop was asked for."""
    if state.stopping or not (names := merge.next_batch(state)):
        return []
    return [a.BuildBatch(names, tuple(state.task(name).commit or "" for name in names))]


def _finish(state: RunState) -> Actions:
    """End the run when nothing is in flight and nothing more can be."""
    if state.working or state.landing is not None or state.finished:
        return []
    landed = sum(task.status is TaskStatus.LANDED for task in state.tasks.values()) if state.stopping else 0
    if state.stopping and landed < len(state.tasks):
        return [a.Declare(e.RunFinished(outcome="stopped", reason=state.stopping))]
    if state.queue or (may_start(state) and state.startable):
        return []
    if state.over < len(state.tasks):
        if may_start(state):
            return []
        return [a.Declare(e.RunFinished(outcome="stopped", reason="the budget is spent"))]
    missing = [name for name, task in state.tasks.items() if task.status is not TaskStatus.LANDED]
    keep = tuple(attempt.teammate for attempt in state.attempts.values() if attempt.task in missing)
    if state.settings.keep_worktrees:
        keep = tuple(state.teammates)
    if not missing:
        return [a.Declare(e.RunFinished(outcome="landed")), a.Tidy(keep)]
    reason = f"{len(missing)} of {len(state.tasks)} tasks did not land: {', '.join(missing[:8])}"
    return [a.Declare(e.RunFinished(outcome="incomplete", reason=reason)), a.Tidy(keep)]


def _go_on(state: RunState) -> Actions:
    return _start(state) + _land(state) or _finish(state)


# -- the run -----------------------------------------------------------------------------------------


@_after(e.RunStarted)
def _run_started(state: RunState, event: e.RunStarted) -> Actions:
    return [a.CheckBase()]


@_after(e.RunResumed)
def _run_resumed(state: RunState, event: e.RunResumed) -> Actions:
    return _go_on(state) if state.base_green else [a.CheckBase()]


@_after(e.BaseChecked)
def _base_checked(state: RunState, event: e.BaseChecked) -> Actions:
    if state.base_green:
        return _go_on(state)
    red = next(verdict for verdict in event.verdicts if not verdict.green)
    reason = f"the gate `{red.gate}` is red on the base {state.base[:10]}, before anything started"
    return [a.Declare(e.RunFinished(outcome="refused", reason=reason))]


@_after(e.StopRequested)
def _stop_requested(state: RunState, event: e.StopRequested) -> Actions:
    if state.stops > 1:
        return []
    stops: Actions = [a.EndAttempt(key[0], key[1], interrupt=True) for key in state.working]
    if state.landing is not None:
        stops.append(a.DropLanding())
    return stops or _finish(state)


# -- attempts --------------------------------------------------------------------------------------------


@_after(e.MarkerReceived)
def _marker_received(state: RunState, event: e.MarkerReceived) -> Actions:
    if event.kind == "message":
        told: Actions = []
        for attempt in state.working.values():
            told += _mail(state, attempt)
        return told
    attempt = state.attempt(event.task, event.attempt)
    if event.kind == "question" and attempt.phase is Phase.WORKING and not attempt.blocked:
        return [a.Tell(event.task, event.attempt, "answer", {"question": event.note})]
    return []


def _mail(state: RunState, attempt: AttemptState) -> Actions:
    """The first unread letter, when the recipient is at work; the rest follow one by one."""
    unread = state.teammates[attempt.teammate].unread
    if not unread or attempt.phase is not Phase.WORKING or not attempt.live:
        return []
    letter = {"sender": unread[0].sender, "text": unread[0].text}
    return [a.Tell(attempt.task, attempt.number, "message", letter)]


@_after(e.MarkerQuarantined)
def _marker_quarantined(state: RunState, event: e.MarkerQuarantined) -> Actions:
    attempt = state.attempts.get((event.task, event.attempt))
    if attempt is None or attempt.phase is not Phase.WORKING:
        return []
    return [a.Tell(event.task, event.attempt, "quarantine", {"name": event.name, "reason": event.reason})]


@_after(e.Told)
def _told(state: RunState, event: e.Told) -> Actions:
    return _mail(state, state.attempt(event.task, event.attempt))


@_after(e.AgentStarted)
def _agent_started(state: RunState, event: e.AgentStarted) -> Actions:
    return _mail(state, state.attempt(event.task, event.attempt))


@_after(e.TurnEnded)
def _turn_ended(state: RunState, event: e.TurnEnded) -> Actions:
    attempt = state.attempt(event.task, event.attempt)
    if event.login:
        return [a.Declare(e.StopRequested(reason=event.error))]
    if attempt.late or attempt.phase is not Phase.TURN_OVER:
        return []
    settled = attempt.done or attempt.asked or attempt.blocked or attempt.error
    if settled or not attempt.live:
        return [a.CollectWork(event.task, event.attempt)]
    return [a.Tell(event.task, event.attempt, "ask_done")]


@_after(e.WorkCollected)
def _work_collected(state: RunState, event: e.WorkCollected) -> Actions:
    attempt = state.attempt(event.task, event.attempt)
    if attempt.phase is not Phase.COLLECTED:  # given up meanwhile
        return []
    if attempt.error:
        return _fail(state, attempt, attempt.error)
    if attempt.blocked:
        blocked = e.TaskBlocked(
            task=event.task, attempt=event.attempt, reason=attempt.blocked, commit=event.commit
        )
        return [a.Declare(blocked), a.EndAttempt(event.task, event.attempt)]
    if event.unresolved:
        names = ", ".join(event.unresolved)
        values = {"paths": event.unresolved}
        return _repair(state, attempt, "unresolved", values, f"conflict markers are left in {names}")
    if not event.changed:
        if attempt.live and not attempt.told_no_change:
            return [a.Tell(event.task, event.attempt, "no_change")]
        return _fail(state, attempt, "no change: the work is the same as where it started")
    gates = state.unproven(event.tree, state.gates_of(event.task))
    if gates:
        return [a.CheckWork(event.task, event.attempt, event.commit, event.tree, gates)]
    return _deliver(attempt)


@_after(e.WorkChecked)
def _work_checked(state: RunState, event: e.WorkChecked) -> Actions:
    attempt = state.attempt(event.task, event.attempt)
    if attempt.phase is not Phase.CHECKED:  # given up meanwhile
        return []
    red = next((verdict for verdict in event.verdicts if not verdict.green), None)
    if red is None:
        return _deliver(attempt)
    reason = f"the gate `{red.gate}` {_how_red(red)} on the work alone"
    if not attempt.done:
        return _fail(state, attempt, reason, evidence(red))
    values = {"command": red.gate, "exit_code": red.exit_code, "output": red.output}
    return _repair(state, attempt, "gate_red", values, reason, evidence(red))


def _how_red(verdict: Verdict) -> str:
    return "is red" if verdict.exit_code is not None else "did not finish in time"


def evidence(verdict: Verdict) -> str:
    """A red verdict as text for whoever has to repair it."""
    code = "" if verdict.exit_code is None else f" (exit {verdict.exit_code})"
    return f"$ {verdict.gate}{code}\n{verdict.output}"


def _deliver(attempt: AttemptState) -> Actions:
    assert attempt.commit is not None and attempt.tree is not None, "delivered work was collected"
    delivered = e.TaskDelivered(
        task=attempt.task, attempt=attempt.number, commit=attempt.commit, tree=attempt.tree
    )
    return [a.Declare(delivered), a.EndAttempt(attempt.task, attempt.number)]


def _repair(
    state: RunState,
    attempt: AttemptState,
    kind: str,
    values: Mapping[str, object],
    reason: str,
    text: str = "",
) -> Actions:
    """Give what is wrong back to the live session, while it lives and repairs are left."""
    if attempt.live and attempt.repairs < state.settings.repairs:
        return [a.Tell(attempt.task, attempt.number, kind, values)]
    return _fail(state, attempt, reason, text)


def _fail(state: RunState, attempt: AttemptState, reason: str, text: str = "") -> Actions:
    task = state.task(attempt.task)
    final = task.tries + 1 >= (task.spec.attempts or state.settings.attempts)
    failed = e.AttemptFailed(
        task=attempt.task,
        attempt=attempt.number,
        reason=reason,
        evidence=text,
        final=final,
        commit=attempt.commit,
    )
    return [a.Declare(failed), a.EndAttempt(attempt.task, attempt.number)]


@_after(e.AttemptFailed)
def _attempt_failed(state: RunState, event: e.AttemptFailed) -> Actions:
    return _start(state)


@_after(e.AttemptEnded)
def _attempt_ended(state: RunState, event: e.AttemptEnded) -> Actions:
    return _go_on(state)


@_after(e.EffectFailed)
def _effect_failed(state: RunState, event: e.EffectFailed) -> Actions:
    if event.action in ("Landing", "Publish"):
        return _landing_failed(state, event)
    if event.task is not None and event.attempt is not None:
        attempt = state.attempts.get((event.task, event.attempt))
        if attempt is None or attempt.phase in (Phase.CLOSING, Phase.ENDED) or state.stopping:
            return []
        return _fail(state, attempt, event.error)
    return []


def _landing_failed(state: RunState, event: e.EffectFailed) -> Actions:
    """A landing that failed for a reason of our own blames nobody; it is tried again, a few times."""
    if state.landing is None or (state.stopping and event.action != "Publish"):  # DropLanding is on its way
        return []
    return [a.Declare(e.LandingDropped(reason=event.error))]


# -- landings ------------------------------------------------------------------------------------------------


@_after(e.TaskDelivered)
def _task_delivered(state: RunState, event: e.TaskDelivered) -> Actions:
    return _land(state)


@_after(e.BatchBuilt)
def _batch_built(state: RunState, event: e.BatchBuilt) -> Actions:
    if state.landing is None:  # every task stepped aside
        return _go_on(state)
    return _prove(state, state.landing)


@_after(e.CandidateChecked)
def _candidate_checked(state: RunState, event: e.CandidateChecked) -> Actions:
    landing = state.landing
    assert landing is not None and landing.search is not None, "what is checked is being landed"
    flakes: Actions = [
        a.Declare(e.FlakeSeen(task=event.task, gate=red.gate, evidence=red.output)) for red in landing.flakes
    ]
    return flakes + _prove(state, landing)


def _prove(state: RunState, landing: Landing) -> Actions:
    """Gate what the search asks for, as far as no verdict is known; then land what is proven."""
    if state.stopping:  # DropLanding is on its way
        return []
    search = landing.search
    assert search is not None, "the batch is built"
    if (prefix := search.next) is not None:
        return [_check(state, landing, prefix)]
    if search.base_red:
        return [a.Declare(e.StopRequested(reason=_base_red(landing)))]
    if search.culprit is None:
        return _publish(state, landing, len(landing.steps))
    return _evict(state, landing, search.culprit)


def _check(state: RunState, landing: Landing, prefix: int) -> a.Action:
    """Gate a prefix on what is unproven of it."""
    if prefix == 0:
        return _check_tip(state, landing)
    steps = landing.steps[:prefix]
    gates = tuple(dict.fromkeys(gate for step in steps for gate in state.gates_of(step.task)))
    last = steps[-1]
    unproven = state.unproven(last.tree, gates)
    if not unproven:
        return a.Declare(e.CandidateChecked(task=last.task, commit=last.commit, verdicts=()))
    return a.CheckCandidate(last.task, last.commit, last.tree, unproven)


def _check_tip(state: RunState, landing: Landing) -> a.Action:
    """Gate the base anew with the gate that was red after it, for its verdict is doubted. A gate of the
    first change's own says nothing there: it may need that very change."""
    first = landing.steps[0].task
    landed = (gate for it in state.landings for gate in state.gates_of(it.task))
    if landing.red is None or landing.red.gate not in {*state.settings.gates, *landed}:
        return a.Declare(e.CandidateChecked(task=first, commit=landing.base, verdicts=()))
    return a.CheckCandidate(first, landing.base, landing.base_tree, (landing.red.gate,))


def _base_red(landing: Landing) -> str:
    red = landing.red
    command = f"`{red.gate}`" if red is not None else "a gate"
    return (
        f"{command} is red on {landing.base[:10]}, the tip of the integration branch itself: "
        "something outside the work changed"
    )


def _publish(state: RunState, landing: Landing, prefix: int) -> Actions:
    candidates = tuple(
        a.Candidate(step.task, state.task(step.task).delivered_by, step.parent, step.commit, step.tree)
        for step in landing.steps[:prefix]
    )
    return [a.Publish(candidates)] if candidates else []


def _evict(state: RunState, landing: Landing, culprit: int) -> Actions:
    """Send back the change that breaks the batch, land what is proven before it, requeue the rest."""
    name = landing.steps[culprit - 1].task
    before = tuple(step.task for step in landing.steps[: culprit - 1])
    rejected = e.TaskRejected(
        task=name,
        evidence=evidence(landing.red) if landing.red is not None else "",
        others=before or merge.others_in(state, name, ()),
        final=_fixups_spent(state, name),
    )
    rest = [e.TaskDeferred(task=step.task, why="behind") for step in landing.steps[culprit:]]
    return _publish(state, landing, culprit - 1) + [a.Declare(event) for event in (*rest, rejected)]


def _fixups_spent(state: RunState, name: str) -> bool:
    task = state.task(name)
    return task.fixups + 1 > (task.spec.attempts or state.settings.attempts)


@_after(e.ConflictFound)
def _conflict_found(state: RunState, event: e.ConflictFound) -> Actions:
    if state.stopping:
        return []
    if event.behind:  # what it collides with may not land: nobody is to blame yet
        return [a.Declare(e.TaskDeferred(task=event.task, why="conflict"))]
    conflicted = e.TaskConflicted(
        task=event.task,
        paths=event.paths,
        others=merge.others_in(state, event.task, event.paths),
        evidence=event.hunks,
        final=_fixups_spent(state, event.task),
    )
    return [a.Declare(conflicted)]


TROUBLE = 3
"""Landings in a row that may fail for reasons of our own before the run stops."""


@_after(e.LandingDropped)
def _landing_dropped(state: RunState, event: e.LandingDropped) -> Actions:
    if state.trouble >= TROUBLE and not state.stopping:
        return [a.Declare(e.StopRequested(reason=f"landing failed {TROUBLE} times: {event.reason}"))]
    return _go_on(state)


@_after(e.TaskLanded)
def _task_landed(state: RunState, event: e.TaskLanded) -> Actions:
    if state.landing is not None:  # candidates in the middle of a batch are no place to start from
        return []
    return _go_on(state)


@_after(e.PublicationLost, e.TaskDeferred, e.TaskConflicted, e.TaskRejected, e.TaskBlocked)
def _queue_moved(state: RunState, event: e.Event) -> Actions:
    return _go_on(state)
