"""How each event changes the state. Pure, and in place.

``apply`` checks before it writes: an event the tables do not allow raises IllegalEvent and leaves the
state as it was. Folding a log from its first record gives the same state every time.
"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.core import events as e
from workbench.core.apply import (
    approvals,
    attempts,
    changes,
    guard,
    held,
    landings,
    lead,
    mail,
    notes,
    notices,
    pacing,
    provided,
    reassigning,
    runs,
    steering,
    team,
    undo,
)
from workbench.core.apply.table import HANDLERS
from workbench.core.state import RunState
from workbench.errors import IllegalEvent

__all__ = [
    "apply", "approvals", "attempts", "changes", "fold", "guard", "held", "landings", "lead", "mail", "notes",
    "notices", "pacing", "provided", "reassigning", "runs", "steering", "team", "undo",
]  # fmt: skip

LATE: tuple[type[e.Event], ...] = (
    e.RunResumed, *undo.EVENTS, *provided.EVENTS, *guard.EVENTS, *mail.EVENTS, *steering.EVENTS,
    *reassigning.EVENTS, *team.EVENTS, *changes.EVENTS,
)  # fmt: skip
"""What may follow the end of a run."""


def apply(state: RunState, record: e.Record) -> None:
    """Fold one record into ``state``. Raises IllegalEvent, changing nothing, when it may not come now."""
    event = record.event
    if record.seq != state.seq + 1:
        raise IllegalEvent(f"record {record.seq} cannot follow record {state.seq}")
    if state.plan is None and not isinstance(event, e.RunStarted):
        raise IllegalEvent(f"{record.type} before RunStarted")
    if state.finished and not isinstance(event, LATE):
        raise IllegalEvent(f"{record.type} after the run was {state.outcome}")
    handler = HANDLERS.get(type(event))
    if handler is not None:
        handler(state, event, record.at)
    notes.follow(state, event, record.at)
    state.seq, state.at = record.seq, record.at


def fold(records: Iterable[e.Record]) -> RunState:
    """The state after ``records``, from nothing."""
    state = RunState()
    for record in records:
        apply(state, record)
    return state
