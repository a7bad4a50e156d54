"""The run itself: begun, resumed, stopped."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.decide.attempts import flakes
from workbench.core.decide.mail import settled
from workbench.core.decide.proceeding import finish, go_on
from workbench.core.decide.table import Actions, after
from workbench.core.decide.to_lead import call
from workbench.core.state import RunState


@after(e.RunStarted)
def _run_started(state: RunState, event: e.RunStarted) -> Actions:
    return [a.CheckBase()]


@after(e.RunResumed)
def _run_resumed(state: RunState, event: e.RunResumed) -> Actions:
    if not state.base_green:
        return [a.CheckBase()]
    return call(state) or settled(state) or go_on(state)


@after(e.BaseChecked)
def _base_checked(state: RunState, event: e.BaseChecked) -> Actions:
    seen = flakes("", state.base_flakes)
    if state.base_green:
        return seen + (call(state) or go_on(state))
    if not state.base_red_twice:  # one red run of a gate proves nothing
        return [*seen, a.CheckBase()]
    red = next(verdict for verdict in event.verdicts if not verdict.green)
    reason = f"the gate `{red.gate}` is red on the base {state.base[:10]}, before anything started"
    return [*seen, a.Declare(e.RunFinished(outcome="refused", reason=reason))]


@after(e.StopRequested)
def _stop_requested(state: RunState, event: e.StopRequested) -> Actions:
    if state.stops > 1:
        return []
    stops: Actions = [a.EndAttempt(key[0], key[1], interrupt=True) for key in state.working]
    if state.landing is not None:
        stops.append(a.DropLanding())
    if state.lead.up:
        stops.append(a.EndLead())
    return stops or finish(state)
