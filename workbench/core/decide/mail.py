"""What follows from what the team says: who is told, who waits for whom, and what nobody answers."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.approvals import approver, fault, objection
from workbench.core.asking import Policy, holds, policy, until
from workbench.core.decide import changes, to_lead
from workbench.core.decide.approvals import held, ruled
from workbench.core.decide.leaving import followed, lapsed
from workbench.core.decide.proceeding import go_on, may_start, wake
from workbench.core.decide.requests import send
from workbench.core.decide.table import Actions, after
from workbench.core.mail import LEAD, PERSON, WORKBENCH, Message, MessageKind
from workbench.core.mailing import (
    CIRCLE,
    NOT_AT_WORK,
    Draft,
    Waits,
    answer_by_workbench,
    exhausted,
    held_for,
    is_overdue,
    next_letter,
    recipients,
    refusal,
    words,
    working,
)
from workbench.core.models import MarkerKind
from workbench.core.state import Ask, AttemptState, Phase, RunState, TaskStatus


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
        case MarkerKind.PLAN:
            return _plan_of(state, attempt, event)
        case _:
            return []


def _in_charge(state: RunState) -> str:
    return LEAD if state.led else PERSON


def _sent_by(
    state: RunState, attempt: AttemptState, kind: MessageKind, to: str, event: e.MarkerReceived
) -> Actions:
    if to == LEAD and not state.led:  # who leads there is the person
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
        until=until(state, kind, to) if kind is MessageKind.QUESTION else None,
    )
    return send(state, draft)


def _refused(attempt: AttemptState, to: str, reason: str) -> e.MessageRefused:
    return e.MessageRefused(task=attempt.task, attempt=attempt.number, to=to, reason=reason)


def _plan_of(state: RunState, attempt: AttemptState, event: e.MarkerReceived) -> Actions:
    to = approver(state, state.task(attempt.task))
    if reason := objection(state, attempt):
        return [a.Declare(_refused(attempt, to, reason))]
    draft = Draft(
        MessageKind.PLAN,
        attempt.teammate,
        to,
        event.note,
        task=attempt.task,
        attempt=attempt.number,
        until=until(state, MessageKind.PLAN, to),
    )
    return send(state, draft)


def _answered_by(state: RunState, attempt: AttemptState, event: e.MarkerReceived) -> Actions:
    asked = state.mail.get(event.reply_to)
    if asked is None or attempt.teammate not in recipients(state, asked.sender, asked.to):
        reason = f"no message {event.reply_to!r} was written to you"
        return [a.Declare(_refused(attempt, event.reply_to, reason))]
    if asked.kind is MessageKind.SHUTDOWN and not event.decision:
        reason = f"{asked.id} wants a yes or a no, as the decision of your answer"
        return [a.Declare(_refused(attempt, event.reply_to, reason))]
    if asked.sender == WORKBENCH:
        return [a.Declare(_refused(attempt, WORKBENCH, "what workbench says itself wants no answer"))]
    # Who is waited for may always answer. All else is talk, and two could answer each other for ever.
    if asked.id not in state.asks and (reason := exhausted(state, attempt, asked.sender)):
        return [a.Declare(_refused(attempt, asked.sender, reason))]
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
    return send(state, draft)


@after(e.MessageSent)
def _message_sent(state: RunState, event: e.MessageSent) -> Actions:
    if (change := changes.answered(state, event.message)) or state.finished:
        return change
    told: Actions = []
    for name in recipients(state, event.message.sender, event.message.to):
        attempt = working(state, name)
        told += deliver(state, attempt) if attempt is not None else []
        told += to_lead.deliver(state) if name == LEAD else []
    brings = followed(state, event.message)
    if LEAD in recipients(state, event.message.sender, event.message.to) and (called := to_lead.call(state)):
        return told + called + brings
    if event.message.kind is MessageKind.ANSWER:
        return told + ruled(state, event.message) + (brings or settled(state) or go_on(state))
    return told + _asked(state, event.message.id) if event.message.asks else told


def _asked(state: RunState, name: str) -> Actions:
    """Somebody is waited for from now on."""
    ask = state.asks.get(name)
    return (held(state, ask) if ask is not None else []) + (settled(state) or go_on(state))


@after(e.AskPassedOn)
def _ask_passed_on(state: RunState, event: e.AskPassedOn) -> Actions:
    message = state.mail[event.message]
    attempt = working(state, message.sender)
    stranded = attempt is not None and attempt.task == message.task and attempt.stranded
    left: Actions = [a.CollectWork(attempt.task, attempt.number)] if attempt is not None and stranded else []
    return left + _asked(state, event.message)


def settled(state: RunState) -> Actions:
    """Settle the first thing asked that nobody will answer, or not in time: what the lead was asked goes to
    the person, the rest is answered by workbench, or held. The event that comes of it asks for the next."""
    waits = Waits(state)
    for ask in state.asks.values():
        if found := lapsed(state, ask):
            return found
        rule = policy(state.settings, ask.message.kind)
        overdue = is_overdue(state, ask)
        if ask.to == LEAD and (overdue or not state.led or ask.message.id in state.lead.silent):
            again = until(state, ask.message.kind, PERSON)
            return [a.Declare(e.AskPassedOn(message=ask.message.id, to=PERSON, until=again))]
        if rule is None:
            continue
        if overdue and ask.to == PERSON and rule.then == "hold":
            return [a.Declare(e.AskPassedOn(message=ask.message.id, to=PERSON))]
        if said := _in_place(state, ask, rule, waits, overdue=overdue):
            return send(state, said)
    return []


def _in_place(state: RunState, ask: Ask, rule: Policy, waits: Waits, *, overdue: bool) -> Draft | None:
    """What workbench says in place of who was asked; None while an answer may come."""
    if overdue or (ask.to == PERSON and rule.then == "answer" and not rule.waits):
        return answer_by_workbench(ask.message, rule.text, rule.decision)
    if ask.to in state.teammates and working(state, ask.to) is None and not _comes_back(state, ask.to):
        return answer_by_workbench(ask.message, NOT_AT_WORK.format(name=ask.to))
    if round_ := waits.circle(ask):
        return answer_by_workbench(ask.message, CIRCLE.format(circle=", ".join((*round_, round_[0]))))
    return None


def _comes_back(state: RunState, name: str) -> bool:
    """Whether a teammate was cut off, and is about to go on: after a kill nobody is at work for a moment."""
    return bool(state.stopping or may_start(state)) and any(
        task.status is TaskStatus.READY
        and (task.why, task.prefers) == ("continued", name)
        and held_for(state, task.spec.id) is None
        for task in state.tasks.values()
    )


def wait(state: RunState, attempt: AttemptState) -> Actions:
    """A teammate's turn is over because it waits for an answer. Where that may take a person's time, its
    work is kept and it goes on when the answer is there."""
    if any(holds(state, ask) and ask.message.task == attempt.task for ask in state.asks.values()):
        return [a.EndAttempt(attempt.task, attempt.number, interrupt=True)]
    return deliver(state, attempt) or wake(state)


def deliver(state: RunState, attempt: AttemptState) -> Actions:
    """Put the first unread message into a session that listens; the rest follow one by one."""
    letter = next_letter(state, attempt)
    if letter is None:
        return []
    kind = _told_as(state, attempt, letter)
    told: Actions = [a.Tell(attempt.task, attempt.number, kind, words(state, letter), letter.id)]
    if kind == "plan_rejected" and (reason := fault(state, attempt)):
        told.append(a.CutShort(attempt.task, attempt.number, reason))
    return told


def _told_as(state: RunState, attempt: AttemptState, letter: Message) -> str:
    """As what a message is told; what became of a plan for another task is news like any other."""
    if letter.kind is not MessageKind.ANSWER:
        return "message"
    asked = state.mail.get(letter.reply_to)
    if asked is None or asked.kind is not MessageKind.PLAN or asked.task != attempt.task:
        return "answer"
    return "plan_approved" if letter.decision == "yes" else "plan_rejected"


@after(e.MessageRefused)
def _message_refused(state: RunState, event: e.MessageRefused) -> Actions:
    attempt = state.attempts.get((event.task, event.attempt))
    if attempt is None or attempt.phase is not Phase.WORKING:
        return []
    return [a.Tell(event.task, event.attempt, "refused", {"to": event.to, "reason": event.reason})]
