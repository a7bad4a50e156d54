"""What the team writes, and what people ask of the run, as lines of a display; and who waits for whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.core import events as e
from workbench.core.inbox import for_person, how_to_answer
from workbench.core.mail import ALL, PERSON, WORKBENCH, Message, MessageKind
from workbench.core.state import Ask, RunState
from workbench.core.story.words import Line, short

Words = Callable[[RunState, Any], Line | None]


def line(state: RunState, event: e.Event) -> Line | None:
    """What to say about an event of these, or None."""
    words = _WORDS.get(type(event))
    return words(state, event) if words is not None else None


def _passed_on(state: RunState, event: e.AskPassedOn) -> Line:
    why = f": {short(event.why)}" if event.why else ""
    return Line("run", f"{event.message} waits for {_whom(event.to)} now{why}", "warn")


def _refused(state: RunState, event: e.MessageRefused) -> Line:
    attempt = state.attempts.get((event.task, event.attempt))
    who = attempt.teammate if attempt is not None else ""
    return Line(who, f"a message to {short(event.to, 40)} was refused: {short(event.reason)}", "warn")


def _reassigned(state: RunState, event: e.TaskReassigned) -> Line:
    if not event.to:
        return Line("run", f"{event.task} is for anybody again: who was to have it leaves", "warn")
    return Line("run", f"{event.task} is given to {event.to}, as asked for")


def _sent(state: RunState, message: Message) -> Line:
    who = "run" if message.sender == WORKBENCH else message.sender
    text, whom = short(message.text), _whom(message.to)
    if message.asks:
        if message.id not in state.asks or message.to != PERSON:
            leave = " to leave" if message.kind is MessageKind.SHUTDOWN else ""
            return Line(who, f"asks {whom}{leave} ({message.id}): {text}")
        return Line(who, f"asks you ({message.id}): {text}\n{how_to_answer(message)}", "warn")
    if message.kind is MessageKind.ANSWER:
        said = ": ".join(part for part in (message.decision, text) if part)
        tone = "faint" if message.sender == WORKBENCH else "plain"
        return Line(who, f"to {whom}, answering {message.reply_to}: {said}", tone)  # type: ignore[arg-type]
    return Line(who, f"to {whom}: {text}")


_WORDS: dict[type[e.Event], Words] = {
    e.MessageSent: lambda state, event: _sent(state, event.message),
    e.AskPassedOn: _passed_on,
    e.MessageRefused: _refused,
    e.RequestRefused: lambda state, event: Line(
        "run", f"a request was refused: {short(event.reason)}", "warn"
    ),
    e.RunPaused: lambda state, event: Line(
        "run", "paused: nothing new starts until `workbench resume`", "warn"
    ),
    e.RunUnpaused: lambda state, event: Line("run", "goes on"),
    e.TaskRetried: lambda state, event: Line("run", f"{event.task} is tried again, as asked for"),
    e.TaskReassigned: _reassigned,
    e.TaskSkipped: lambda state, event: Line(
        "run", f"{event.task} is left out, as asked for; what waits for it goes on", "warn"
    ),
}


def _whom(name: str) -> str:
    return {PERSON: "you", ALL: "all"}.get(name, name)


def waits(state: RunState) -> list[str]:
    """Who waits for whom and why, a line for each ask that is open; what waits for the person first."""
    asks = sorted(state.asks.values(), key=lambda ask: ask.to != PERSON)
    return [_waits(ask) for ask in asks]


def _waits(ask: Ask) -> str:
    message = ask.message
    about = f" ({message.task})" if message.task else ""
    return (
        f"{message.sender}{about} waits for {_whom(ask.to)}: {message.id} {short(message.text, 80)}".rstrip()
    )


def to_answer(state: RunState) -> str:
    """How many wait for the person, and where to see them; empty when nobody does."""
    count = len(for_person(state))
    return f"{count} wait{'s' if count == 1 else ''} for your answer: workbench inbox" if count else ""
