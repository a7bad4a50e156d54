"""A change of the plan is proposed, asked about, and made or dropped."""

from __future__ import annotations

from collections.abc import Container

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.changes import difference
from workbench.core.changing import applicable, base_of, question
from workbench.core.decide.proceeding import go_on
from workbench.core.decide.requests import Refused, carries, send
from workbench.core.decide.table import Actions, after
from workbench.core.mail import PERSON, WORKBENCH, Message, MessageKind
from workbench.core.mailing import Draft
from workbench.core.models import Plan
from workbench.core.requests import ProposeChange
from workbench.core.state import RunState
from workbench.errors import PlanError

LATE = (e.MessageSent, e.PlanChangeProposed)
"""What calls for something also when the run is over, besides what people ask for."""


@carries(ProposeChange)
def _propose(state: RunState, event: e.RequestMade, request: ProposeChange) -> Actions:
    source = request.source if request.source == state.plan_file else ""
    try:
        said = read(request.text, request.name, state.tasks)
    except PlanError as error:
        first, more = error.problems[0], len(error.problems) - 1
        rest = f" ({more} more)" if more else ""
        line = f":{first.line}" if first.line else ""  # 0: it is about the file as a whole
        raise Refused(f"{request.name}{line}: {first.sentence}{rest}", first.hint) from None
    proposal = proposed(state, source, said, approved=request.approved)
    if proposal is None:
        raise Refused(f"{request.name} asks for nothing that is not so.", "Was it saved?")
    fit, refused = applicable(state, proposal.change)
    if fit.empty:
        raise Refused(" ".join(refused) or "Nothing of it can be done now.")
    return [a.Declare(proposal)]


def read(text: str, name: str, standing: Container[str]) -> Plan:
    """The plan that a text holds, tasks that are ``standing`` in the run included even if ticked. Raises
    PlanError."""
    from workbench.core.plan.parse import parse  # not for those who only fold a log

    return parse(text, name, standing)


def proposed(
    state: RunState, source: str, said: Plan, *, base: Plan | None = None, approved: bool = False
) -> e.PlanChangeProposed | None:
    """What somebody proposes who wrote ``said`` into ``source``, if it is anything. ``base`` is what they
    made it of, if that is not what the state knows."""
    assert state.plan is not None, "only a run that was started has a plan to change"
    change = difference(base or base_of(state, source), said, state.plan)
    if change.empty:
        return None
    return e.PlanChangeProposed(source=source, said=said, change=change, approved=approved)


@after(e.PlanChangeProposed)
def _proposed(state: RunState, event: e.PlanChangeProposed) -> Actions:
    if event.approved:
        return _made(state)
    text = question(state, event.source, event.change, event.said)
    asks = Draft(MessageKind.CHANGE, WORKBENCH, PERSON, text)
    return send(state, asks)


def answered(state: RunState, answer: Message) -> Actions:
    """What follows when the answer is to the proposed change."""
    asked = state.mail.get(answer.reply_to)
    if answer.kind is not MessageKind.ANSWER or asked is None or asked.kind is not MessageKind.CHANGE:
        return []
    if state.proposed is None:  # pragma: no cover - what is not open is refused an answer
        return []
    if answer.decision != "yes":
        reason = f"{answer.sender} said no" + (f": {answer.text}" if answer.text else "")
        return _dropped(state, reason)
    return _made(state)


def _made(state: RunState) -> Actions:
    """What can be done of the proposed change as the tasks stand by now."""
    assert state.proposed is not None, "it was approved just now"
    fit, refused = applicable(state, state.proposed.change)
    if fit.empty:
        reason = " ".join(refused) or "nothing of it is left to do"
        return _dropped(state, reason)
    return [a.Declare(e.PlanChanged(change=fit, refused=refused))]


def _dropped(state: RunState, reason: str) -> Actions:
    assert state.proposed is not None, "nothing else is dropped"
    dropped = e.PlanChangeDropped(source=state.proposed.source, reason=reason, declined=True)
    return [a.Declare(dropped)]


@after(e.PlanChanged)
def _changed(state: RunState, event: e.PlanChanged) -> Actions:
    return go_on(state) if state.base_green else []
