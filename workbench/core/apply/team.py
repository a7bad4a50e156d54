"""Who is in the team: teammates who join while the run goes on, and those who leave it."""

from __future__ import annotations

import bisect

from workbench.core import events as e
from workbench.core.apply.table import on
from workbench.core.mail import MessageKind
from workbench.core.state import RunState, TaskState, TeammateState
from workbench.core.team import fault
from workbench.errors import IllegalEvent

EVENTS = (e.TeammateJoined,)
"""What may follow the end of a run: a team may be made larger before it is resumed."""


@on(e.TeammateJoined)
def _teammate_joined(state: RunState, event: e.TeammateJoined, at: float) -> None:
    if problem := fault(state, event.name):
        raise IllegalEvent(f"{event.name!r} cannot join: {problem}")
    index = len(state.teammates)
    state.teammates[event.name] = TeammateState(
        event.name,
        index,
        external=event.external,
        seat=event.seat,
        by_hand=event.agent == "hand",
        own=event.worktree,
        role=event.role,
    )
    bisect.insort(state.free, index)


@on(e.TeammateLeaving)
def _teammate_leaving(state: RunState, event: e.TeammateLeaving, at: float) -> None:
    mate = _member(state, event.name)
    mate.leaving, mate.reason = True, event.reason
    _busy(state, mate)


@on(e.TeammateLeft)
def _teammate_left(state: RunState, event: e.TeammateLeft, at: float) -> None:
    mate = _member(state, event.name)
    if mate.task is not None:
        raise IllegalEvent(f"{event.name!r} is at {mate.task!r} and cannot have left")
    mate.leaving = mate.left = True
    mate.reason = event.reason
    _busy(state, mate)
    for ask in list(state.asks.values()):
        asked_to_go = ask.message.kind is MessageKind.SHUTDOWN and ask.to == mate.name
        if asked_to_go or ask.message.sender == mate.name:
            del state.asks[ask.message.id]


def _member(state: RunState, name: str) -> TeammateState:
    mate = state.teammates.get(name)
    if mate is None or mate.left:
        raise IllegalEvent(f"{name!r} is not in the team")
    return mate


def _busy(state: RunState, mate: TeammateState) -> None:
    if mate.index in state.free:
        state.free.remove(mate.index)


def leave_behind(task: TaskState, mate: TeammateState, commit: str | None) -> None:
    """What a teammate that leaves was at goes on with somebody else, from ``commit``."""
    hand_over(task, commit, f"{mate.name} was at it, and left the team: {mate.reason}")


def hand_over(task: TaskState, commit: str | None, evidence: str) -> None:
    """Somebody else goes on, from ``commit`` if anything came of it, and is told by ``evidence`` of whom."""
    task.prefers = task.session = None
    if commit is not None:
        task.carry = commit
    if commit is not None or task.why == "continued":
        task.why = "retry"
        task.evidence = evidence


def forsake(state: RunState) -> None:
    """The run is taken up by another process: whoever came from outside held on to the one before."""
    for mate in state.teammates.values():
        if mate.external and not mate.left and not mate.leaving:
            mate.leaving, mate.reason = True, "the run it had joined was cut short"
            _busy(state, mate)
    for ask in list(state.asks.values()):
        if ask.message.kind is MessageKind.JOIN:
            del state.asks[ask.message.id]
