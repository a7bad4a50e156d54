"""Messages, what they ask, and requests."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply import approvals, held
from workbench.core.apply.table import on
from workbench.core.mail import LEAD, PERSON, WORKBENCH, Message, MessageKind
from workbench.core.mailing import asked_by, cost, in_the_tool, recipients, working
from workbench.core.pace import Hold
from workbench.core.requests import RequestJoin
from workbench.core.state import Ask, AttemptState, Phase, RunState
from workbench.errors import IllegalEvent

EVENTS = (e.RequestMade, e.RequestRefused, e.MessageSent)
"""What may follow the end of a run: a person answers when a person has time."""


@on(e.MessageSent)
def _message_sent(state: RunState, event: e.MessageSent, at: float) -> None:
    message = event.message
    if message.id != f"m{len(state.mail) + 1}":
        raise IllegalEvent(f"message {message.id!r} cannot follow {len(state.mail)} others")
    boxes = recipients(state, message.sender, message.to)
    known = state.teammates.keys() | {LEAD, PERSON, WORKBENCH}
    if unknown := [name for name in boxes if name not in known]:
        raise IllegalEvent(f"there is no mailbox of {unknown[0]!r}")
    attempt = state.attempt(message.task, message.attempt) if message.task else None
    asked = state.mail.get(message.reply_to)
    state.mail[message.id] = message
    if attempt is not None and message.to not in (LEAD, PERSON):
        attempt.sent += cost(state, message.sender, message.to)
    if in_the_tool(state, message):
        boxes = ()
    for name in boxes:
        if name in state.teammates:
            state.teammates[name].unread.append(message.id)
        elif name == LEAD and state.settings.lead:
            state.for_lead.append(message.id)
    if message.asks and attempt is not None and _gives_up(state, message, message.to):
        _give_up(attempt, message)
    elif message.asks:
        state.asks[message.id] = Ask(message, message.to, _hold(at, message.until))
        approvals.submitted(message, attempt)
        approvals.note_wait(state, attempt)
    elif message.kind is MessageKind.ANSWER and state.asks.pop(message.reply_to, None) is not None:
        state.answers[message.reply_to] = message.id
        assert asked is not None, "what was open is in the mail"
        approvals.answered(state, asked, message)
        held.answered(state, asked, message)
        approvals.note_wait(state, state.working.get((asked.task, asked.attempt)))


def _hold(at: float, until: float | None) -> Hold | None:
    return Hold(at, until) if until is not None else None


def _gives_up(state: RunState, message: Message, to: str) -> bool:
    """Whether a task is given up because it has a question for a person."""
    return message.kind is MessageKind.QUESTION and to == PERSON and state.settings.on_question == "fail"


def _give_up(attempt: AttemptState, question: Message) -> None:
    block(attempt, f"asked, and nobody was there to answer: {question.text}")


def block(attempt: AttemptState, reason: str) -> None:
    """Its teammate cannot go on. Said while its work is being judged, git and the gates tell what is true."""
    if attempt.done and attempt.phase is not Phase.WORKING:
        attempt.doubt = reason
    else:
        attempt.blocked = reason


@on(e.AskPassedOn)
def _ask_passed_on(state: RunState, event: e.AskPassedOn, at: float) -> None:
    ask = state.asks.get(event.message)
    if ask is None:
        raise IllegalEvent(f"message {event.message!r} waits for no answer")
    ask.to, ask.hold, ask.why = event.to, _hold(at, event.until), event.why
    message = ask.message
    approvals.note_wait(state, state.working.get((message.task, message.attempt)))
    if message.task and _gives_up(state, message, event.to):
        del state.asks[event.message]
        live = working(state, message.sender)  # it may have been interrupted since, and go on
        if live is None or live.task != message.task:
            live = state.attempt(message.task, message.attempt)
        _give_up(live, message)
        if live.waiting:
            live.waiting, live.stranded = False, True
            withdraw_asks(state, live)


@on(e.MessagesRead)
def _messages_read(state: RunState, event: e.MessagesRead, at: float) -> None:
    attempt = state.attempt(event.task, event.attempt)
    read = [name for name in attempt.told if name in event.messages]
    attempt.told = [name for name in attempt.told if name not in read]
    attempt.heard += read


@on(e.RequestMade)
def _request_made(state: RunState, event: e.RequestMade, at: float) -> None:
    if event.id in state.requests:
        raise IllegalEvent(f"request {event.id!r} was taken before")
    state.requests.add(event.id)
    if isinstance(event.request, RequestJoin):
        state.joining[event.id] = event.request


def withdraw_asks(state: RunState, attempt: AttemptState) -> None:
    """What an attempt asked is moot once it is over, unless it goes on when the answer comes."""
    for ask in list(asked_by(state, attempt)):
        given = state.wishes.get(attempt.task, attempt.teammate)
        goes = state.teammates[attempt.teammate].leaving or given != attempt.teammate
        keeps = attempt.interrupted and ask.message.kind is not MessageKind.PERMISSION and not goes
        if not keeps:
            del state.asks[ask.message.id]
