"""Who is in the team: requests by which it grows and shrinks, and what follows from it."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.decide.leaving import departure, joined
from workbench.core.decide.mail import settled
from workbench.core.decide.proceeding import go_on
from workbench.core.decide.reassigning import released
from workbench.core.decide.requests import Refused, carries, send
from workbench.core.decide.table import Actions, after
from workbench.core.decide.to_lead import call
from workbench.core.mail import LEAD, PERSON, WORKBENCH, MessageKind
from workbench.core.mailing import Draft, members, working
from workbench.core.requests import BY_ITSELF, RequestJoin, RequestShutdown, Spawn
from workbench.core.state import RunState, TeammateState
from workbench.core.team import fault, next_name, wanted

MOST = 1000
"""Members that a team may have."""

STATUS = "`workbench status` says where it stands."
TEAM = "`workbench team` lists who is in it."


# -- joining -----------------------------------------------------------------------------------------


def _named(state: RunState, name: str) -> None:
    """Refuse a name that nobody can have."""
    if name and (problem := fault(state, name)):
        raise Refused(f"Nobody can join as {name!r}: {problem}.", "Choose another name, or none.")
    if name and name in wanted(state):
        raise Refused(f"Somebody already waits to join as {name!r}.", "Choose another name, or none.")
    if len(members(state)) >= MOST:
        raise Refused(f"The team has {MOST} members already.", TEAM)


@carries(Spawn)
def _spawn(state: RunState, event: e.RequestMade, request: Spawn) -> Actions:
    if state.over_for_good or (state.stopping and not state.finished):
        raise Refused("The run is not going on.", STATUS)
    _named(state, request.name)
    name = request.name or next_name(state)
    return [a.Declare(e.TeammateJoined(name=name, by=event.by, role=request.role))]


@carries(RequestJoin)
def _request_join(state: RunState, event: e.RequestMade, request: RequestJoin) -> Actions:
    if state.finished or state.stopping:
        raise Refused("The run is not going on.", STATUS)
    if any(mate.seat == request.seat for mate in state.teammates.values()):
        raise Refused("That seat is taken.", "Call `workbench join` anew.")
    _named(state, request.name)
    if request.worktree and not request.worktree.startswith("/"):
        raise Refused("A worktree is named by its whole path.")
    if state.settings.on_join == "reject":
        raise Refused("This run takes nobody in.", 'It was started with on_join = "reject".')
    if state.settings.on_join == "approve":
        return [a.Declare(joined(state, request, WORKBENCH))]
    what = f"the command `{request.command}`" if request.agent == "command" else "somebody at a terminal"
    whom = f" as {request.name}" if request.name else ""
    where = f", working in {request.worktree}" if request.worktree else ""
    draft = Draft(
        MessageKind.JOIN,
        WORKBENCH,
        PERSON,
        f"{what} wants to join the team{whom}{where}",
        until=state.at + state.settings.answer_seconds,
        key=event.id,
    )
    return send(state, draft)


@after(e.TeammateJoined)
def _teammate_joined(state: RunState, event: e.TeammateJoined) -> Actions:
    return _after(state)


# -- leaving -----------------------------------------------------------------------------------------


@carries(RequestShutdown)
def _request_shutdown(state: RunState, event: e.RequestMade, request: RequestShutdown) -> Actions:
    if state.finished or state.stopping:
        raise Refused("The run is not going on.", STATUS)
    mate = _in_team(state, request.teammate)
    if event.by == LEAD and (request.now or len(members(state)) < 2):
        raise Refused("A lead asks, and leaves the last teammate where it is.", "Escalate it.")
    reason = request.reason or "no reason was given"
    by = "the person in charge" if event.by == PERSON else f"the {event.by}"
    itself = mate.external and reason == BY_ITSELF
    if working(state, mate.name) is None:  # there is nothing to finish
        why = reason if itself else f"{by} asked it to: {reason}"
        return [a.Declare(e.TeammateLeft(name=mate.name, reason=why))]
    if request.now:
        why = reason if itself else f"{by} ended it: {reason}"
        return [a.Declare(e.TeammateLeaving(name=mate.name, reason=why))]
    asked = [ask.message for ask in state.asks.values() if ask.message.kind is MessageKind.SHUTDOWN]
    if open_one := next((it for it in asked if it.to == mate.name), None):
        raise Refused(
            f"{mate.name} was asked already ({open_one.id}) and has not answered.",
            f"`workbench team remove {mate.name} --now` ends it without asking.",
        )
    until = state.at + state.settings.nudge_seconds
    return send(state, Draft(MessageKind.SHUTDOWN, event.by, mate.name, reason, until=until))


def _in_team(state: RunState, name: str) -> TeammateState:
    mate = state.teammates.get(name)
    if mate is None:
        raise Refused(f"There is nobody called {name!r} in this run.", TEAM)
    if mate.left or mate.leaving:
        raise Refused(f"{name} {'has left' if mate.left else 'is leaving'} the team: {mate.reason}.", TEAM)
    return mate


@after(e.TeammateLeaving)
def _teammate_leaving(state: RunState, event: e.TeammateLeaving) -> Actions:
    attempt = working(state, event.name)
    free = released(state, event.name)
    if attempt is not None:
        return [*free, a.EndAttempt(attempt.task, attempt.number, interrupt=True)]
    return free + departure(state)


@after(e.TeammateLeft)
def _teammate_left(state: RunState, event: e.TeammateLeft) -> Actions:
    back: Actions = [a.GiveBack(event.name)] if state.teammates[event.name].own else []
    return back + released(state, event.name) + _after(state)


def _after(state: RunState) -> Actions:
    return departure(state) or call(state) or settled(state) or go_on(state)
