"""What follows from plans that want approval, and from tool uses that wait for somebody's word."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.approvals import fault
from workbench.core.asking import holds, until
from workbench.core.decide.requests import send
from workbench.core.decide.table import Actions, after
from workbench.core.mail import PERSON, WORKBENCH, Message, MessageKind
from workbench.core.mailing import Draft, working
from workbench.core.state import Ask, AttemptState, Phase, RunState


@after(e.PlanBreached)
def _plan_breached(state: RunState, event: e.PlanBreached) -> Actions:
    return [a.CutShort(event.task, event.attempt, event.reason)]


@after(e.PermissionAsked)
def _permission_asked(state: RunState, event: e.PermissionAsked) -> Actions:
    attempt = state.attempt(event.task, event.attempt)
    draft = Draft(
        MessageKind.PERMISSION,
        attempt.teammate,
        PERSON,
        f"{event.tool} {event.target}".strip() + f"\n\n{event.reason}",
        task=event.task,
        attempt=event.attempt,
        until=until(state, MessageKind.PERMISSION, PERSON),
        key=event.key,
    )
    return send(state, draft)


def ruled(state: RunState, answer: Message) -> Actions:
    """Let the tool use that an answer is about go on, or refuse it."""
    asked = state.mail.get(answer.reply_to)
    if asked is None or asked.kind is not MessageKind.PERMISSION:
        return []
    if state.answers.get(asked.id) != answer.id or (asked.task, asked.attempt) not in state.working:
        return []
    return [a.Rule(asked.task, asked.attempt, asked.key, answer.decision == "yes", _words(answer))]


def _words(answer: Message) -> str:
    if answer.sender == WORKBENCH:
        return answer.text
    who = "The person in charge" if answer.sender == PERSON else answer.sender
    return f"{who} says {answer.decision or 'no'}" + (f": {answer.text}" if answer.text else ".")


def held(state: RunState, ask: Ask) -> Actions:
    """Free the teammate whose task is held for a plan, once its turn is over. A command has no turns, and can
    do nothing before the answer."""
    attempt = working(state, ask.message.sender)
    if attempt is None or not holds(state, ask) or attempt.task != ask.message.task:
        return []
    endless = ask.message.kind is MessageKind.PLAN and state.settings.agent != "claude"
    if attempt.waiting or (endless and attempt.phase is Phase.WORKING):
        return [a.EndAttempt(attempt.task, attempt.number, interrupt=True)]
    return []


def turn_over(state: RunState, attempt: AttemptState) -> Actions:
    """What comes of a turn, or of an agent, that ended before a plan was approved."""
    if attempt.error or attempt.blocked or not attempt.planning or fault(state, attempt):
        return []
    if attempt.live:
        return [] if attempt.asked else [a.Tell(attempt.task, attempt.number, "ask_plan")]
    if attempt.plans:  # it goes on when the answer is there
        return [a.EndAttempt(attempt.task, attempt.number, interrupt=True)]
    return []


def only_planned(attempt: AttemptState) -> bool:
    """Whether an agent ended in peace when its plan was approved, and has the work still before it."""
    peaceful = not (attempt.live or attempt.error or attempt.done or attempt.blocked)
    return peaceful and attempt.plans > 0 and not attempt.planning
