"""The plan of a run becomes another. These events may also come after the run is finished."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core import graph
from workbench.core.apply import approvals
from workbench.core.apply.moves import move, offer, unhold, withdraw
from workbench.core.apply.provided import STUCK
from workbench.core.apply.table import on
from workbench.core.apply.undo import finished_otherwise
from workbench.core.changes import with_change
from workbench.core.changing import WAITING, applicable, open_change
from workbench.core.models import Task
from workbench.core.state import OVER, Proposed, RunState, TaskState, TaskStatus
from workbench.errors import IllegalEvent

EVENTS = (e.PlanChangeProposed, e.PlanChanged, e.PlanChangeDropped)
"""What may follow the end of a run: a person answers when a person has time."""


@on(e.PlanChangeProposed)
def _proposed(state: RunState, event: e.PlanChangeProposed, at: float) -> None:
    if event.change.empty:
        raise IllegalEvent("a proposed change changes something")
    _close(state)
    state.proposed = Proposed(event.source, event.said, event.change)


@on(e.PlanChangeDropped)
def _dropped(state: RunState, event: e.PlanChangeDropped, at: float) -> None:
    if state.proposed is None or state.proposed.source != event.source:  # settled meanwhile
        return
    if event.declined:
        state.declined[event.source] = state.proposed.change
    _close(state)


@on(e.PlanChanged)
def _changed(state: RunState, event: e.PlanChanged, at: float) -> None:
    if state.plan is None or state.proposed is None:
        raise IllegalEvent("no change was proposed")
    change = event.change
    if change.empty or applicable(state, change) != (change, ()):
        raise IllegalEvent("the plan cannot be changed so, as its tasks stand")
    state.plan = with_change(state.plan, change)
    for name in change.dropped:
        task = state.tasks.pop(name)
        state.wishes.pop(name, None)
        withdraw(state, name)
        state.over -= task.status in OVER
    for spec in change.changed:
        task = state.tasks[spec.id]
        was = task.spec
        _told_anew(task, spec)
        if not spec.plan_by or (was.title, was.body, was.files) != (spec.title, spec.body, spec.files):
            approvals.moot(state, task)
    last = max((task.index for task in state.tasks.values()), default=-1)
    for index, spec in enumerate(change.added, last + 1):
        state.tasks[spec.id] = TaskState(spec, index, 0, set())
    for spec in (*change.changed, *change.added):
        state.tasks[spec.id].unmet = {
            name
            for name in spec.after
            if state.tasks[name].status not in (TaskStatus.LANDED, TaskStatus.SKIPPED)
        }
    _rank(state)
    _release(state)
    if state.proposed.source == state.plan_file:
        state.said[state.proposed.source] = state.proposed.said
    state.declined.pop(state.proposed.source, None)
    _close(state)
    if change.added or state.over < len(state.tasks):
        finished_otherwise(state)


def _told_anew(task: TaskState, spec: Task) -> None:
    """A session that goes on would neither hear of the change nor have what is waited for now: another one
    begins, with what was made so far."""
    task.spec = spec
    if task.why == "continued":
        task.why, task.session = "retry", None
        task.evidence = task.evidence or "It was interrupted, and the task was changed since."


def _close(state: RunState) -> None:
    """Nothing is proposed any more, and nobody is asked."""
    if (ask := open_change(state)) is not None:
        del state.asks[ask.message.id]
    state.proposed = None


def _rank(state: RunState) -> None:
    """What waits for what is another graph now, and what can start has other places."""
    assert state.plan is not None, "it was changed just now"
    tasks = state.plan.tasks
    ranks, followers = graph.ranks(tasks), graph.followers(tasks)
    state.dependents = graph.dependents(tasks)
    for name, task in state.tasks.items():
        task.rank, task.followers = ranks[name], followers[name]
    names = [name for _, name in state.startable]
    state.startable.clear()
    for name in names:
        offer(state, state.tasks[name])


def _release(state: RunState) -> None:
    """Let each task that was not begun be held, wait or start by what it waits for now; what it waits for
    comes first."""
    assert state.plan is not None, "it was changed just now"
    for name in graph.order(state.plan.tasks):
        task = state.tasks[name]
        if task.status not in WAITING:
            continue
        waits = (it for it in task.spec.after if it in task.unmet)
        stuck = next((it for it in waits if state.tasks[it].status in STUCK), None)
        if stuck is None and task.status is TaskStatus.HELD:
            unhold(state, task)
        if stuck is not None and task.status is not TaskStatus.HELD:
            withdraw(state, name)
            move(state, task, "hold")
        elif task.unmet and task.status is TaskStatus.READY:
            withdraw(state, name)
            move(state, task, "wait")
        elif not task.unmet and task.status is TaskStatus.PENDING:
            move(state, task, "release")
            offer(state, task)
        if stuck is not None:
            task.reason = f"waits for {stuck}, which {state.tasks[stuck].status.stands}"
