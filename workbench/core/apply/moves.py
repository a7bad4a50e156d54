"""What several handlers do to tasks and attempts."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

from workbench.core import events as e
from workbench.core import held
from workbench.core.models import Verdict
from workbench.core.state import (
    GREEN,
    OVER,
    AttemptState,
    Phase,
    RunState,
    TaskState,
    TaskStatus,
    move_phase,
    move_task,
)
from workbench.errors import IllegalEvent

FIXUP_FIRST = 0
FRESH = 1


def move(state: RunState, task: TaskState, how: str) -> None:
    """Move a task by the table; IllegalEvent when it may not."""
    status = move_task(task.spec.id, task.status, how)
    state.over += (status in OVER) - (task.status in OVER)
    task.status = status
    if status in (TaskStatus.HELD, TaskStatus.SKIPPED):  # nobody waits for the answer any more
        for asked in [it for it, ask in state.asks.items() if ask.message.task == task.spec.id]:
            del state.asks[asked]
    if task.touches and status is not TaskStatus.DELIVERED:
        held.forget(state, task)
    if status in OVER or how == "start":  # whoever starts has not been told, and its work may be new
        forget_conflicts(state, task.spec.id)


def forget_conflicts(state: RunState, name: str) -> None:
    """Take back what was foreseen for a task."""
    for other in state.foreseen.pop(name, ()):
        pairs = state.foreseen[other]
        del pairs[name]
        if not pairs:
            del state.foreseen[other]


def offer(state: RunState, task: TaskState) -> None:
    """Put a startable task in its place: fix-ups first, then priority, then what most has to follow: in the
    longest chain, and of such the one for which most others wait."""
    group = FRESH if task.why == "first" else FIXUP_FIRST
    place = (group, -task.spec.priority, -task.rank, -task.followers, task.index)
    bisect.insort(state.startable, (place, task.spec.id))


def unhold(state: RunState, task: TaskState) -> None:
    """What it was held for is out of the way: it waits like any other."""
    move(state, task, "unhold")
    task.reason = ""
    if task.commit is not None:  # it was delivered before what it waits for was undone
        task.why, task.carry = "retry", task.commit


def withdraw(state: RunState, task: str) -> None:
    state.startable[:] = [entry for entry in state.startable if entry[1] != task]


def give_up(state: RunState, task: TaskState, reason: str) -> None:
    """Hold every task that can no longer start, each with the name of what it waits for."""
    task.reason = reason
    waiting = [task]
    while waiting:
        done_for = waiting.pop()
        for name in state.dependents.get(done_for.spec.id, ()):
            dependent = state.tasks[name]
            if dependent.status is TaskStatus.PENDING:
                move(state, dependent, "hold")
                dependent.reason = f"waits for {done_for.spec.id}, which {done_for.status.stands}"
                waiting.append(dependent)


def refuted(state: RunState, verdicts: Iterable[Verdict]) -> Iterable[Verdict]:
    """Red verdicts that stood until now against one of ``verdicts``, which is green: flakes, less what a
    quarantine excuses in the green run, for that failed again."""
    for verdict in verdicts:
        before = state.verdicts.get((verdict.tree, verdict.gate, verdict.environment))
        if verdict.green and before is not None and not before.green:
            failing = tuple(test for test in before.failing if test not in verdict.quarantined)
            yield before.model_copy(update={"failing": failing})


def confirmed(state: RunState, verdicts: Iterable[Verdict]) -> Iterable[Verdict]:
    """Those of ``verdicts`` that are red and were red before."""
    for verdict in verdicts:
        before = state.verdicts.get((verdict.tree, verdict.gate, verdict.environment))
        if not verdict.green and before is not None and not before.green:
            yield verdict


def learn(state: RunState, verdicts: Iterable[Verdict]) -> None:
    for verdict in verdicts:
        # Nobody asks for the output of a green gate, and this is kept for the whole run.
        known = GREEN if verdict.green else verdict
        state.verdicts[verdict.tree, verdict.gate, verdict.environment] = known
        state.runs_of[verdict.gate] = state.runs_of.get(verdict.gate, 0) + 1
        for test in verdict.quarantined:
            state.excused[verdict.gate, test] = state.excused.get((verdict.gate, test), 0) + 1
        state.gate_runs += 1
        state.gate_seconds += verdict.seconds


def live_attempt(state: RunState, event: e.AttemptEvent) -> AttemptState:
    attempt = state.attempt(event.task, event.attempt)
    if attempt.phase is Phase.ENDED:
        raise IllegalEvent(
            f"{type(event).__name__} for attempt {event.attempt} at {event.task!r}, which has ended"
        )
    return attempt


def close_attempt(state: RunState, event: e.AttemptEvent, outcome: str) -> AttemptState:
    attempt = live_attempt(state, event)
    attempt.phase = move_phase(event.task, event.attempt, attempt.phase, "close")
    attempt.outcome = outcome
    return attempt
