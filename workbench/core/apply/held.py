"""Delivered work that waits for a person's word, and what was said."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply.moves import give_up, move, offer
from workbench.core.apply.table import on
from workbench.core.held import standing
from workbench.core.mail import Message, MessageKind
from workbench.core.state import AttemptState, RunState, TaskState, TaskStatus, move_task
from workbench.errors import IllegalEvent


def hold(task: TaskState, attempt: AttemptState) -> None:
    """What was delivered waits for a person, as far as nobody has said yes to just that before."""
    seen = {it.path: it.blob for it in attempt.touches}
    task.cleared = {path: blob for path, blob in task.cleared.items() if seen.get(path) == blob}
    task.touches, task.no, task.refused = standing(task, attempt.touches), "", False


def answered(state: RunState, asked: Message, answer: Message) -> None:
    """Somebody decided about a change: a yes holds for what was shown, a no sends the task back."""
    task = state.tasks.get(asked.task)
    if asked.kind is not MessageKind.HELD or task is None or not task.touches:
        return
    if answer.decision == "yes":
        task.cleared |= {it.path: it.blob for it in task.touches}
        task.touches = ()
    else:
        task.no = answer.id


@on(e.MergeHeld)
def _merge_held(state: RunState, event: e.MergeHeld, at: float) -> None:
    task = state.task(event.task)
    if task.status is not TaskStatus.LANDING:
        raise IllegalEvent(f"task {event.task!r} is {task.status} and is not being landed")
    task.touches = event.touches


@on(e.ChangeRefused)
def _change_refused(state: RunState, event: e.ChangeRefused, at: float) -> None:
    task = state.task(event.task)
    how = "fail" if event.final else "reject"
    move_task(event.task, task.status, how)
    if not task.no:
        raise IllegalEvent(f"nobody said no to what {event.task!r} changes")
    author = state.attempt(event.task, task.delivered_by).teammate
    task.evidence, task.others, task.conflicts, task.failing = event.evidence, (), (), ()
    if event.tainted:  # it stays pinned; whoever tries next begins anew, and owes it nothing
        task.commit = task.tree = None
    task.carry, task.session = task.commit, None
    task.fixups += 1
    task.prefers = author if author in state.teammates else None
    task.no, task.refused, task.why = "", True, "rejected"
    move(state, task, how)
    del state.queue[event.task]
    if event.final:
        give_up(state, task, "a person said no to what it changes")
    else:
        offer(state, task)
