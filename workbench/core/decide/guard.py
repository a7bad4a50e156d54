"""A run whose branch somebody keeps moving stops: putting it back again and again would hide a quarrel."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.decide.table import Actions, after
from workbench.core.state import RunState

PATIENCE = 3
"""How often the integration branch is put back before the run stops."""


@after(e.RefRestored)
def _ref_restored(state: RunState, event: e.RefRestored) -> Actions:
    if event.ref != state.integration or state.stopping:
        return []
    again = [it for it in state.alarms if it.restored == event.ref and it.at >= state.resumed_at]
    if len(again) < PATIENCE:
        return []
    reason = (
        f"the integration branch was moved by somebody else {len(again)} times, and put back each time; "
        f"`workbench report {state.run}` lists them; find out who moves it, then resume"
    )
    return [a.Declare(e.StopRequested(reason=reason))]
