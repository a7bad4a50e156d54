"""What to do next, given the state just after an event. Pure: returns actions, performs none.

Each decider answers one kind of event; ``proceeding`` has what they all ask.
"""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.decide import (
    approvals,
    attempts,
    changes,
    guard,
    landings,
    lead,
    mail,
    notices,
    pacing,
    reassigning,
    requests,
    runs,
    steering,
    team,
)
from workbench.core.decide.table import DECIDERS, Actions
from workbench.core.state import RunState

__all__ = [
    "Actions", "approvals", "attempts", "changes", "decide", "guard", "landings", "lead", "mail", "notices",
    "pacing", "reassigning", "requests", "runs", "steering", "team",
]  # fmt: skip


def decide(state: RunState, event: e.Event) -> Actions:
    """Actions that ``event`` calls for, in order; ``state`` already includes it and is not changed. When the
    run is over, only what people ask for calls for anything."""
    decider = DECIDERS.get(type(event))
    if decider is None or (state.finished and not isinstance(event, (e.RequestMade, *changes.LATE))):
        return []
    return decider(state, event)
