"""When a person is called: what is new in a run that is worth a bell, and what the terminal's title says."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.inbox import for_person
from workbench.core.mail import Message, MessageKind
from workbench.core.state import TaskStatus
from workbench.core.watched import Watched

BURST_SECONDS = 5.0
"""What comes so soon behind a call is told with the next one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was there when somebody last looked: the asks for the person, whether the run was over, and
    whether somebody was at work on it."""

    run: str
    asks: frozenset[str]
    over: bool
    live: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One reason to call: ``ask`` is the message that waits for the person; empty where the run ended."""

    text: str
    ask: str = ""


def seen(watched: Watched) -> Seen:
    """What there is now."""
    state = watched.state
    asks = frozenset(ask.message.id for ask in for_person(state))
    return Seen(watched.run, asks, state.finished, watched.live)


def news(before: Seen, now: Seen, watched: Watched) -> list[Call]:
    """What has come up since ``before``, oldest first."""
    state = watched.state
    calls = [Call(_asks(state.mail[name]), name) for name in state.asks if name in now.asks - before.asks]
    if now.over and not before.over:
        calls.append(Call(f"{watched.run} is over: {state.outcome}"))
    elif before.live and not now.live and not now.over:
        calls.append(Call(f"nobody is at work on {watched.run} any more"))
    return calls


_WHAT = {
    MessageKind.QUESTION: "has a question",
    MessageKind.PERMISSION: "asks for a permission",
    MessageKind.PLAN: "wants its plan approved",
    MessageKind.CHANGE: "the plan may change",
    MessageKind.HELD: "holds a change",
    MessageKind.JOIN: "somebody wants to join",
}


def _asks(message: Message) -> str:
    """Why a person is called for a message. Nothing of its text: a desktop may take that for markup."""
    what = _WHAT.get(message.kind, f"asks ({message.kind.value})")
    if message.kind in (MessageKind.CHANGE, MessageKind.JOIN):
        return what
    return f"{message.sender} {what}" + (f" ({message.task})" if message.task else "")


@dataclass(slots=True)
class Bell:
    """Rings once for a burst: for the first call at once, for those that follow it soon when the time is
    over, if somebody is still waited for then."""

    last: float = float("-inf")
    waiting: tuple[Call, ...] = ()

    def due(self, calls: list[Call], open_: frozenset[str], now: float) -> tuple[Call, ...]:
        """What to call for at ``now`` (seconds of any clock that does not go back); ``open_`` are the asks
        that still wait for the person."""
        self.waiting = tuple(call for call in (*self.waiting, *calls) if not call.ask or call.ask in open_)
        if not self.waiting or now - self.last < BURST_SECONDS:
            return ()
        told, self.waiting, self.last = self.waiting, (), now
        return told


def sentence(calls: tuple[Call, ...]) -> str:
    """The calls as one line."""
    more = f", and {len(calls) - 1} more" if len(calls) > 1 else ""
    return f"{calls[0].text}{more}"


def title(watched: Watched) -> str:
    """What the terminal's title says: how many wait for the person, the run, and how far it is."""
    state = watched.state
    if not watched.run:
        return "workbench"
    asks = len(for_person(state))
    landed = sum(task.status is TaskStatus.LANDED for task in state.tasks.values())
    parts = [f"✉{asks}"] if asks else []
    parts.append(watched.run)
    if state.tasks:
        parts.append(f"{landed}/{len(state.tasks)}")
    if state.outcome is not None and not watched.live:
        parts.append(state.outcome)
    said = f"{' '.join(parts)} · workbench"
    return "".join(char for char in said if char.isprintable())
