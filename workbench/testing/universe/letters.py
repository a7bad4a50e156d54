"""What must hold of messages, by what the teammates really heard."""

from __future__ import annotations

from itertools import pairwise

from workbench.core import events as e
from workbench.core.mail import LEAD, MessageKind
from workbench.core.mailing import in_the_tool, number, recipients
from workbench.core.state import RunState
from workbench.testing.transcripts import Transcripts


def none_is_lost(state: RunState, log: list[e.Record], transcripts: Transcripts) -> None:
    """Each message reached whom it is for, or waits in the mailbox; nobody else, no session twice, and none
    before an earlier one."""
    by_session: dict[str, list[str]] = {}
    reached: set[tuple[str, str]] = set()
    for it in transcripts.heard:
        message = state.mail[it.message]
        assert it.teammate in recipients(state, message.sender, message.to), f"{it} was for {message.to}"
        by_session.setdefault(it.session, []).append(it.message)
        reached.add((it.teammate, it.message))
    for session, heard in by_session.items():
        assert len(set(heard)) == len(heard), f"{session} heard a message twice: {heard}"
        order = [number(name) for name in heard]
        assert all(one < other for one, other in pairwise(order)), f"{session} heard out of order: {heard}"
    for message in state.mail.values():
        boxes = () if in_the_tool(state, message) else recipients(state, message.sender, message.to)
        for name in boxes:
            mate = state.teammates.get(name)
            if mate is not None:
                there = message.id in mate.unread or (name, message.id) in reached
                assert there, f"{message.id} never reached {name}"
    _answered(state)
    _requests(log)
    _led(state, log)


def _answered(state: RunState) -> None:
    if state.outcome == "landed":
        left = [name for name, ask in state.asks.items() if ask.message.kind is not MessageKind.CHANGE]
        assert not left, f"asked, and never answered: {left}"
    for asked, answer in state.answers.items():
        assert state.mail[answer].reply_to == asked


def _requests(log: list[e.Record]) -> None:
    made = [record.event.id for record in log if isinstance(record.event, e.RequestMade)]
    assert len(set(made)) == len(made), "a request was taken twice"


def _led(state: RunState, log: list[e.Record]) -> None:
    """The lead has one session at a time, every one of which ends, and asks for no more than it may."""
    lives = [record.event for record in log if isinstance(record.event, e.LeadCalled | e.LeadEnded)]
    for place, event in enumerate(lives):
        assert isinstance(event, e.LeadEnded) == bool(place % 2), "two leads at once"
    assert not state.lead.up, "the lead outlived the run"
    spent = sum(event.usage.cost_usd for event in lives if isinstance(event, e.LeadEnded))
    assert abs(spent - state.lead.spent.cost_usd) < 1e-6
    for one, after in pairwise(log):
        if isinstance(one.event, e.RequestMade) and one.event.by == LEAD:
            allowed = (e.MessageSent, e.RequestRefused, e.AskPassedOn)
            assert isinstance(after.event, allowed), f"the lead caused {after.type}"
            assert not isinstance(after.event, e.MessageSent) or after.event.message.sender == LEAD
