"""Landings: batches built, gated, published, and what is sent back from them."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core import merge
from workbench.core.apply.moves import give_up, learn, move, offer, refuted
from workbench.core.apply.table import on
from workbench.core.search import Search
from workbench.core.state import Landed, Landing, RunState, Semantic, Step, TaskState, TaskStatus, move_task
from workbench.core.suspicion import pointed
from workbench.errors import IllegalEvent


def open_landing(state: RunState, task: str) -> Landing:
    if state.landing is None or task not in state.landing.tasks:
        raise IllegalEvent(f"task {task!r} is not being landed")
    return state.landing


@on(e.LandingStarted)
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
        move(state, state.task(name), "take")
        del state.queue[name]
    state.landing = Landing(list(event.tasks))


@on(e.CandidateMade)
def _candidate_made(state: RunState, event: e.CandidateMade, at: float) -> None:
    landing = open_landing(state, event.task)
    if landing.search is not None or any(step.task == event.task for step in landing.steps):
        raise IllegalEvent(f"the candidate of {event.task!r} is made already")
    if landing.steps and landing.steps[-1].commit != event.parent:
        raise IllegalEvent(f"the candidate of {event.task!r} does not follow {landing.steps[-1].commit}")
    landing.steps.append(
        Step(
            event.task,
            event.parent,
            event.commit,
            event.tree,
            event.files,
            event.rung,
            event.resolved,
            event.touches,
        )
    )


@on(e.BatchBuilt)
def _batch_built(state: RunState, event: e.BatchBuilt, at: float) -> None:
    landing = state.landing
    if landing is None or landing.search is not None:
        raise IllegalEvent("no landing is being built")
    if [step.task for step in landing.steps] != list(event.tasks):
        raise IllegalEvent(f"the batch is {', '.join(event.tasks)}, but other candidates were made")
    landing.base, landing.base_tree = event.base, event.base_tree
    # A resolution alone is to blame for nothing: it is thrown away when it is red, whatever the base is.
    alone = len(landing.steps) == 1 and bool(landing.steps[0].rung)
    # A second look at once pays only while what is red is a flake as often as not.
    doubting = sum(state.flakes.values()) >= state.culprits
    landing.search = Search(len(landing.steps), base_green=alone, doubting=doubting)
    if not state.stopping:  # otherwise LandingDropped is on its way
        _close_landing(state)


@on(e.CheckingStarted)
def _checking_started(state: RunState, event: e.CheckingStarted, at: float) -> None:
    if not event.alone:
        landing = open_landing(state, event.task)
        if (prefix := landing.prefix(event.commit)) is not None:
            landing.checking.add(prefix)


@on(e.CandidateChecked)
def _candidate_checked(state: RunState, event: e.CandidateChecked, at: float) -> None:
    landing = open_landing(state, event.task)
    prefix = landing.prefix(event.commit)
    if prefix is not None and prefix in landing.needless:  # it had ended before it could be called off
        landing.needless.discard(prefix)
        landing.late, landing.flakes, landing.moot = True, (), ()
        learn(state, event.verdicts)
        return
    due = landing.search is not None and (prefix in landing.checking or prefix == landing.search.next)
    if prefix is None or landing.search is None or not due:
        raise IllegalEvent(f"candidate {event.commit} of {event.task!r} was not to be checked now")
    landing.checking.discard(prefix)
    landing.late = False
    search, red = landing.search, next((verdict for verdict in event.verdicts if not verdict.green), None)
    landing.flakes = tuple(refuted(state, event.verdicts))
    learn(state, event.verdicts)
    search.learn(prefix, red is None, red.gate if red is not None else "")
    if red is not None:
        if search.red == prefix:
            landing.red = red
        if places := pointed(red.failing, [step.files for step in landing.steps[:prefix]]):
            search.suspect = places[-1] + 1  # merged last of those: where the two come together
    moot = {other for other in landing.checking if other <= search.green}
    landing.checking -= moot
    landing.needless |= moot
    landing.moot = tuple(landing.steps[other - 1].commit for other in sorted(moot) if other)
    if red is None and event.verdicts and search.red and landing.tree(search.red) == landing.tree(prefix):
        search.acquit()


@on(e.FlakeSeen)
def _flake_seen(state: RunState, event: e.FlakeSeen, at: float) -> None:
    if event.task:
        state.task(event.task)
    state.flakes[event.gate] = state.flakes.get(event.gate, 0) + 1
    for test in event.tests or ("",):
        state.flaky[event.gate, test] = state.flaky.get((event.gate, test), 0) + 1


@on(e.TaskLanded)
def _task_landed(state: RunState, event: e.TaskLanded, at: float) -> None:
    landing = open_landing(state, event.task)
    if not landing.steps or landing.steps[0].commit != event.commit:
        due = landing.steps[0].commit if landing.steps else "none"
        raise IllegalEvent(f"task {event.task!r} landed as {event.commit}, but the next candidate is {due}")
    task, step = state.task(event.task), landing.steps[0]
    move(state, task, "land")
    _leave(state, event.task)
    state.tip = event.commit
    state.trouble = 0
    task.landed, task.landed_at, task.files = event.commit, at, event.files
    attempt = state.attempt(event.task, event.attempt)
    if attempt.teammate in state.teammates:
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
            step.rung,
            step.resolved,
        )
    )
    if state.landing is None:
        state.publication = (state.publication[1], len(state.landings))
    if state.landing is None and landing.search is not None and landing.search.red is None:
        state.batch = merge.larger(state)  # not when only the green part of a red batch landed
    for name in state.dependents.get(event.task, ()):
        dependent = state.tasks[name]
        dependent.unmet.discard(event.task)
        if not dependent.unmet and dependent.status is TaskStatus.PENDING:
            move(state, dependent, "release")
            offer(state, dependent)


def _leave(state: RunState, name: str) -> None:
    """Take a task out of the landing; the landing is over when it was the last."""
    landing = open_landing(state, name)
    landing.tasks.remove(name)
    landing.steps[:] = [step for step in landing.steps if step.task != name]
    _close_landing(state)


def _close_landing(state: RunState) -> None:
    landing = state.landing
    if landing is not None and landing.search is not None and not landing.steps:
        state.landing = None


def _requeue(state: RunState, name: str, at: float) -> None:
    task = state.task(name)
    move(state, task, "requeue")
    state.queue[name] = task.delivered_at or at


@on(e.TaskDeferred)
def _task_deferred(state: RunState, event: e.TaskDeferred, at: float) -> None:
    open_landing(state, event.task)
    _requeue(state, event.task, at)
    _leave(state, event.task)


@on(e.ResolutionRejected)
def _resolution_rejected(state: RunState, event: e.ResolutionRejected, at: float) -> None:
    open_landing(state, event.task)
    state.task(event.task).thrown += (event.rung,)
    state.culprits += 1
    _requeue(state, event.task, at)
    _leave(state, event.task)


def _give_landing_up(state: RunState, at: float) -> None:
    if state.landing is None:
        raise IllegalEvent("nothing is being landed")
    for name in state.landing.tasks:
        _requeue(state, name, at)
    state.landing = None


@on(e.PublicationLost)
def _publication_lost(state: RunState, event: e.PublicationLost, at: float) -> None:
    _give_landing_up(state, at)
    state.tip = event.found or state.tip


@on(e.LandingDropped)
def _landing_dropped(state: RunState, event: e.LandingDropped, at: float) -> None:
    _give_landing_up(state, at)
    state.trouble += bool(event.reason)


def _send_back(
    state: RunState, name: str, how: str, final: bool, evidence: str, others: tuple[str, ...]
) -> TaskState:
    open_landing(state, name)
    task = state.task(name)
    move(state, task, "fail" if final else how)
    _leave(state, name)
    task.evidence, task.others, task.carry, task.session = evidence, others, task.commit, None
    task.fixups += 1
    author = state.attempt(name, task.delivered_by).teammate
    task.prefers = author if author in state.teammates else None
    if not final:
        task.why = "conflict" if how == "conflict" else "rejected"
        offer(state, task)
    return task


@on(e.TaskConflicted)
def _task_conflicted(state: RunState, event: e.TaskConflicted, at: float) -> None:
    task = _send_back(state, event.task, "conflict", event.final, event.evidence, event.others)
    task.conflicts = event.paths
    if event.final:
        give_up(state, task, f"conflicts in {', '.join(event.paths)} were not resolved")


@on(e.TaskRejected)
def _task_rejected(state: RunState, event: e.TaskRejected, at: float) -> None:
    task = _send_back(state, event.task, "reject", event.final, event.evidence, event.others)
    state.culprits += 1
    if len(event.others) > 1 and event.gate:
        state.pairing.add(event.task)
    state.batch = merge.smaller(state)
    task.conflicts, task.failing = (), event.tests
    if event.final:
        give_up(state, task, "red together with what had landed")


@on(e.SemanticConflictFound)
def _semantic_conflict_found(state: RunState, event: e.SemanticConflictFound, at: float) -> None:
    task = state.task(event.task)
    learn(state, event.verdicts)
    state.pairing.discard(event.task)
    task.others = event.others
    state.semantics.append(
        Semantic(event.task, event.others, event.gate, event.tests, event.certain, event.evidence)
    )
