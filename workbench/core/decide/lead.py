"""The lead: when it is called, what it is told, and what becomes of what it leaves."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import pacing
from workbench.core.asking import until
from workbench.core.decide.mail import settled
from workbench.core.decide.proceeding import go_on
from workbench.core.decide.requests import Refused, carries
from workbench.core.decide.table import Actions, after
from workbench.core.decide.to_lead import call, deliver
from workbench.core.leading import forgotten, reminder
from workbench.core.mail import LEAD, PERSON
from workbench.core.requests import Escalate
from workbench.core.state import RunState


@after(e.LeadCalled)
def _lead_called(state: RunState, event: e.LeadCalled) -> Actions:
    return settled(state) or go_on(state)


@after(e.LeadStarted)
def _lead_started(state: RunState, event: e.LeadStarted) -> Actions:
    """A session that was cut off knows what it was asked, and would not go on by itself."""
    return _remind(state) or deliver(state)


@after(e.LeadTold)
def _lead_told(state: RunState, event: e.LeadTold) -> Actions:
    return deliver(state)


@after(e.LeadTurnEnded)
def _lead_turn_ended(state: RunState, event: e.LeadTurnEnded) -> Actions:
    if not event.live:
        return []  # LeadEnded follows
    return _warned(state) + (settled(state) or _remind(state))


@after(e.LeadEnded)
def _lead_ended(state: RunState, event: e.LeadEnded) -> Actions:
    if not event.interrupted:
        return _warned(state) + (call(state) or settled(state) or go_on(state))
    steps = settled(state) or go_on(state)  # it was asked to end, most likely because all is over
    ends = any(isinstance(it, a.Declare) and isinstance(it.event, e.RunFinished) for it in steps)
    return steps if ends else call(state) or steps


def _remind(state: RunState) -> Actions:
    """Say once more what waits for it, if its turn is over and it did not answer."""
    lead = state.lead
    asks = [ask for ask in forgotten(state) if ask.message.id not in lead.reminded]
    if not asks or not lead.ready or lead.told:
        return []
    return [a.TellLead("waits", reminder(asks), reminds=tuple(ask.message.id for ask in asks))]


def _warned(state: RunState) -> Actions:
    budget = state.settings.budget_usd
    if budget is None or "" in state.pace.warned or state.cost_usd < pacing.WARN_AT * budget:
        return []
    return [a.Declare(e.BudgetWarned(spent_usd=round(state.cost_usd, 4), budget_usd=budget))]


@carries(Escalate)
def _escalate(state: RunState, event: e.RequestMade, request: Escalate) -> Actions:
    ask = state.asks.get(request.message)
    if event.by != LEAD:
        raise Refused("Only the lead escalates.", f"`workbench answer {request.message}` answers.")
    if ask is None:
        raise Refused(f"{request.message!r} is not open.", "Write to `person` if there is something to say.")
    if ask.to != LEAD:
        raise Refused(f"{request.message} waits for {ask.to} already.")
    waits = until(state, ask.message.kind, PERSON)
    passed = e.AskPassedOn(message=request.message, to=PERSON, until=waits, why=request.why)
    return [a.Declare(passed)]
