"""Landings: what is gated next, what is published, who is sent back."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import merge
from workbench.core.decide.attempts import evidence, fail
from workbench.core.decide.notices import read_landing
from workbench.core.decide.proceeding import go_on, land
from workbench.core.decide.table import Actions, after
from workbench.core.state import Landing, Phase, RunState


@after(e.EffectFailed)
def _effect_failed(state: RunState, event: e.EffectFailed) -> Actions:
    if event.action in ("Landing", "Publish"):
        return _landing_failed(state, event)
    if event.task is not None and event.attempt is not None:
        attempt = state.attempts.get((event.task, event.attempt))
        if attempt is None or attempt.phase in (Phase.CLOSING, Phase.ENDED) or state.stopping:
            return []
        return fail(state, attempt, event.error)
    return []


def _landing_failed(state: RunState, event: e.EffectFailed) -> Actions:
    """A landing that failed for a reason of our own blames nobody; it is tried again, a few times."""
    if state.landing is None or (state.stopping and event.action != "Publish"):  # DropLanding is on its way
        return []
    return [a.Declare(e.LandingDropped(reason=event.error))]


@after(e.TaskDelivered)
def _task_delivered(state: RunState, event: e.TaskDelivered) -> Actions:
    return land(state)


@after(e.BatchBuilt)
def _batch_built(state: RunState, event: e.BatchBuilt) -> Actions:
    if state.landing is None:  # every task stepped aside
        return go_on(state)
    return _prove(state, state.landing)


@after(e.CandidateChecked)
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


@after(e.PublicationLost, e.TaskDeferred, e.TaskConflicted, e.TaskRejected, e.TaskBlocked)
def _queue_moved(state: RunState, event: e.Event) -> Actions:
    return go_on(state)
