"""Work that a person brought in for a task that was given up."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply.moves import move, offer, unhold
from workbench.core.apply.table import on
from workbench.core.state import (
    PERSON,
    TASK_MOVES,
    AttemptState,
    Phase,
    RunState,
    TaskStatus,
    move_task,
)
from workbench.errors import IllegalEvent

EVENTS = (e.WorkProvided,)
"""What may follow the end of a run."""

GIVEN_UP = frozenset(status for status, how in TASK_MOVES if how == "provide")
"""Where a task must stand for a person's work to be taken for it."""

STUCK = GIVEN_UP | {TaskStatus.HELD}
"""What waits for such a task is held."""


@on(e.WorkProvided)
def _work_provided(state: RunState, event: e.WorkProvided, at: float) -> None:
    task = state.task(event.task)
    if state.working or state.landing is not None:
        raise IllegalEvent("work cannot be brought in while attempts or a landing are in flight")
    if task.unmet:
        raise IllegalEvent(f"task {event.task!r} waits for {', '.join(sorted(task.unmet))}")
    if event.attempt != task.attempt + 1:
        raise IllegalEvent(f"attempt {event.attempt} at {event.task!r} cannot follow attempt {task.attempt}")
    move_task(event.task, task.status, "provide")
    move(state, task, "provide")
    task.attempt = task.delivered_by = event.attempt
    task.commit, task.tree, task.delivered_at = event.commit, event.tree, at
    task.thrown, task.reason = (), ""
    state.attempts[event.task, event.attempt] = AttemptState(
        task=event.task, number=event.attempt, teammate=PERSON, nonce="", start=event.start,
        why="provided", started_at=at, phase=Phase.ENDED, live=False, commit=event.commit,
        tree=event.tree, outcome="delivered", ended_at=at,
    )  # fmt: skip
    state.queue[event.task] = at
    free_dependents(state, event.task)


def free_dependents(state: RunState, name: str) -> None:
    """Let everything wait again that was held for this task and is held for no other."""
    waiting = [name]
    while waiting:
        for name in state.dependents.get(waiting.pop(), ()):
            task = state.tasks[name]
            if task.status is not TaskStatus.HELD:
                continue
            if any(state.tasks[other].status in STUCK for other in task.spec.after):
                continue
            unhold(state, task)
            if not task.unmet:
                move(state, task, "release")
                offer(state, task)
            waiting.append(name)
