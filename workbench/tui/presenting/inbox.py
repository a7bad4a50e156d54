"""What waits for somebody in a run, as rows of a list and as a page about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from workbench.core.changes import gist as change_gist
from workbench.core.inbox import OpenAsk, asked, stuck
from workbench.core.mail import LEAD, PERSON, WORKBENCH, MessageKind
from workbench.core.state import TASK_MOVES, RunState, TaskState, TaskStatus
from workbench.core.story.words import clock_time, gist
from workbench.core.watched import Watched
from workbench.tui.presenting.table import Cell, Column, Row, Tone
from workbench.tui.presenting.threads import KINDS, thread_of, whom, written

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

LAST_ACTS = 8
"""Of the last attempt at a stuck task."""

EVIDENCE_LINES = 200


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
    state = watched.state
    found = [_asked(state, ask) for ask in asked(state, watched.history.sent)]
    found += [_stuck(state, state.tasks[it.task]) for it in stuck(state)]
    return sorted(found, key=lambda it: (not it.mine, it.since))


def _asked(state: RunState, ask: OpenAsk) -> Item:
    return Item(
        key=ask.id,
        kind=KINDS[ask.kind],
        sender=ask.sender,
        task=ask.task,
        waits_for=ask.waits_for,
        since=ask.since,
        until=ask.until,
        holds=ask.holds,
        about=_about(state, ask),
        text=ask.text,
        moves=_moves(ask.kind),
    )


def _moves(kind: MessageKind) -> frozenset[Move]:
    if kind is MessageKind.SHUTDOWN:
        return frozenset()
    if kind is MessageKind.QUESTION:
        return frozenset({"yes", "no", "answer"})
    return frozenset({"yes", "no", "words"})


def _about(state: RunState, ask: OpenAsk) -> str:
    if ask.kind is MessageKind.CHANGE and state.proposed is not None:
        return change_gist(state.proposed.change)
    return _gist(ask.text.lstrip("# \n") if ask.kind is MessageKind.PLAN else ask.text)


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
        Cell(item.kind, _tone(item) if item.mine else "faint"),
        Cell(whom(item.sender), tone),
        Cell(item.task, tone),
        Cell(item.about, tone),
        Cell(given, "good") if given else Cell(_waits(item, now), _waits_tone(item, now)),
    )
    return Row(item.key, cells)


def _tone(item: Item) -> Tone:
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


# -- the page ----------------------------------------------------------------------------------------

Form = Literal["text", "markdown", "change", "lines"]
"""How a part is written: words, Markdown, what changes in a plan, or a program's output."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a page under its heading, which may be empty."""

    heading: str
    text: str
    form: Form = "text"


@dataclass(frozen=True, slots=True)
class Page:
    """All that there is to read about one thing. ``facts`` are names and values, ``keys`` what can be
    pressed and what that does. Parts in Markdown come first."""

    key: str
    title: Cell
    facts: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()


def page(watched: Watched, item: Item, now: float, given: str) -> Page:
    """The page of an item."""
    parts = _stuck_parts(watched, item) if not item.message else _ask_parts(watched, item, now)
    facts = [
        ("from" if item.message else "tried by", whom(item.sender)),
        ("task", _task_words(watched.state, item.task)),
    ]
    if given:
        facts.append(("answered", given))
    facts += _standing(item, now)
    return Page(
        key=item.key,
        title=Cell(_title(item), _tone(item) if item.mine else "faint"),
        facts=tuple((name, value) for name, value in facts if value),
        parts=tuple(part for part in parts if part.text.strip()),
        keys=tuple(page_keys(item)),
    )


def _title(item: Item) -> str:
    return f"{item.message}  {item.kind}" if item.message else f"{item.task}  {item.kind}"


def _task_words(state: RunState, task: str) -> str:
    there = state.tasks.get(task)
    return f"{task}: {there.spec.title}" if there is not None else task


def _standing(item: Item, now: float) -> list[tuple[str, str]]:
    facts = []
    if item.since:
        facts.append(("since", f"{clock_time(item.since, now)} ({age(now - item.since)})"))
    if not item.mine:
        facts.append(("waits for", whom(item.waits_for)))
    if item.until is not None:
        left = item.until - now
        how = f"{age(left)} left" if left > 0 else "now"
        facts.append(("until", f"{clock_time(item.until, now)} ({how}), then {_then(item)}"))
    elif item.message:
        facts.append(("until", "somebody answers, however long that takes"))
    if item.message and item.holds:
        facts.append(("meanwhile", "its task is held"))
    return facts


def _then(item: Item) -> str:
    """What becomes of an ask that nobody answers in time."""
    if not item.mine:
        return "somebody else is asked, or it goes on without"
    return {
        "permission": "it is refused",
        "plan": "its task is held",
        "join": "it is turned away",
    }.get(item.kind, "it goes on without an answer")


def _ask_parts(watched: Watched, item: Item, now: float) -> list[Part]:
    state = watched.state
    ask = state.asks.get(item.message)
    parts = []
    if item.kind == "permission":
        use, _, reason = item.text.rpartition("\n\n")
        tool, _, target = use.partition(" ")
        parts += [Part(f"{tool} on" if target else tool, target or " ", "lines"), Part("because", reason)]
        if not target:
            parts = [Part("wants to use", tool, "lines"), Part("because", reason)]
    elif item.kind == "plan":
        parts.append(Part("", item.text, "markdown"))
    elif item.kind == "plan change":
        parts.append(Part("", item.text, "change"))
    else:
        parts.append(Part("", item.text))
    if ask is not None and ask.why:
        parts.append(Part("passed on", ask.why))
    thread = [it for it in thread_of(state, item.message) if it.id != item.message]
    if thread:
        parts.append(Part("the exchange", written(state, thread, watched.history.sent, now)))
    return parts


def _stuck_parts(watched: Watched, item: Item) -> list[Part]:
    state = watched.state
    task = state.tasks[item.task]
    parts = [Part("why", task.reason or "no reason is known")]
    if task.status is TaskStatus.HELD and task.unmet:
        waits = (f"{name} ({state.tasks[name].status.value})" for name in sorted(task.unmet))
        parts.append(Part("waits for", ", ".join(waits)))
    if task.conflicts:
        parts.append(Part("conflicts in", "\n".join(task.conflicts), "lines"))
    if task.evidence and task.evidence != task.reason:
        parts.append(Part("evidence", _end(task.evidence), "lines"))
    acts = watched.history.acts.get((item.task, task.attempt), ())
    if acts:
        last = [f"{act.what:<6} {act.title}" for act in list(acts)[-LAST_ACTS:]]
        parts.append(Part("the last that its teammate did", "\n".join(last), "lines"))
    return parts


def _end(text: str) -> str:
    lines = text.splitlines()
    left = len(lines) - EVIDENCE_LINES
    return "\n".join([f"… {left} lines before", *lines[-EVIDENCE_LINES:]]) if left > 0 else text


_YES_NO = {
    "permission": ("allow it", "refuse it"),
    "plan": ("approve", "turn down"),
    "plan change": ("take it up", "leave the plan as it is"),
    "join": ("let it join", "turn it away"),
    "question": ("answer “Yes.”", "answer “No.”"),
}


def page_keys(item: Item) -> list[tuple[str, str]]:
    """What can be pressed at an item, and what that does."""
    found = []
    if "answer" in item.moves:
        found.append(("enter", "write the answer"))
    if "yes" in item.moves:
        yes, no = _YES_NO[item.kind]
        found += [("y", yes), ("n", no)]
    if "words" in item.moves:
        found.append(("Y N", "the same with words"))
    if "retry" in item.moves:
        found.append(("r", "try it again"))
    if "skip" in item.moves:
        found.append(("x", "leave it out"))
    if not item.moves:
        found.append(("", _no_move(item)))
    if item.task:
        found.append(("o", "its task"))
    if teammate_of(item):
        found.append(("t", "its teammate"))
    return found


def _no_move(item: Item) -> str:
    if item.kind == "leaving":
        return f"only {whom(item.waits_for)} can answer this"
    return f"`workbench resolve {item.task}` says how to bring it in"


def teammate_of(item: Item) -> str:
    """Whose screen an item can open; "" for none."""
    if item.kind == "leaving":
        return item.waits_for
    return "" if item.sender in (LEAD, PERSON, WORKBENCH) else item.sender


def answered(move: str, text: str = "") -> str:
    """What stands at an item whose answer was sent and is not in the log yet."""
    said = {"retry": "again", "skip": "skip"}.get(move, move) or gist(text, 24)
    return f"{said} (sent)"


def kept(decision: str, text: str) -> str:
    """What stands at an item whose answer is kept until the run goes on."""
    return f"{decision or gist(text, 24)} (kept)"


def next_key(found: Sequence[Item], key: str, given: Mapping[str, str]) -> str:
    """Where to go when ``key`` was answered: the next that waits for the person and has no answer, from the
    top again behind the last; "" when there is none."""
    place = next((it for it, item in enumerate(found) if item.key == key), -1)
    around = [*found[place + 1 :], *found[: max(place, 0)]]
    return next((item.key for item in around if item.mine and item.moves and item.key not in given), "")
