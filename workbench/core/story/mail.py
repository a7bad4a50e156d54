"""What the team writes, and what people ask of the run, as lines of a display; and who waits for whom."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.inbox import for_person, how_to_answer
from workbench.core.mail import ALL, PERSON, WORKBENCH, Message, MessageKind
from workbench.core.state import Ask, RunState
from workbench.core.story.words import Line, short

_TOLD = frozenset({
    e.MessageSent, e.AskPassedOn, e.MessageRefused, e.RequestRefused, e.RunPaused, e.RunUnpaused,
    e.TaskReassigned, e.TaskRetried, e.TaskSkipped,
})  # fmt: skip
"""Most events are none of these, and a long log is read faster when that is one look."""


def line(state: RunState, event: e.Event) -> Line | None:
    """What to say about an event of these, or None."""
    if type(event) not in _TOLD:
        return None
    match event:
        case e.MessageSent():
            return _sent(state, event.message)
        case e.AskPassedOn():
            why = f": {short(event.why)}" if event.why else ""
            return Line("run", f"{event.message} waits for {_whom(event.to)} now{why}", "warn")
        case e.MessageRefused():
            attempt = state.attempts.get((event.task, event.attempt))
            who = attempt.teammate if attempt is not None else ""
            return Line(who, f"a message to {short(event.to, 40)} was refused: {short(event.reason)}", "warn")
        case e.RequestRefused():
            return Line("run", f"a request was refused: {short(event.reason)}", "warn")
        case _:
            return _steered(event)


def _steered(event: e.Event) -> Line | None:
    match event:
        case e.RunPaused():
            return Line("run", "paused: nothing new starts until `workbench resume`", "warn")
        case e.RunUnpaused():
            return Line("run", "goes on")
        case e.TaskRetried():
            return Line("run", f"{event.task} is tried again, as asked for")
        case e.TaskReassigned(to=""):
            return Line("run", f"{event.task} is for anybody again: who was to have it leaves", "warn")
        case e.TaskReassigned():
            return Line("run", f"{event.task} is given to {event.to}, as asked for")
        case e.TaskSkipped():
            return Line("run", f"{event.task} is left out, as asked for; what waits for it goes on", "warn")
        case _:
            return None


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
