"""The lead: called, told, heard, gone."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core import pacing
from workbench.core.apply.table import on
from workbench.core.lead import MOST_FAILURES, LeadState
from workbench.core.mail import LEAD
from workbench.core.mailing import number
from workbench.core.models import Usage
from workbench.core.pace import Hold
from workbench.core.state import RunState
from workbench.errors import IllegalEvent


@on(e.LeadCalled)
def _lead_called(state: RunState, event: e.LeadCalled, at: float) -> None:
    lead = state.lead
    if not state.settings.lead:
        raise IllegalEvent("this run has no lead")
    if lead.up or event.life != lead.life + 1:
        raise IllegalEvent(f"the lead cannot begin its life {event.life} after {lead.life}")
    lead.life, lead.up, lead.ready = event.life, True, False
    lead.session, lead.later, lead.usage = event.session, None, Usage()
    lead.doing = lead.error = lead.limit = ""
    lead.reminded.clear()  # that was said to a process that is gone
    lead.login, lead.resets_at = False, None


@on(e.LeadStarted)
def _lead_started(state: RunState, event: e.LeadStarted, at: float) -> None:
    lead = _living(state)
    lead.ready = True
    if event.session != lead.session:
        _forget(state)
    lead.session = event.session or lead.session


@on(e.LeadTold)
def _lead_told(state: RunState, event: e.LeadTold, at: float) -> None:
    lead = _living(state)
    lead.reminded.update(event.reminds)
    if event.message and event.message in state.for_lead:
        state.for_lead.remove(event.message)
        lead.told.append(event.message)


@on(e.LeadHeard)
def _lead_heard(state: RunState, event: e.LeadHeard, at: float) -> None:
    lead = _living(state)
    read = [name for name in lead.told if name in event.messages]
    lead.told = [name for name in lead.told if name not in read]
    lead.heard += read
    lead.taken_up += read


@on(e.LeadActed)
def _lead_acted(state: RunState, event: e.LeadActed, at: float) -> None:
    _living(state).doing = f"{event.tool} {event.target}".strip()


@on(e.LeadDenied)
def _lead_denied(state: RunState, event: e.LeadDenied, at: float) -> None:
    _living(state).denied += 1


@on(e.LeadTurnEnded)
def _lead_turn_ended(state: RunState, event: e.LeadTurnEnded, at: float) -> None:
    lead = _living(state)
    lead.ready = lead.ready and event.live
    lead.usage, lead.doing = event.usage, ""
    lead.error, lead.login, lead.limit = event.error, event.login, event.limit
    lead.resets_at = event.resets_at
    lead.session = event.session or lead.session
    if event.live and not event.error:
        lead.failures = 0
        lead.taken_up = []
        if not lead.told:  # what it was reminded of in this turn, it had no other reason to put off
            lead.silent |= {name for name in lead.reminded if name in state.asks}


@on(e.LeadEnded)
def _lead_ended(state: RunState, event: e.LeadEnded, at: float) -> None:
    lead = _living(state)
    lead.up = lead.ready = False
    lead.session = event.session or lead.session
    lead.spent, state.spent = lead.spent + event.usage, state.spent + event.usage
    lead.usage, lead.doing = Usage(), ""
    state.for_lead, lead.told = _in_order([*state.for_lead, *_cut_off(state), *lead.told]), []
    if not event.interrupted:
        _failed(state, at)


def _living(state: RunState) -> LeadState:
    if not state.lead.up:
        raise IllegalEvent("the lead is not there")
    return state.lead


def _forget(state: RunState) -> None:
    """A new session knows nothing: it is told again of what still waits for the lead's answer."""
    lead = state.lead
    known = [name for name in lead.heard if name in state.asks and state.asks[name].to == LEAD]
    state.for_lead = _in_order([*state.for_lead, *known])
    lead.heard = []
    lead.reminded.clear()
    lead.silent.clear()


def _cut_off(state: RunState) -> list[str]:
    """What it heard in a turn that was not ended, to be told again: it did nothing about it, or not all. Of
    what waits for its answer it is reminded."""
    lead = state.lead
    cut_off = [name for name in lead.taken_up if not state.mail[name].asks]
    lead.heard = [name for name in lead.heard if name not in cut_off]
    lead.taken_up = []
    return cut_off


def _failed(state: RunState, at: float) -> None:
    lead = state.lead
    reason = lead.error or "the lead's session ended by itself"
    if lead.limit:  # waiting helps, and who waits for an answer does so only for a while
        known = lead.resets_at is not None and at < lead.resets_at <= at + pacing.LONGEST_RESET
        until = lead.resets_at if known and lead.resets_at is not None else at + pacing.rest(state)
        lead.later = Hold(at, until)
        return
    lead.failures += 1
    if lead.login or lead.failures >= MOST_FAILURES:
        lead.out = reason
        return
    seconds = min(pacing.LONGEST_RETRY, state.settings.retry_seconds * 2.0 ** (lead.failures - 1))
    lead.later = Hold(at, at + seconds)


def _in_order(letters: list[str]) -> list[str]:
    return sorted(set(letters), key=number)
