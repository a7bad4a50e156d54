"""What follows from what the team says: who is told, who waits for whom, and what nobody answers."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.decide import changes
from workbench.core.decide.proceeding import go_on, wake
from workbench.core.decide.table import Actions, after
from workbench.core.mail import LEAD, PERSON, WORKBENCH, MessageKind
from workbench.core.mailing import (
    CIRCLE,
    NOBODY,
    NOT_AT_WORK,
    Draft,
    answer_by_workbench,
    circle,
    is_overdue,
    message,
    next_letter,
    recipients,
    refusal,
    words,
    working,
)
from workbench.core.models import MarkerKind
from workbench.core.state import Ask, AttemptState, Phase, RunState


def said(state: RunState, event: e.MarkerReceived) -> Actions:
    """A teammate's marker as a message, if it is one: it is sent, or refused."""
    attempt = state.attempt(event.task, event.attempt)
    match event.kind:
        case MarkerKind.MESSAGE:
            return _sent_by(state, attempt, MessageKind.MESSAGE, event.to, event)
        case MarkerKind.QUESTION:
            return _sent_by(state, attempt, MessageKind.QUESTION, event.to or _in_charge(state), event)
        case MarkerKind.ANSWER:
            return _answered_by(state, attempt, event)
        case _:
            return []


def _in_charge(state: RunState) -> str:
    return LEAD if state.settings.lead else PERSON


def _sent_by(
    state: RunState, attempt: AttemptState, kind: MessageKind, to: str, event: e.MarkerReceived
) -> Actions:
    if to == LEAD and not state.settings.lead:  # who leads there is the person
        to = PERSON
    if reason := refusal(state, attempt, to):
        return [a.Declare(_refused(attempt, to, reason))]
    draft = Draft(
        kind,
        attempt.teammate,
        to,
        event.note,
        reply_to=event.reply_to if event.reply_to in state.mail else "",
        task=attempt.task,
        attempt=attempt.number,
        until=_until(state, to) if kind is MessageKind.QUESTION else None,
    )
    return [a.Declare(e.MessageSent(message=message(state, draft)))]


def _refused(attempt: AttemptState, to: str, reason: str) -> e.MessageRefused:
    return e.MessageRefused(task=attempt.task, attempt=attempt.number, to=to, reason=reason)


def _until(state: RunState, to: str) -> float | None:
    """When who asks ``to`` goes on without an answer; None for never, or where it is decided at once."""
    if to == PERSON and state.settings.on_question != "ask":
        return None
    return state.at + state.settings.answer_seconds


def _answered_by(state: RunState, attempt: AttemptState, event: e.MarkerReceived) -> Actions:
    asked = state.mail.get(event.reply_to)
    if asked is None or attempt.teammate not in recipients(state, asked.sender, asked.to):
        reason = f"no message {event.reply_to!r} was written to you"
        return [a.Declare(_refused(attempt, event.reply_to, reason))]
    if asked.sender == WORKBENCH:
        return [a.Declare(_refused(attempt, WORKBENCH, "what workbench says itself wants no answer"))]
    draft = Draft(
        MessageKind.ANSWER,
        attempt.teammate,
        asked.sender,
        event.note,
        reply_to=asked.id,
        decision=event.decision,
        task=attempt.task,
        attempt=attempt.number,
    )
    return [a.Declare(e.MessageSent(message=message(state, draft)))]


@after(e.MessageSent)
def _message_sent(state: RunState, event: e.MessageSent) -> Actions:
    if (change := changes.answered(state, event.message)) or state.finished:
        return change
    told: Actions = []
    for name in recipients(state, event.message.sender, event.message.to):
        attempt = working(state, name)
        told += deliver(state, attempt) if attempt is not None else []
    if event.message.kind is MessageKind.ANSWER:
        return told + (settled(state) or go_on(state))
    return told + (settled(state) or wake(state)) if event.message.asks else told


@after(e.AskPassedOn)
def _ask_passed_on(state: RunState, event: e.AskPassedOn) -> Actions:
    return settled(state) or wake(state)


def settled(state: RunState) -> Actions:
    """Settle the first open question that nobody will answer, or not in time: what the lead was asked goes to
    the person, the rest is answered by workbench. The event that comes of it asks for the next one."""
    for ask in state.asks.values():
        if ask.message.kind is not MessageKind.QUESTION:
            continue
        if ask.to == LEAD and is_overdue(state, ask):
            passed = e.AskPassedOn(message=ask.message.id, to=PERSON, until=_until(state, PERSON))
            return [a.Declare(passed)]
        if text := _in_place(state, ask):
            return [a.Declare(e.MessageSent(message=message(state, answer_by_workbench(ask.message, text))))]
    return []


def _in_place(state: RunState, ask: Ask) -> str:
    """What workbench says in place of who was asked; "" while an answer may come."""
    if ask.to == PERSON and state.settings.on_question == "proceed":
        return NOBODY
    if ask.to in state.teammates and working(state, ask.to) is None:
        return NOT_AT_WORK.format(name=ask.to)
    if is_overdue(state, ask):
        return NOBODY
    waits = circle(state, ask)
    return CIRCLE.format(circle=", ".join((*waits, waits[0]))) if waits else ""


def wait(state: RunState, attempt: AttemptState) -> Actions:
    """A teammate's turn is over because it waits for an answer. Where that may take a person's time, its
    work is kept and it goes on when the answer is there."""
    if state.settings.on_question == "hold" and any(
        ask.to == PERSON and ask.message.task == attempt.task for ask in state.asks.values()
    ):
        return [a.EndAttempt(attempt.task, attempt.number, interrupt=True)]
    return deliver(state, attempt) or wake(state)


def deliver(state: RunState, attempt: AttemptState) -> Actions:
    """Put the first unread message into a session that listens; the rest follow one by one."""
    letter = next_letter(state, attempt)
    if letter is None:
        return []
    kind = "answer" if letter.kind is MessageKind.ANSWER else "message"
    return [a.Tell(attempt.task, attempt.number, kind, words(state, letter), letter.id)]


@after(e.MessageRefused)
def _message_refused(state: RunState, event: e.MessageRefused) -> Actions:
    attempt = state.attempts.get((event.task, event.attempt))
    if attempt is None or attempt.phase is not Phase.WORKING:
        return []
    return [a.Tell(event.task, event.attempt, "refused", {"to": event.to, "reason": event.reason})]
