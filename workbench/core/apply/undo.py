"""Landings taken off the integration branch again. These events may come after a run is finished, but
never while it goes on: nothing is in flight then."""

from __future__ import annotations

from itertools import pairwise

from workbench.core import events as e
from workbench.core.apply.moves import learn, move, withdraw
from workbench.core.apply.table import on
from workbench.core.models import Reversal, Verdict
from workbench.core.state import TASK_MOVES, Landed, RunState, TaskStatus, Undone
from workbench.errors import IllegalEvent

EVENTS = (e.UndoStarted, e.LandingUndone, e.UndoDropped)
"""What may follow the end of a run."""


@on(e.UndoStarted)
def _undo_started(state: RunState, event: e.UndoStarted, at: float) -> None:
    if state.working or state.landing is not None:
        raise IllegalEvent("nothing can be undone while attempts or a landing are in flight")
    if state.undoing:
        raise IllegalEvent(f"the undoing of {_names(state.undoing)} is not accounted for")
    if not event.reversals or event.reversals[0].parent != state.published:
        raise IllegalEvent(f"what is undone does not begin at {state.published}, the tip")
    for older, newer in pairwise(event.reversals):
        if newer.parent != older.commit:
            raise IllegalEvent(f"the reversal of {newer.task!r} does not follow {older.commit}")
    going = {reversal.task for reversal in event.reversals}
    for reversal in event.reversals:
        _landing_of(state, reversal.task, reversal.landing)
        for name in state.dependents.get(reversal.task, ()):
            if state.task(name).status is TaskStatus.LANDED and name not in going:
                raise IllegalEvent(f"task {reversal.task!r} cannot be undone while {name!r} stays landed")
    _count_flakes(state, event.verdicts)
    learn(state, event.verdicts)
    state.undoing = event.reversals


def _count_flakes(state: RunState, verdicts: tuple[Verdict, ...]) -> None:
    """A gate that was red and then green on the one tree that was gated."""
    green = {verdict.gate for verdict in verdicts if verdict.green}
    for verdict in verdicts:
        if not verdict.green and verdict.gate in green:
            state.flakes[verdict.gate] = state.flakes.get(verdict.gate, 0) + 1


def _landing_of(state: RunState, task: str, commit: str) -> Landed:
    """The landing of ``task`` that stands; IllegalEvent when there is none, or it is another."""
    if state.task(task).status is not TaskStatus.LANDED:
        raise IllegalEvent(f"task {task!r} is {state.task(task).status} and cannot undo")
    landing = next(it for it in reversed(state.landings) if it.task == task)
    if landing.commit != commit:
        raise IllegalEvent(f"task {task!r} landed as {landing.commit}, not as {commit}")
    return landing


@on(e.LandingUndone)
def _landing_undone(state: RunState, event: e.LandingUndone, at: float) -> None:
    reversal = Reversal.model_validate(event.model_dump())
    if not state.undoing or state.undoing[0] != reversal:
        due = f"next is {state.undoing[0].task!r}" if state.undoing else "no undoing was begun"
        raise IllegalEvent(f"the landing of {event.task!r} cannot be undone now: {due}")
    landing = _landing_of(state, event.task, event.landing)
    task = state.task(event.task)
    move(state, task, "undo")
    state.undoing = state.undoing[1:]
    landing.undone = event.commit
    state.undone.append(Undone(reversal, at, len(state.landings)))
    state.tip = event.commit
    task.landed = None
    task.reason = f"undone by {event.commit[:10]}; its landing {event.landing[:10]} is kept"
    _hold(state, event.task)
    finished_otherwise(state)


def _hold(state: RunState, undone: str) -> None:
    """Hold what waits for an undone task and has not landed, and what waits for that. Work that was
    delivered on top of it leaves the queue; it stays pinned."""
    waiting = [undone]
    while waiting:
        gone = state.task(waiting.pop())
        for name in state.dependents.get(gone.spec.id, ()):
            task = state.tasks[name]
            task.unmet.add(gone.spec.id)
            if (task.status, "hold") not in TASK_MOVES:  # over already
                continue
            move(state, task, "hold")
            withdraw(state, name)
            state.queue.pop(name, None)
            task.reason = f"waits for {gone.spec.id}, which {gone.status.stands}"
            waiting.append(name)


def finished_otherwise(state: RunState) -> None:
    """A run that had landed everything, or said what it had not, says now what is so."""
    if state.outcome not in ("landed", "incomplete"):
        return
    missing = [name for name, task in state.tasks.items() if task.status is not TaskStatus.LANDED]
    state.outcome = "incomplete"
    stand = "is" if len(missing) == 1 else "are"
    state.reason = f"{len(missing)} of {len(state.tasks)} tasks {stand} not landed: {', '.join(missing[:8])}"


@on(e.UndoDropped)
def _undo_dropped(state: RunState, event: e.UndoDropped, at: float) -> None:
    if not state.undoing:
        raise IllegalEvent("nothing is being undone")
    state.undoing = ()


def _names(reversals: tuple[Reversal, ...]) -> str:
    return ", ".join(reversal.task for reversal in reversals)
