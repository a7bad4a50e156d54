"""What to do next, given the state just after an event. Pure: returns actions, performs none.

Each decider answers one kind of event; ``proceeding`` has what they all ask.
"""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.decide import attempts, landings, notices, pacing, runs
from workbench.core.decide.table import DECIDERS, Actions
from workbench.core.state import RunState

__all__ = ["Actions", "attempts", "decide", "landings", "notices", "pacing", "runs"]


def decide(state: RunState, event: e.Event) -> Actions:
    """Actions that ``event`` calls for, in order; ``state`` already includes it and is not changed."""
    decider = DECIDERS.get(type(event))
    return decider(state, event) if decider is not None and not state.finished else []
