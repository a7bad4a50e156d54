"""Which tasks of a plan can be at work at once, and may then touch the same files."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core import graph
from workbench.core.globs import effort, fixed, overlap
from workbench.core.models import Plan, Task

LOOKED_AT = 2_000_000
EFFORT = 5_000_000
MOST_MEETINGS = 500
"""Pairs of globs that are looked at, steps of comparing them, and pairs of tasks that are found at most:
plans can be large, and globs hostile."""


class Order:
    """Which tasks wait for which others, however indirectly."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._place = {task.id: number for number, task in enumerate(tasks)}
        by_id = {task.id: task for task in tasks}
        self._before: dict[str, int] = {}
        for id_ in graph.order(tasks):
            bits = 0
            for earlier in by_id[id_].after:
                if earlier in self._before:
                    bits |= self._before[earlier] | 1 << self._place[earlier]
            self._before[id_] = bits

    def waits(self, later: str, earlier: str) -> bool:
        """Whether ``later`` starts only when ``earlier`` has landed."""
        return bool(self._before[later] >> self._place[earlier] & 1)

    def apart(self, one: str, other: str) -> bool:
        """Whether the two can be at work at once."""
        return not (self.waits(one, other) or self.waits(other, one))


def meetings(plan: Plan, order: Order | None = None) -> dict[tuple[str, str], tuple[str, str]]:
    """Pairs of tasks that can be at work at once and may touch the same file, by a glob of each."""
    order = order or Order(plan.tasks)
    globs = sorted(
        (fixed(glob), number, glob) for number, task in enumerate(plan.tasks) for glob in task.files
    )
    met: dict[tuple[str, str], tuple[str, str]] = {}
    looks, left = LOOKED_AT, EFFORT
    for at, (start, number, glob) in enumerate(globs):
        for other_start, other_number, other_glob in globs[at + 1 :]:
            looks -= 1
            if not other_start.startswith(start):
                break
            if looks < 0 or left < 0 or len(met) == MOST_MEETINGS:
                return met
            one, other = sorted((number, other_number))
            ids = plan.tasks[one].id, plan.tasks[other].id
            if one == other or ids in met or not order.apart(*ids):
                continue
            left -= effort(glob, other_glob)
            if overlap(glob, other_glob):
                met[ids] = (glob, other_glob) if number == one else (other_glob, glob)
    return met
