"""What waits for somebody in a run, as rows of a list and as a page about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from workbench.core.changes import gist as change_gist
from workbench.core.inbox import holding, stuck
from workbench.core.mail import PERSON, Message, MessageKind
from workbench.core.mailing import held
from workbench.core.state import TASK_MOVES, Ask, RunState, TaskState
from workbench.core.story.words import gist
from workbench.core.watched import Watched
from workbench.tui.presenting.table import Cell, Column, Row, Tone
from workbench.tui.presenting.threads import KINDS, whom

Move = Literal["yes", "no", "words", "answer", "retry", "skip"]
"""What a person can do about an item. With ``words`` a yes or no may have some."""

COLUMNS = (
    Column("age", 4, right=True),
    Column("what", 11),
    Column("from", 9, rank=1),
    Column("task", 12, flex=1, rank=2),
    Column("about", 16, flex=4),
    Column("waits", 16, rank=3),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits: an ask, or a task that does not go on by itself. ``waits_for`` is who is to do
    something about it, ``since`` when it came up and ``until`` when it is settled without anybody (Unix
    seconds); ``holds`` says that its task does not go on before. ``moves`` are what the person can do."""

    key: str
    kind: str
    sender: str
    task: str
    waits_for: str
    since: float
    until: float | None
    holds: bool
    about: str
    text: str
    moves: frozenset[Move]

    @property
    def mine(self) -> bool:
        """Whether it waits for the person."""
        return self.waits_for == PERSON

    @property
    def message(self) -> str:
        """The message that asks; "" for a task."""
        return "" if self.key.startswith(TASK) else self.key


TASK = "task "
"""How the key of a task begins; no message's id holds a space."""


def items(watched: Watched) -> list[Item]:
    """What waits, oldest first: for the person, and behind that for others."""
    state, sent = watched.state, watched.history.sent
    first = held(state)
    found = [
        _asked(state, ask, sent.get(name, 0.0), holding(state, ask, first.get(ask.message.task)))
        for name, ask in state.asks.items()
    ]
    found += [_stuck(state, task) for task in stuck(state)]
    return sorted(found, key=lambda it: (not it.mine, it.since))


def _asked(state: RunState, ask: Ask, since: float, holds: bool) -> Item:
    message = ask.message
    return Item(
        key=message.id,
        kind=KINDS[message.kind],
        sender=message.sender,
        task=message.task,
        waits_for=ask.to,
        since=since,
        until=ask.hold.until if ask.hold is not None else None,
        holds=holds,
        about=_about(state, message),
        text=message.text,
        moves=_MOVES.get(message.kind, _YES_NO),
    )


_YES_NO: frozenset[Move] = frozenset({"yes", "no", "words"})
_MOVES: Mapping[MessageKind, frozenset[Move]] = {
    MessageKind.SHUTDOWN: frozenset(),
    MessageKind.QUESTION: frozenset({"yes", "no", "answer"}),
}


def _about(state: RunState, message: Message) -> str:
    if message.kind is MessageKind.CHANGE and state.proposed is not None:
        return change_gist(state.proposed.change)
    return _gist(message.text.lstrip("# \n") if message.kind is MessageKind.PLAN else message.text)


@lru_cache(maxsize=4096)
def _gist(text: str) -> str:
    return gist(text)


def _stuck(state: RunState, task: TaskState) -> Item:
    status = task.status
    moves: set[Move] = set()
    if (status, "again") in TASK_MOVES:
        moves.add("retry")
    if (status, "skip") in TASK_MOVES:
        moves.add("skip")
    attempt = state.attempts.get((task.spec.id, task.attempt))
    return Item(
        key=f"{TASK}{task.spec.id}",
        kind=status.value,
        sender=attempt.teammate if attempt is not None else "",
        task=task.spec.id,
        waits_for=PERSON,
        since=_stuck_since(state, task),
        until=None,
        holds=True,
        about=_gist(task.reason) or "no reason is known",
        text=task.reason,
        moves=frozenset(moves),
    )


def _stuck_since(state: RunState, task: TaskState) -> float:
    """When its last attempt ended, or that at the task which it waits for."""
    for name in (task.spec.id, *sorted(task.unmet)):
        other = state.tasks.get(name)
        last = state.attempts.get((name, other.attempt)) if other is not None else None
        if last is not None and last.ended_at is not None:
            return last.ended_at
    return state.started_at


# -- the list ----------------------------------------------------------------------------------------


def row(item: Item, now: float, given: str) -> Row:
    """The line of an item; ``given`` is what the person has answered that the run has not told of yet."""
    tone: Tone = "plain" if item.mine else "faint"
    cells = (
        Cell(age(now - item.since) if item.since else "", "faint"),
        Cell(item.kind, kind_tone(item) if item.mine else "faint"),
        Cell(whom(item.sender), tone),
        Cell(item.task, tone),
        Cell(item.about, tone),
        Cell(given, "good") if given else Cell(_waits(item, now), _waits_tone(item, now)),
    )
    return Row(item.key, cells)


def kind_tone(item: Item) -> Tone:
    """The tone of what an item is."""
    if item.message:
        return "strong"
    return "bad" if item.kind in ("failed", "blocked") else "warn"


def _waits(item: Item, now: float) -> str:
    if not item.mine:
        return f"for {whom(item.waits_for)}"
    if item.until is not None:
        left = item.until - now
        return f"{age(left)} left" if left > 0 else "time is up"
    return "holds its task" if item.holds and item.message else ""


def _waits_tone(item: Item, now: float) -> Tone:
    if not item.mine:
        return "faint"
    return "warn" if item.until is not None and item.until - now < 60 else "plain"


def age(seconds: float) -> str:
    """Seconds in four cells at most: ``8s``, ``12m``, ``3h``, ``4d``."""
    seconds = max(0.0, seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"
