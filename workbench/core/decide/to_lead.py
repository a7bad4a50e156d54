"""Two questions that come up again and again: is the lead to be called, and what is it told next."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core.decide.table import Actions
from workbench.core.leading import letter, wanted
from workbench.core.state import RunState


def call(state: RunState) -> Actions:
    """Start the lead where it is wanted and not there. What else is to be done follows its LeadCalled."""
    lead = state.lead
    if lead.up or not state.led or not state.base_green or state.stopping or state.finished:
        return []
    if (lead.later is not None and lead.later.holds(state.at)) or not wanted(state):
        return []
    return [a.CallLead(lead.life + 1, lead.session)]


def deliver(state: RunState) -> Actions:
    """Put the first message that the lead was not given into its session; the rest follow one by one."""
    if not state.lead.ready or not state.for_lead:
        return []
    message = state.mail[state.for_lead[0]]
    return [a.TellLead("letter", letter(state, message), message=message.id)]
