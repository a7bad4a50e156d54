"""What was written in a run, as exchanges: what answers what, and who has read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from workbench.core.mail import ALL, LEAD, PERSON, WORKBENCH, Message, MessageKind
from workbench.core.mailing import in_the_tool, recipients
from workbench.core.state import RunState
from workbench.core.story.words import clock_time, gist
from workbench.core.watched import Watched
from workbench.tui.presenting.page import Page, Part
from workbench.tui.presenting.table import Cell, Column, Row, Tone

COLUMNS = (
    Column("when", 8),
    Column("from → to", 16, flex=1),
    Column("what", 20, flex=4),
    Column("stands", 14, rank=1),
)

KINDS = {
    MessageKind.QUESTION: "question",
    MessageKind.PLAN: "plan",
    MessageKind.CHANGE: "plan change",
    MessageKind.HELD: "change",
    MessageKind.PERMISSION: "permission",
    MessageKind.JOIN: "join",
    MessageKind.SHUTDOWN: "leaving",
}
"""What asks, in a word or two."""

MOST = 2_000
"""Messages that the list shows: the latest."""

DEEPEST = 4
"""How far replies to replies are set in."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message in its place: set in by ``depth``. ``hidden`` messages of its exchange are folded away
    beneath it; ``first`` is the exchange's first message."""

    message: Message
    depth: int
    first: str
    hidden: int = 0


def entries(
    state: RunState, folded: Collection[str], matches: Callable[[Message], bool] | None = None
) -> list[Entry]:
    """The latest messages as exchanges, in the order of their beginning; of those that are ``folded`` only
    the first. With ``matches`` an exchange is there if any message of it does."""
    threads: dict[str, list[Message]] = {}
    for message in islice(state.mail.values(), max(0, len(state.mail) - MOST), None):
        threads.setdefault(message.thread or message.id, []).append(message)
    found: list[Entry] = []
    for name, thread in threads.items():
        if matches is not None and not any(matches(it) for it in thread):
            continue
        if name in folded:
            found.append(Entry(thread[0], 0, name, len(thread) - 1))
        else:
            found += [Entry(message, depth, name) for message, depth in _in_tree(thread)]
    return found


def _in_tree(thread: list[Message]) -> list[tuple[Message, int]]:
    """Each reply beneath what it answers."""
    there = {message.id for message in thread}
    replies: dict[str, list[Message]] = {}
    tops: list[Message] = []
    for message in thread:
        if message.reply_to in there and message.reply_to != message.id:
            replies.setdefault(message.reply_to, []).append(message)
        else:
            tops.append(message)
    found: list[tuple[Message, int]] = []
    stack = [(message, 0 if message is thread[0] else 1) for message in reversed(tops)]
    while stack:
        message, depth = stack.pop()
        found.append((message, depth))
        stack += [(reply, depth + 1) for reply in reversed(replies.get(message.id, ()))]
    return found


def thread_of(state: RunState, message: str) -> list[Message]:
    """All messages of the exchange that a message is in, in the order of their sending."""
    it = state.mail.get(message)
    if it is None:
        return []
    name = it.thread or it.id
    return [other for other in state.mail.values() if name in (other.thread, other.id)]


# -- who has it ----------------------------------------------------------------------------------------


class Readers:
    """Who has read what, for a list of many messages: made once for a state."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self.unread = Counter(it for mate in state.teammates.values() for it in mate.unread)
        self.unread.update(state.for_lead)
        self.told = Counter(it for attempt in state.attempts.values() for it in set(attempt.told))
        self.told.update(state.lead.told)

    def stands(self, message: Message) -> Cell:
        """How a message stands, in a few words."""
        state = self._state
        if message.id in state.asks:
            to = state.asks[message.id].to
            return Cell("waits for you" if to == PERSON else f"waits for {to}", "warn")
        if answer := state.answers.get(message.id):
            return Cell(f"answered {answer}", "good")
        if message.asks:
            return Cell("not answered", "faint")
        if message.to == PERSON:
            return Cell("")
        if in_the_tool(state, message):
            return Cell("given", "faint")
        boxes = len(recipients(state, message.sender, message.to)) if message.to == ALL else 1
        unread = self.unread[message.id] + self.told[message.id]
        if message.to == ALL:
            return Cell(f"read {max(0, boxes - unread)}/{boxes}", "faint")
        return Cell("sent" if unread else "read", "plain" if unread else "faint")


def readers(state: RunState, message: Message) -> str:
    """Who has read a message and who has not, as a sentence; "" where that means nothing."""
    if message.to == PERSON or in_the_tool(state, message):
        return ""
    read, given, waits = [], [], []
    for name in recipients(state, message.sender, message.to):
        if _unread(state, name, message.id):
            waits.append(name)
        elif _told(state, name, message.id):
            given.append(name)
        else:
            read.append(name)
    parts = (("read by", read), ("given to", given), ("not read yet by", waits))
    return "; ".join(f"{how} {_some(names)}" for how, names in parts if names)


def _unread(state: RunState, name: str, message: str) -> bool:
    if name == LEAD:
        return message in state.for_lead
    return name in state.teammates and message in state.teammates[name].unread


def _told(state: RunState, name: str, message: str) -> bool:
    if name == LEAD:
        return message in state.lead.told
    mate = state.teammates.get(name)
    tried = mate.tried[-3:] if mate is not None else ()
    return any(message in state.attempts[key].told for key in tried if key in state.attempts)


def _some(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


# -- as rows and words -----------------------------------------------------------------------------------


def row(entry: Entry, sent: Mapping[str, float], now: float, stands: Cell) -> Row:
    """The line of a message."""
    message = entry.message
    inset = "  " * min(entry.depth, DEEPEST)
    mark = f"▸ {entry.hidden + 1} " if entry.hidden else "↳ " if entry.depth else ""
    at = sent.get(message.id)
    tone: Tone = "faint" if message.sender == WORKBENCH else "strong" if message.to == PERSON else "plain"
    return Row(
        message.id,
        (
            Cell(clock_time(at, now)[-8:] if at else "", "faint"),
            Cell(f"{whom(message.sender)} → {whom(message.to)}", tone),
            Cell(f"{inset}{mark}{_kind(message)}{said(message)}", tone),
            stands,
        ),
    )


def _kind(message: Message) -> str:
    return f"{KINDS[message.kind]}: " if message.kind in KINDS else ""


def said(message: Message) -> str:
    """A message in one line, with the yes or no of an answer."""
    text = gist(message.text.lstrip("# \n") if message.kind is MessageKind.PLAN else message.text)
    return ": ".join(part for part in (message.decision, text) if part)


def clean(text: str) -> str:
    """Text of somebody's as lines that do nothing to a terminal."""
    lines = (line.expandtabs(4) for line in text.splitlines())
    return "\n".join(
        line if line.isprintable() else "".join(char if char.isprintable() else " " for char in line)
        for line in lines
    )


def whom(name: str) -> str:
    """A member of the team as a person reads it."""
    return "you" if name == PERSON else name


def replies_to(message: Message) -> str:
    """Who gets a reply to a message: who sent it, or whom one's own was for; "" where nobody reads it."""
    other = message.to if message.sender == PERSON else message.sender
    return "" if other in (PERSON, WORKBENCH) else other


def head(message: Message, sent: Mapping[str, float], now: float) -> str:
    """The line above a message's text."""
    at = sent.get(message.id)
    parts = [message.id, f"{whom(message.sender)} → {whom(message.to)}"]
    if message.kind is not MessageKind.MESSAGE:
        parts.append(message.kind.value)
    if message.reply_to:
        parts.append(f"to {message.reply_to}")
    if at:
        parts.append(clock_time(at, now))
    return "  ".join(parts)


def written(state: RunState, thread: Iterable[Message], sent: Mapping[str, float], now: float) -> str:
    """Messages one after the other, each whole under its head, with who has read it."""
    blocks = []
    for message in thread:
        lines = [head(message, sent, now)]
        body = ": ".join(part for part in (message.decision, message.text) if part)
        lines += [f"  {line}" for line in clean(body).splitlines()]
        if words := readers(state, message):
            lines.append(f"  ({words})")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def page(watched: Watched, message: Message, now: float) -> Page:
    """The page of a message: all of it, and the exchange that it is in."""
    state, sent = watched.state, watched.history.sent
    thread = thread_of(state, message.id)
    others = [it for it in thread if it.id != message.id]
    stands = readers(state, message)
    at = sent.get(message.id)
    answers = ": ".join(part for part in (message.reply_to, message.decision) if part)
    facts = [
        ("sent", f"{clock_time(at, now)}  {whom(message.sender)} → {whom(message.to)}" if at else ""),
        ("task", message.task),
        ("answers", answers),
        ("stands", stands),
    ]
    keys = [("enter", "reply"), ("space", "fold"), ("-", "fold all"), ("c", "copy")]
    if message.task:
        keys.append(("o", "its task"))
    return Page(
        key=message.id,
        title=Cell(f"{message.id}  {KINDS.get(message.kind, message.kind.value)}", "strong"),
        facts=tuple((name, value) for name, value in facts if value),
        parts=(
            Part("", message.text),
            *([Part("the exchange", written(state, others, sent, now))] if others else []),
        ),
        keys=tuple(keys),
    )
