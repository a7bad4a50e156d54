"""What a person does to a run that is going on: it is paused, a task is tried again, or left out."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply.moves import give_up, move, offer, withdraw
from workbench.core.apply.provided import STUCK, free_dependents
from workbench.core.apply.table import on
from workbench.core.mail import PERSON
from workbench.core.state import RunState, TaskState, TaskStatus, move_task
from workbench.errors import IllegalEvent

EVENTS = (e.TaskRetried, e.TaskSkipped)
"""What may follow the end of a run."""


@on(e.RunPaused)
def _run_paused(state: RunState, event: e.RunPaused, at: float) -> None:
    if state.paused:
        raise IllegalEvent("the run is paused already")
    state.paused = True


@on(e.RunUnpaused)
def _run_unpaused(state: RunState, event: e.RunUnpaused, at: float) -> None:
    if not state.paused:
        raise IllegalEvent("the run is not paused")
    state.paused = False


@on(e.TaskRetried)
def _task_retried(state: RunState, event: e.TaskRetried, at: float) -> None:
    task = state.task(event.task)
    skipped = task.status is TaskStatus.SKIPPED
    move(state, task, "again")
    if task.attempt:
        _take_up(state, task)
    task.tries = task.fixups = task.breaks = task.turned_down = 0
    task.later, task.avoids, task.session = None, None, None
    task.reason = ""
    if skipped:  # what has not begun without it waits for it again
        for name in state.dependents.get(event.task, ()):
            if state.tasks[name].status in (TaskStatus.PENDING, TaskStatus.HELD):
                state.tasks[name].unmet.add(event.task)
    stuck = next((it for it in task.spec.after if it in task.unmet and state.tasks[it].status in STUCK), None)
    if stuck is not None:
        move(state, task, "hold")
        give_up(state, task, f"waits for {stuck}, which {state.tasks[stuck].status.stands}")
        return
    if not task.unmet:
        move(state, task, "release")
        offer(state, task)
    free_dependents(state, event.task)


def _take_up(state: RunState, task: TaskState) -> None:
    """Go on where the last attempt left it: with what was red or in conflict at its merge, or with what was
    made until it was given up."""
    last = state.attempts[task.spec.id, task.attempt]
    task.prefers = last.teammate if last.teammate in state.teammates else None
    if last.outcome == "interrupted":  # it was left out while it waited to go on
        task.why = "retry" if task.why == "continued" else task.why
        return
    if last.outcome == "delivered":
        task.why, task.carry = ("conflict" if task.conflicts else "rejected"), task.commit
        return
    unapproved = last.planning or last.breach  # what it wrote without approval is pinned, no more
    task.why, task.carry = "retry", (last.commit if not unapproved else None) or last.carry
    task.evidence = last.blocked or task.evidence or task.reason


@on(e.TaskSkipped)
def _task_skipped(state: RunState, event: e.TaskSkipped, at: float) -> None:
    task = state.task(event.task)
    was = task.status
    move_task(event.task, was, "skip")
    move(state, task, "skip")
    withdraw(state, event.task)
    state.pairing.discard(event.task)
    why = f": {task.reason.rstrip('.')}" if task.reason else ""
    who = "a person" if event.by == PERSON else f"the {event.by}"
    task.reason, task.later = f"left out by {who}; it was {was}{why}", None
    for name in state.dependents.get(event.task, ()):
        dependent = state.tasks[name]
        dependent.unmet.discard(event.task)
        if dependent.status is TaskStatus.PENDING and not dependent.unmet:
            move(state, dependent, "release")
            offer(state, dependent)
    free_dependents(state, event.task)
