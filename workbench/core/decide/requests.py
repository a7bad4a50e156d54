"""What people ask for: carried out at once, or refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.decide.table import Actions, after
from workbench.core.mail import ALL, LEAD, PERSON, MessageKind
from workbench.core.mailing import Draft, members, message
from workbench.core.models import Value
from workbench.core.requests import Answer, Escalate, Request, RequestShutdown, Stop, Write
from workbench.core.state import RunState

R = TypeVar("R", bound=Value)
Carrier = Callable[[RunState, e.RequestMade, Any], Actions]
CARRIERS: dict[type[Value], Carrier] = {}
"""What each kind of request calls for."""

LEAD_MAY: set[type[Value]] = {Write, Answer, Escalate, RequestShutdown}
"""What the lead may ask for; everything else is a person's alone."""


class Refused(Exception):
    """Nothing comes of a request: a sentence, and a hint."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def carries(
    kind: type[R],
) -> Callable[[Callable[[RunState, e.RequestMade, R], Actions]], Callable[..., Actions]]:
    """Register what carries out a kind of request; it may raise ``Refused``."""

    def register(carrier: Callable[[RunState, e.RequestMade, R], Actions]) -> Callable[..., Actions]:
        CARRIERS[kind] = carrier
        return carrier

    return register


def refusal(state: RunState, request: Request, by: str) -> Refused | None:
    """Why nothing would come of a request as things stand; None when something would."""
    try:
        CARRIERS[type(request)](state, e.RequestMade(id="", by=by, request=request), request)
    except Refused as refused:
        return refused
    return None


@after(e.RequestMade)
def _request_made(state: RunState, event: e.RequestMade) -> Actions:
    try:
        if event.by == LEAD and type(event.request) not in LEAD_MAY:
            raise Refused("The lead may not ask for that: it answers, writes and escalates.")
        return CARRIERS[type(event.request)](state, event, event.request)
    except Refused as refused:
        return [a.Declare(e.RequestRefused(id=event.id, reason=str(refused), hint=refused.hint))]


def send(state: RunState, draft: Draft) -> Actions:
    """Send a message. One at a time: its id is the next one's now."""
    return [a.Declare(e.MessageSent(message=message(state, draft)))]


@carries(Write)
def _write(state: RunState, event: e.RequestMade, request: Write) -> Actions:
    if request.to not in (*members(state), LEAD, PERSON, ALL):
        raise Refused(
            f"There is nobody called {request.to!r} in this run.",
            f"There are {', '.join((*members(state), *((LEAD,) if state.settings.lead else ())))} and all.",
        )
    if request.to == LEAD and not state.settings.lead:
        raise Refused("This run has no lead.", "Start it with `--lead claude`, or write to a teammate.")
    if request.to == event.by:
        raise Refused("A message to oneself reaches nobody.")
    if request.reply_to and request.reply_to not in state.mail:
        raise Refused(f"There is no message {request.reply_to!r}.", "`workbench inbox --all` lists them.")
    return send(state, Draft(MessageKind.MESSAGE, event.by, request.to, request.text, request.reply_to))


@carries(Answer)
def _answer(state: RunState, event: e.RequestMade, request: Answer) -> Actions:
    ask = state.asks.get(request.message)
    if ask is None:
        known = request.message in state.mail
        how = "has its answer already, or needs none" if known else "is not there"
        raise Refused(f"Message {request.message!r} {how}.", "`workbench inbox` lists what is open.")
    asked = ask.message
    if event.by == asked.sender:
        raise Refused("Nobody answers their own question.")
    if asked.kind is MessageKind.SHUTDOWN:
        hint = f"`workbench team remove {ask.to} --now` ends it without asking."
        raise Refused(f"Only {ask.to} can answer {asked.id}.", hint)
    if event.by == LEAD and (ask.to != LEAD or asked.kind is MessageKind.PERMISSION):
        who = "a person" if asked.kind is MessageKind.PERMISSION or ask.to == PERSON else ask.to
        raise Refused(f"{asked.id} is for {who} to answer, not for the lead.")
    if asked.kind is MessageKind.QUESTION and not request.text.strip():
        raise Refused("An answer to a question says something.")
    if asked.kind is not MessageKind.QUESTION and not request.decision:
        raise Refused(f"{asked.id} wants a yes or a no.", f'workbench answer {asked.id} yes (or: no "why")')
    draft = Draft(
        MessageKind.ANSWER, event.by, asked.sender, request.text, reply_to=asked.id, decision=request.decision
    )
    return send(state, draft)


@carries(Stop)
def _stop(state: RunState, event: e.RequestMade, request: Stop) -> Actions:
    if state.finished or state.stopping:
        raise Refused("The run is not going on.", "`workbench status` says where it stands.")
    return [a.Declare(e.StopRequested(reason="asked to with `workbench stop`"))]
