"""send, answer, pause, stop, retry and skip: a request, and what came of it."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.cli.printable import printable
from workbench.composition.past import read_from
from workbench.composition.place import Place, open_place
from workbench.composition.requesting import Requested, ask, run_meant
from workbench.core import events as e
from workbench.core.mail import ALL, Decision, Message, MessageKind
from workbench.core.models import TEXT_LIMIT
from workbench.core.requests import Answer, Pause, Reassign, Request, Retry, Skip, Stop, Unpause, Write
from workbench.errors import UsageError

NAME_LIMIT = 64
ID_LIMIT = 16


def send(to: str, words: list[str], run: str | None, reply_to: str, repo: Path, *, json: bool) -> int:
    """Write a message; the exit code."""
    text = _text(words)
    if not text.strip():
        raise UsageError("There is nothing to send.", 'workbench send TO "TEXT"')
    _demand(to, NAME_LIMIT, "a name")
    _demand(reply_to or "m1", ID_LIMIT, "a message's id")
    if to == ALL:
        explain("this goes to the whole team, and everyone pays for reading it")
    return _ask(repo, run, Write(to=to, text=text, reply_to=reply_to), json=json)


def answer(message: str, words: list[str], run: str | None, repo: Path, *, json: bool) -> int:
    """Answer what was asked; the exit code."""
    _demand(message, ID_LIMIT, "a message's id")

    async def main() -> int:
        place = await open_place(repo)
        return _told(await ask(place, run, _answer(place, run, message, words)), json=json)

    return run_async(main())


def _answer(place: Place, run: str | None, message: str, words: list[str]) -> Answer:
    with place.reading() as store:
        mail = read_from(store, run_meant(place, store, run)[0]).mail
    return meant(mail.get(message), message, words, _text(words))


def meant(asked: Message | None, message: str, words: list[str], text: str) -> Answer:
    """What the words mean, which are ``text`` together: to a question they are all text, otherwise the first
    may decide."""
    decision: Decision = ""
    if asked is not None and asked.kind is not MessageKind.QUESTION:
        first = words[0].lower()
        decision = "yes" if first == "yes" else "no" if first == "no" else ""
    return Answer(message=message, decision=decision, text=_text(words[1:]) if decision else text)


def stop(run: str | None, repo: Path, *, json: bool) -> int:
    """Stop a run; the exit code."""
    return _ask(repo, run, Stop(), json=json)


def pause(run: str | None, repo: Path, *, json: bool) -> int:
    """Pause a run; the exit code."""
    return _ask(repo, run, Pause(), json=json)


async def unpause(place: Place, run: str | None, *, json: bool) -> int:
    """Let a paused run go on; the exit code."""
    return _told(await ask(place, run, Unpause()), json=json)


def retry(task: str, run: str | None, repo: Path, *, json: bool) -> int:
    """Have a task tried again; the exit code."""
    _demand(task, NAME_LIMIT, "a task's id")
    return _ask(repo, run, Retry(task=task), json=json)


def skip(task: str, run: str | None, repo: Path, *, json: bool) -> int:
    """Leave a task out; the exit code."""
    _demand(task, NAME_LIMIT, "a task's id")
    return _ask(repo, run, Skip(task=task), json=json)


def reassign(task: str, to: str, run: str | None, repo: Path, *, json: bool) -> int:
    """Give a task to a teammate; the exit code."""
    _demand(task, NAME_LIMIT, "a task's id")
    _demand(to, NAME_LIMIT, "a name")
    return _ask(repo, run, Reassign(task=task, to=to), json=json)


def _ask(repo: Path, run: str | None, request: Request, *, json: bool) -> int:
    async def main() -> int:
        return _told(await ask(await open_place(repo), run, request), json=json)

    return run_async(main())


def _told(asked: Requested, *, json: bool) -> int:
    """Say what came of a request."""
    event = asked.event
    if json:
        followed = None if event is None else {"type": type(event).__name__} | event.model_dump(mode="json")
        told = {"request": asked.id, "run": asked.run, "taken": event is not None, "followed": followed}
        print(jsonlib.dumps(told))
    elif event is None:
        if asked.replaced:
            explain("this takes the place of the answer that was kept before")
        explain(f"run {asked.run} is not going on: this is kept until it is", f"workbench resume {asked.run}")
    else:
        print(printable(words(asked.run, event)))
    return 0


def words(run: str, event: e.Event) -> str:
    """What followed from a request, in a sentence."""
    match event:
        case e.MessageSent(message=message) if message.kind is MessageKind.ANSWER:
            said = f": {message.decision}" if message.decision else ""
            return f"{message.reply_to} is answered{said} ({message.id})"
        case e.MessageSent(message=message):
            about = f", in answer to {message.reply_to}" if message.reply_to else ""
            return f"{message.id} is sent to {message.to}{about}"
        case e.StopRequested():
            return f"{run} is stopping; what the teammates have is kept (`workbench resume {run}` goes on)"
        case e.RunPaused():
            return f"{run} is paused: nothing new starts (`workbench resume {run}` lets it go on)"
        case e.RunUnpaused():
            return f"{run} goes on"
        case e.TaskRetried():
            return f"{event.task} is tried again"
        case e.TaskReassigned():
            return f"{event.task} is given to {event.to}, and waits for nobody else"
        case e.TaskSkipped():
            return f"{event.task} is left out; what waits for it goes on without it"
        case _:
            return f"taken: {type(event).__name__}"


def _text(words: list[str]) -> str:
    text = sys.stdin.read() if words == ["-"] else " ".join(words)
    if len(text) > TEXT_LIMIT:
        raise UsageError(
            f"That is {len(text)} characters long; a message has at most {TEXT_LIMIT}.",
            "Put the rest into a file of the repository, and name it.",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("The text is not UTF-8.", "Send plain text.") from None
    return text


def _demand(word: str, limit: int, what: str) -> None:
    if not word or len(word) > limit or not word.isprintable():
        raise UsageError(
            f"{printable(word)[:80]!r} cannot be {what}.", "`workbench inbox` and `status` list them."
        )
