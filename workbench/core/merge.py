"""Queue policy: which delivered task is merged next, and who stands on the other side of a conflict.

Pure, and it only proposes: verdicts on trees belong to the engine's loop. Dependency order needs no
rule here, because a task starts only when what it waits for has landed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from functools import partial

from workbench.core.actions import Candidate, Side
from workbench.core.state import Landed, RunState, Step

FIRST_BATCH = 4
"""How many tasks the first batch of a run may hold: most work that is green alone is green together."""


def next_batch(state: RunState) -> tuple[str, ...]:
    """The delivered tasks to land next, in order: higher priority first, then the one that unblocks the
    longest chain, then the one whose conflict took fewer rungs so far, then the one that fewest conflicts
    are foreseen for, then the one delivered first; as many as the batch size allows now. Empty when the
    queue is, or while a landing is under way. What waits for a person's word is left out."""
    if state.landing is not None or not state.queue:
        return ()
    free = (name for name in state.queue if not state.tasks[name].touches)
    return tuple(heapq.nsmallest(state.batch, free, key=partial(_place, state)))


def queued(state: RunState) -> list[str]:
    """All delivered tasks that are in no landing, in the order of ``next_batch`` as things stand."""
    return sorted(state.queue, key=partial(_place, state))


def _place(state: RunState, name: str) -> tuple[float, ...]:
    task = state.tasks[name]
    foreseen = len(state.foreseen.get(name, ()))
    return (-task.spec.priority, -task.rank, len(task.thrown), foreseen, state.queue[name], task.index)


def candidate(state: RunState, step: Step) -> Candidate:
    """A merge of the landing under way, as it is published."""
    attempt = state.task(step.task).delivered_by
    return Candidate(step.task, attempt, step.parent, step.commit, step.tree, step.files, step.resolved)


def larger(state: RunState) -> int:
    """The batch size after a batch that was green."""
    return min(state.settings.batch, state.batch + 1)


def smaller(state: RunState) -> int:
    """The batch size after one that was red."""
    return max(1, state.batch // 2)


def others_in(state: RunState, task: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Tasks that landed in ``paths`` after the work on ``task`` began: the other side of its conflict.
    All that landed meanwhile when none of them touched ``paths``."""
    touched = frozenset(paths)
    meanwhile = landed_since(state, state.attempt(task, state.task(task).delivered_by).start)
    among = tuple(landing.task for landing in meanwhile if touched.intersection(landing.files))
    return among or tuple(landing.task for landing in meanwhile)


def landed_since(state: RunState, start: str) -> list[Landed]:
    """Landings after the integration tip was ``start`` that still stand, oldest first."""
    earlier = next((it.after for it in reversed(state.undone) if it.reversal.commit == start), 0)
    since: list[Landed] = []
    for landing in reversed(state.landings[earlier:]):
        if landing.commit == start:
            break
        if not landing.undone:
            since.append(landing)
    since.reverse()
    return since


def sides_of(state: RunState, task: str) -> tuple[Side, ...]:
    """Everything that a rejected task was merged on besides what it was made on, in the order of merging:
    what landed since, and what is about to."""
    start = state.attempt(task, state.task(task).delivered_by).start
    landed = [Side(it.task, it.delivered, it.commit) for it in landed_since(state, start)]
    steps = state.landing.steps if state.landing is not None else []
    return (*landed, *(Side(it.task, state.task(it.task).commit or "", it.commit) for it in steps))
