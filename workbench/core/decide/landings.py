"""Landings: what is gated next, what is published, who is sent back."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import merge
from workbench.core.decide import held
from workbench.core.decide.attempts import evidence, fail, flakes
from workbench.core.decide.leaving import gone
from workbench.core.decide.notices import read_landing
from workbench.core.decide.proceeding import go_on, land
from workbench.core.decide.table import Actions, after
from workbench.core.state import PERSON, Landing, Phase, RunState, Step
from workbench.core.suspicion import pointed


@after(e.EffectFailed)
def _effect_failed(state: RunState, event: e.EffectFailed) -> Actions:
    if event.full and not state.stopping and event.action != "Publish":  # nobody's work is to blame
        return [a.Declare(e.StopRequested(reason=f"{event.error}; make room, then resume"))]
    if event.action in ("Landing", "Publish"):
        return _landing_failed(state, event)
    if event.task is not None and event.attempt is not None:
        attempt = state.attempts.get((event.task, event.attempt))
        if attempt is None or attempt.phase in (Phase.CLOSING, Phase.ENDED) or state.stopping:
            return []
        if event.action == "StartAttempt" and (left := gone(state, attempt, event.error)):
            return left
        return fail(state, attempt, event.error, agent=event.action == "StartAttempt")
    return []


def _landing_failed(state: RunState, event: e.EffectFailed) -> Actions:
    """A landing that failed for a reason of our own blames nobody; it is tried again, a few times."""
    landing = state.landing
    if landing is None or (state.stopping and event.action != "Publish"):  # DropLanding is on its way
        return []
    if event.action == "Landing" and landing.search is not None and not landing.checking:
        return []  # a check that nobody needs any more, and the landing is being published
    return [a.Declare(e.LandingDropped(reason=event.error))]


@after(e.TaskDelivered)
def _task_delivered(state: RunState, event: e.TaskDelivered) -> Actions:
    return held.settle(state) or land(state)


@after(e.BatchBuilt)
def _batch_built(state: RunState, event: e.BatchBuilt) -> Actions:
    if state.landing is None:  # every task stepped aside
        return go_on(state)
    aside = held.set_aside(state, state.landing) if not state.stopping else []
    return aside or _prove(state, state.landing)


@after(e.CandidateChecked)
def _candidate_checked(state: RunState, event: e.CandidateChecked) -> Actions:
    landing = state.landing
    assert landing is not None and landing.search is not None, "what is checked is being landed"
    if landing.late:
        return []
    moot: Actions = [a.StopChecks(landing.moot)] if landing.moot else []
    return flakes(event.task, landing.flakes) + moot + _prove(state, landing)


def _prove(state: RunState, landing: Landing) -> Actions:
    """Gate what the search asks for, as far as no verdict is known; then land what is proven."""
    if state.stopping or landing.checking:  # DropLanding is on its way; or another verdict is
        return []
    search = landing.search
    assert search is not None, "the batch is built"
    if wanted := search.wanted(_slots(state)):
        return _check_all(state, landing, wanted)
    if search.base_red:
        return [a.Declare(e.StopRequested(reason=_base_red(landing)))]
    if search.culprit is None:
        return _publish(state, landing, len(landing.steps))
    return _evict(state, landing, search.culprit)


PAYS_FROM = 0.10
"""The failure rate from which looking at several prefixes at once pays: below, a red batch is so rare
that the runs it would save cost more than they save."""


def _slots(state: RunState) -> int:
    """How many gates a landing may run now: one, or with much failing work as many as stand idle."""
    if state.failure_rate <= PAYS_FROM:
        return 1
    busy = sum(attempt.phase is Phase.COLLECTED for attempt in state.working.values())
    return max(1, state.settings.gate_slots - busy)


def _check_all(state: RunState, landing: Landing, wanted: tuple[int, ...]) -> Actions:
    """Gate these prefixes at the same time; what is known already needs no gate."""
    first, *others = (_check(state, landing, prefix) for prefix in wanted)
    if isinstance(first, a.Declare):
        return [first]
    return [first, *(other for other in others if not isinstance(other, a.Declare))]


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
    landed = (gate for it in state.standing for gate in state.gates_of(it.task))
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
    candidates = tuple(merge.candidate(state, step) for step in landing.steps[:prefix])
    return [a.Publish(candidates)] if candidates else []


def _evict(state: RunState, landing: Landing, culprit: int) -> Actions:
    """Send back the change that breaks the batch, land what is proven before it, requeue the rest."""
    step = landing.steps[culprit - 1]
    rest = [e.TaskDeferred(task=step.task, why="behind") for step in landing.steps[culprit:]]
    back = _thrown_away(landing, step) if step.rung else _rejected(state, landing, culprit)
    return _publish(state, landing, culprit - 1) + [a.Declare(event) for event in (*rest, back)]


def _thrown_away(landing: Landing, step: Step) -> e.Event:
    """A resolution is nobody's work: it goes, and the task stays."""
    red = evidence(landing.red) if landing.red is not None else ""
    return e.ResolutionRejected(task=step.task, rung=step.rung, paths=step.resolved, evidence=red)


def _rejected(state: RunState, landing: Landing, culprit: int) -> e.Event:
    name, red = landing.steps[culprit - 1].task, landing.red
    before = (step.task for step in landing.steps[: culprit - 1])
    return e.TaskRejected(
        task=name,
        evidence=evidence(red) if red is not None else "",
        others=(*merge.others_in(state, name, ()), *before),
        final=_fixups_spent(state, name),
        gate=red.gate if red is not None else "",
        tests=red.failing if red is not None else (),
    )


@after(e.TaskRejected)
def _task_rejected(state: RunState, event: e.TaskRejected) -> Actions:
    """Name both sides of a semantic conflict; when several tasks may be the other side, find it."""
    if not event.others or not event.gate:
        return go_on(state)
    if event.task not in state.pairing:
        found = e.SemanticConflictFound(
            task=event.task,
            others=event.others,
            gate=event.gate,
            tests=event.tests,
            certain=True,
            evidence=event.evidence,
        )
        return [a.Declare(found)]
    sides = merge.sides_of(state, event.task)
    suspects = pointed(event.tests, [state.files_of(side.task) for side in sides])
    find = a.FindPair(
        event.task,
        state.task(event.task).commit or "",
        event.gate,
        sides,
        tuple(suspects[-1:]) or (len(sides) - 1,),
        event.tests,
        event.evidence,
    )
    return [find, *go_on(state)]


def _fixups_spent(state: RunState, name: str) -> bool:
    task = state.task(name)
    if state.attempt(name, task.delivered_by).teammate == PERSON:
        return True  # their work is theirs to mend
    return task.fixups + 1 > (task.spec.attempts or state.settings.attempts) or state.spent_up(name)


@after(e.ConflictFound)
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


@after(e.LandingDropped)
def _landing_dropped(state: RunState, event: e.LandingDropped) -> Actions:
    if state.trouble >= TROUBLE and not state.stopping:
        return [a.Declare(e.StopRequested(reason=f"landing failed {TROUBLE} times: {event.reason}"))]
    return go_on(state)


@after(e.TaskLanded)
def _task_landed(state: RunState, event: e.TaskLanded) -> Actions:
    if state.landing is not None:  # candidates in the middle of a batch are no place to start from
        return []
    return read_landing(state) + go_on(state)


@after(
    e.PublicationLost,
    e.TaskDeferred,
    e.ResolutionRejected,
    e.TaskConflicted,
    e.SemanticConflictFound,
    e.TaskBlocked,
    e.ChangeRefused,
)
def _queue_moved(state: RunState, event: e.Event) -> Actions:
    return go_on(state)
