"""What waits for a person in a run, as one list: what is asked, what was given up, what was written. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from workbench.core.mail import ALL, PERSON, Decision, Message, MessageKind
from workbench.core.mailing import held
from workbench.core.models import Value
from workbench.core.state import Ask, RunState, TaskState, TaskStatus

T = TaskStatus


class OpenAsk(Value):
    """A message that waits for an answer: of ``sender``, from whoever is in ``waits_for``, ``since`` then
    (Unix seconds). ``holds`` says that its task does not go on before. ``command`` answers it."""

    id: str
    kind: MessageKind
    sender: str
    task: str
    waits_for: str
    since: float
    until: float | None
    holds: bool
    text: str
    command: str


class StuckTask(Value):
    """A task that does not go on by itself: ``commands`` are what a person can do."""

    task: str
    title: str
    status: str
    reason: str
    commands: tuple[str, ...]


class Letter(Value):
    """A message as it was sent, ``at`` then (Unix seconds), with the id of what answered it, if it asked."""

    id: str
    kind: MessageKind
    sender: str
    to: str
    at: float
    task: str
    reply_to: str
    thread: str
    decision: Decision
    answer: str
    text: str


class Inbox(Value):
    """``asks`` wait for the person, ``others`` for somebody else, ``tasks`` for a decision. ``letters`` are
    to the person, or all that there are."""

    run: str
    paused: bool
    asks: tuple[OpenAsk, ...]
    others: tuple[OpenAsk, ...]
    tasks: tuple[StuckTask, ...]
    letters: tuple[Letter, ...]


def inbox(state: RunState, sent: Mapping[str, float], *, everything: bool = False) -> Inbox:
    """What waits for the person in a run as it stands; ``sent`` is when each message was. ``everything`` is
    the whole mailbox instead of what was written to the person."""
    first = held(state)
    asks = [_open(state, ask, sent, first.get(ask.message.task)) for ask in state.asks.values()]
    letters = [_letter(state, it, sent) for it in state.mail.values() if everything or it.to == PERSON]
    return Inbox(
        run=state.run,
        paused=state.paused,
        asks=tuple(it for it in asks if it.waits_for == PERSON),
        others=tuple(it for it in asks if it.waits_for != PERSON),
        tasks=tuple(_stuck(state, task) for task in stuck(state)),
        letters=tuple(letters),
    )


def stuck(state: RunState) -> list[TaskState]:
    """The tasks that do not go on by themselves, in the plan's order."""
    return [task for task in state.tasks.values() if task.status in NEEDS_SOMEBODY]


def for_person(state: RunState) -> list[Ask]:
    """The asks that wait for the person."""
    return [ask for ask in state.asks.values() if ask.to == PERSON]


def how_to_answer(message: Message, run: str = "") -> str:
    """The command that answers what was asked."""
    word = '"…"' if message.kind is MessageKind.QUESTION else "yes"
    return f"workbench answer {message.id} {word}{_of(run)}"


NEEDS_SOMEBODY = frozenset({T.FAILED, T.BLOCKED, T.HELD, T.UNDONE})
"""Where a task does not get on by itself."""


def _open(state: RunState, ask: Ask, sent: Mapping[str, float], first: Ask | None) -> OpenAsk:
    """``first`` is the oldest open ask of its task."""
    message = ask.message
    return OpenAsk(
        id=message.id,
        kind=message.kind,
        sender=message.sender,
        task=message.task,
        waits_for=ask.to,
        since=sent.get(message.id, 0.0),
        until=ask.hold.until if ask.hold is not None else None,
        holds=holding(state, ask, first),
        text=message.text,
        command=how_to_answer(message, state.run),
    )


def holding(state: RunState, ask: Ask, first: Ask | None) -> bool:
    """Whether the task of an ask does not go on before it is answered; ``first`` is the oldest that is open
    of that task."""
    task = ask.message.task
    return bool(task) and first is ask and state.task(task).status is not T.RUNNING


def _stuck(state: RunState, task: TaskState) -> StuckTask:
    name, of = task.spec.id, _of(state.run)
    words = ("retry", "skip", "resolve")
    retry, skip, resolve = (f"workbench {word} {shlex.quote(name)}{of}" for word in words)
    commands = {T.HELD: (skip,), T.UNDONE: (resolve,)}.get(task.status, (retry, skip, resolve))
    return StuckTask(
        task=name, title=task.spec.title, status=task.status.value, reason=task.reason, commands=commands
    )


def _letter(state: RunState, message: Message, sent: Mapping[str, float]) -> Letter:
    return Letter(
        id=message.id,
        kind=message.kind,
        sender=message.sender,
        to=message.to,
        at=sent.get(message.id, 0.0),
        task=message.task,
        reply_to=message.reply_to,
        thread=message.thread or message.id,
        decision=message.decision,
        answer=state.answers.get(message.id, ""),
        text=message.text,
    )


def _of(run: str) -> str:
    return f" --run {run}" if run else ""


def open_asks(state: RunState) -> list[dict[str, object]]:
    """What is asked and not answered, as plain values."""
    first = held(state)
    asks = (_open(state, ask, {}, first.get(ask.message.task)) for ask in state.asks.values())
    return [it.model_dump(mode="json", exclude={"since"}) for it in asks]


def mail_counts(state: RunState) -> dict[str, int]:
    """How many messages there are: all, to the person, to everybody, and asks that are open."""
    to = [message.to for message in state.mail.values()]
    return {
        "sent": len(to),
        "to_person": to.count(PERSON),
        "to_all": to.count(ALL),
        "asks": len(state.asks),
        "asks_for_person": len(for_person(state)),
    }
