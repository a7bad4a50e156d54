"""Queue policy: which delivered task is merged next, and who stands on the other side of a conflict.

Pure, and it only proposes: verdicts on trees belong to the engine's loop. Dependency order needs no
rule here, because a task starts only when what it waits for has landed.
"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.core.state import Landed, RunState


def next_in_queue(state: RunState) -> str | None:
    """The delivered task to land next: higher priority first, then the one that unblocks the longest
    chain, then the one delivered first. None when the queue is empty or a landing is under way."""
    if state.landing is not None or not state.queue:
        return None

    def place(name: str) -> tuple[float, ...]:
        task = state.tasks[name]
        return (-task.spec.priority, -task.rank, state.queue[name], task.index)

    return min(state.queue, key=place)


def others_in(state: RunState, task: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Tasks that landed in ``paths`` after the work on ``task`` began: the other side of its conflict.
    All that landed meanwhile when none of them touched ``paths``."""
    touched = frozenset(paths)
    meanwhile = landed_since(state, state.attempt(task, state.task(task).delivered_by).start)
    among = tuple(landing.task for landing in meanwhile if touched.intersection(landing.files))
    return among or tuple(landing.task for landing in meanwhile)


def landed_since(state: RunState, start: str) -> list[Landed]:
    """Landings after the integration tip was ``start``, oldest first."""
    since: list[Landed] = []
    for landing in reversed(state.landings):
        if landing.commit == start:
            break
        since.append(landing)
    since.reverse()
    return since
