"""A person gives a task to a teammate, and it waits for that one."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply.table import on
from workbench.core.apply.team import hand_over
from workbench.core.state import RunState, TaskState, TaskStatus, TeammateState
from workbench.errors import IllegalEvent

EVENTS = (e.TaskReassigned,)
"""What may follow the end of a run."""

T = TaskStatus
GIVEN = frozenset({T.PENDING, T.HELD, T.READY, T.RUNNING, T.CONFLICTED, T.REJECTED})
"""Where a task must stand to be given to somebody: somebody is at it, or will be."""


@on(e.TaskReassigned)
def _task_reassigned(state: RunState, event: e.TaskReassigned, at: float) -> None:
    task = state.task(event.task)
    if not event.to:
        state.wishes.pop(event.task, None)
        return
    mate = state.teammates.get(event.to)
    if mate is None or mate.leaving:
        raise IllegalEvent(f"{event.to!r} is not in the team, or leaves it")
    if task.status not in GIVEN:
        raise IllegalEvent(f"task {event.task!r} is {task.status} and cannot be given to anybody")
    state.wishes[event.task] = event.to
    if task.status is T.RUNNING:  # what comes of its attempt is seen when that has ended
        return
    task.later = None
    if task.why == "continued" and task.prefers not in (None, event.to):
        hand_over(task, None, _words(str(task.prefers), event.to))
    _forget_asks(state, event)


def _forget_asks(state: RunState, event: e.TaskReassigned) -> None:
    """Whoever asked something for the task is not the one who goes on with it."""
    for ask in list(state.asks.values()):
        if ask.message.task == event.task and ask.message.sender in state.teammates.keys() - {event.to}:
            del state.asks[ask.message.id]


def handed_on(state: RunState, task: TaskState, mate: TeammateState, commit: str | None) -> bool:
    """Whether what ``mate`` was at, and left as ``commit``, goes on with somebody else who was given it."""
    to = state.wishes.get(task.spec.id, mate.name)
    if to == mate.name:
        return False
    hand_over(task, commit, _words(mate.name, to))
    return True


def _words(before: str, to: str) -> str:
    return f"{before} was at it until a person gave it to {to}."
