"""A person gives a task to a teammate: what is refused, and what becomes of whoever is at it."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.apply.reassigning import GIVEN
from workbench.core.decide.mail import settled
from workbench.core.decide.proceeding import go_on
from workbench.core.decide.requests import Refused, carries
from workbench.core.decide.table import Actions, after
from workbench.core.mail import WORKBENCH
from workbench.core.mailing import MOST_NAMED, members
from workbench.core.requests import Reassign
from workbench.core.state import RunState, TaskStatus

T = TaskStatus


@carries(Reassign)
def _reassign(state: RunState, event: e.RequestMade, request: Reassign) -> Actions:
    name, to = request.task, request.to
    if name not in state.tasks:
        fit = [it for it, task in state.tasks.items() if task.status in GIVEN]
        raise Refused(f"The run has no task {name!r}.", _named("It could be", fit))
    if state.tasks[name].status not in GIVEN:
        raise Refused(f"{name} is {state.tasks[name].status}: nobody is to work on it.", _first(state, name))
    _demand_member(state, to)
    given = state.wishes.get(name)
    if given == to:
        raise Refused(f"{name} is given to {to} already.", "`workbench status` says where it stands.")
    if given is None and _at_work(state, name) == to:
        raise Refused(f"{to} is at {name} already.", f'`workbench send {to} "TEXT"` writes to it.')
    return [a.Declare(e.TaskReassigned(task=name, to=to, by=event.by))]


def _demand_member(state: RunState, name: str) -> None:
    mate = state.teammates.get(name)
    if mate is not None and not mate.leaving:
        return
    what = f"There is nobody called {name!r} in this run."
    if mate is not None:
        what = f"{name} {'has left' if mate.left else 'is leaving'} the team: {mate.reason}."
    there = [it for it in members(state) if not state.teammates[it].leaving]
    raise Refused(what, _named("There are", there))


def _named(begin: str, names: list[str]) -> str:
    more = ", …" if len(names) > MOST_NAMED else ""
    return f"{begin} {', '.join(names[:MOST_NAMED])}{more}." if names else ""


def _first(state: RunState, name: str) -> str:
    """What a person can do with a task that cannot be given to anybody as it stands."""
    match state.tasks[name].status:
        case T.BLOCKED | T.FAILED | T.SKIPPED:
            return f"`workbench retry {name}` first: then it can be given to somebody."
        case T.UNDONE:
            return f"`workbench resolve {name}` says how to bring it back."
        case T.LANDED:
            return f"`workbench undo {name}` takes it off the branch again, once the run is not going on."
        case _:
            return "It is on its way to the branch. If it is sent back, it can be given to somebody."


def _at_work(state: RunState, name: str) -> str | None:
    """Who is at a task."""
    attempt = state.working.get((name, state.tasks[name].attempt))
    return attempt.teammate if attempt is not None and state.tasks[name].status is T.RUNNING else None


@after(e.TaskReassigned)
def _task_reassigned(state: RunState, event: e.TaskReassigned) -> Actions:
    if not event.to:  # somebody leaves, and what follows from that goes on by itself
        return []
    at_work = _at_work(state, event.task)
    ends: Actions = []
    if at_work not in (None, event.to):
        ends = [a.EndAttempt(event.task, state.tasks[event.task].attempt, interrupt=True)]
    return ends + (settled(state) or go_on(state))


def released(state: RunState, mate: str) -> Actions:
    """What a person gave to somebody who leaves is anybody's again."""
    landed = (T.LANDED, T.UNDONE)
    given = [it for it, to in state.wishes.items() if to == mate and state.tasks[it].status not in landed]
    return [a.Declare(e.TaskReassigned(task=name, to="", by=WORKBENCH)) for name in given]
