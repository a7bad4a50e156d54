"""Coming and going: what answers to a joining or a shutdown bring about, and what their absence does."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.decide.requests import send
from workbench.core.decide.table import Actions
from workbench.core.mail import LEAD, PERSON, Message, MessageKind
from workbench.core.mailing import answer_by_workbench, is_overdue, working
from workbench.core.requests import RequestJoin
from workbench.core.state import Ask, AttemptState, RunState
from workbench.core.team import next_name

UNANSWERED = "Nobody answered in time."

SILENT = "{name} did not answer in time and works on; `workbench team remove {name} --now` ends it."


def departure(state: RunState) -> Actions:
    """The first teammate that was only waiting for its attempt to end leaves."""
    for mate in state.teammates.values():
        if mate.leaving and not mate.left and mate.task is None:
            return [a.Declare(e.TeammateLeft(name=mate.name, reason=mate.reason))]
    return []


def lapsed(state: RunState, ask: Ask) -> Actions:
    """What becomes of a joining or a shutdown that need not, or will not, be answered any more."""
    if ask.message.kind is MessageKind.SHUTDOWN:
        if working(state, ask.to) is None:  # there is nothing to finish, and nobody to ask
            return [a.Declare(e.TeammateLeft(name=ask.to, reason=why(ask.message)))]
        if is_overdue(state, ask):
            return _in_place(state, ask, SILENT.format(name=ask.to))
    if ask.message.kind is MessageKind.JOIN and is_overdue(state, ask):
        return _in_place(state, ask, UNANSWERED)
    return []


def _in_place(state: RunState, ask: Ask, text: str) -> Actions:
    return send(state, answer_by_workbench(ask.message, text, "no"))


def why(asked: Message) -> str:
    """Why somebody leaves who was asked to."""
    asker = {PERSON: "the person in charge", LEAD: "the lead"}.get(asked.sender, asked.sender)
    return f"{asker} asked it to" + (f": {asked.text}" if asked.text else "")


def followed(state: RunState, answer: Message) -> Actions:
    """What an answer brings about: somebody joins, or leaves."""
    asked = state.mail.get(answer.reply_to)
    if asked is None or answer.decision != "yes":
        return []
    if asked.kind is MessageKind.JOIN and state.answers.get(asked.id) == answer.id and not state.stopping:
        return [a.Declare(joined(state, state.joining[asked.key], answer.sender))]
    if asked.kind is MessageKind.SHUTDOWN and answer.sender == asked.to:
        # A yes counts also when it comes late, or after a no.
        mate = state.teammates[asked.to]
        if not (mate.leaving or mate.left):
            return [a.Declare(e.TeammateLeaving(name=mate.name, reason=why(asked)))]
    return []


def joined(state: RunState, request: RequestJoin, by: str) -> e.TeammateJoined:
    """Whoever asked is let in."""
    return e.TeammateJoined(
        name=request.name or next_name(state),
        by=by,
        external=True,
        role=request.role,
        agent=request.agent,
        worktree=request.worktree,
        seat=request.seat,
    )


def gone(state: RunState, attempt: AttemptState, reason: str) -> Actions:
    """Whoever came from outside is not there any more: what it had is kept, and somebody else goes on. Empty
    for one of the run's own agents, which is started anew."""
    mate = state.teammates[attempt.teammate]
    if not mate.external or mate.leaving:
        return []
    return [a.Declare(e.TeammateLeaving(name=mate.name, reason=reason))]
