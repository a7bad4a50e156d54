"""What somebody did to the repository besides the run: kept for the report."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply.table import on
from workbench.core.state import Raised, RunState

EVENTS = (e.RefRestored, e.TamperingFound)
"""What may follow the end of a run."""


@on(e.RefRestored)
def _ref_restored(state: RunState, event: e.RefRestored, at: float) -> None:
    state.alarms.append(Raised(event.as_alarm(), at, event.ref))
    if event.ref == state.integration and state.tip == event.found:
        state.tip = event.put_back  # attempts start from it


@on(e.TamperingFound)
def _tampering_found(state: RunState, event: e.TamperingFound, at: float) -> None:
    state.alarms.append(Raised(event.alarm, at))
