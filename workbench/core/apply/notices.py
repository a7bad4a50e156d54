"""Conflicts foreseen between pieces of work that have not landed."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply.table import on
from workbench.core.state import RunState, TaskStatus
from workbench.errors import IllegalEvent

OPEN = frozenset({TaskStatus.RUNNING, TaskStatus.DELIVERED, TaskStatus.LANDING})


def _pair(state: RunState, one: str, other: str) -> bool:
    """Whether the work of both still counts: what a probe says may be overtaken by a landing."""
    if one == other:
        raise IllegalEvent(f"task {one!r} cannot conflict with itself")
    return OPEN.issuperset((state.task(one).status, state.task(other).status))


@on(e.ConflictForeseen)
def _conflict_foreseen(state: RunState, event: e.ConflictForeseen, at: float) -> None:
    if _pair(state, event.task, event.other):
        state.foreseen.setdefault(event.task, {})[event.other] = event.paths
        state.foreseen.setdefault(event.other, {})[event.task] = event.paths


@on(e.ConflictCleared)
def _conflict_cleared(state: RunState, event: e.ConflictCleared, at: float) -> None:
    _pair(state, event.task, event.other)
    for one, other in ((event.task, event.other), (event.other, event.task)):
        pairs = state.foreseen.get(one, {})
        pairs.pop(other, None)
        if not pairs:
            state.foreseen.pop(one, None)
