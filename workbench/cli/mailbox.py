"""inbox: what waits for a person, on a terminal or as JSON."""

from __future__ import annotations

import json as jsonlib
import time
from collections.abc import Mapping
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.cli.printable import printable
from workbench.composition.past import mailbox
from workbench.composition.place import open_place
from workbench.composition.requesting import kept_answers
from workbench.core.inbox import Inbox, Letter, OpenAsk, StuckTask, inbox
from workbench.core.mail import PERSON, WORKBENCH
from workbench.core.report import duration
from workbench.core.requests import Answer
from workbench.core.story.words import clock_time, gist

LATEST = 10
"""Messages to the person that are shown; `--all` and `--json` show all."""


def show(run: str | None, repo: Path, *, everything: bool, json: bool) -> int:
    """Print what waits for the person; gives the exit code."""
    place = run_async(open_place(repo))
    state, sent, going_on, damaged = mailbox(place, run)
    if damaged is not None:
        explain(str(damaged), damaged.hint)
    found = inbox(state, sent, everything=everything)
    kept = kept_answers(place, state.run)
    if json:
        told = {"going_on": going_on, "kept": sorted(kept)} | found.model_dump(mode="json")
        print(jsonlib.dumps(told, indent=2))
        return damaged.exit_code if damaged is not None else 0
    for line in lines(found, time.time(), kept, everything=everything):
        print(line)
    if not going_on and found.asks and not state.over_for_good:
        explain(f"run {state.run} is not going on; answers are kept", f"workbench resume {state.run}")
    return damaged.exit_code if damaged is not None else 0


def lines(
    found: Inbox, now: float, kept: Mapping[str, Answer] | None = None, *, everything: bool = False
) -> list[str]:
    """The inbox as lines, each inert: nothing that a teammate wrote moves the cursor. ``kept`` are answers
    that the run has not taken yet, by the message."""
    said: list[str] = []
    for ask in found.asks:
        answer = kept.get(ask.id) if kept else None
        what = f"    {ask.command}" if answer is None else _kept(answer)
        said += [_asked(ask, now), *_block(ask.text), what, ""]
    for ask in found.others:
        said += [_asked(ask, now), *_block(ask.text), ""]
    for task in found.tasks:
        said += [_stuck(task), *(f"    {command}" for command in task.commands), ""]
    if everything:
        said += _threads(found.letters, now)
    else:
        asks = {ask.id for ask in found.asks}
        said += _latest([it for it in found.letters if it.id not in asks], now)
    while said and not said[-1]:
        said.pop()
    return said or [f"{found.run}: nothing waits for you"]


def _asked(ask: OpenAsk, now: float) -> str:
    whom = "you" if ask.waits_for == "person" else ask.waits_for
    how = "is held until it is answered," if ask.holds else f"waits for {whom}"
    since = (
        f" since {clock_time(ask.since, now)} ({duration(max(0.0, now - ask.since))})" if ask.since else ""
    )
    until = f", until {clock_time(ask.until, now)}" if ask.until is not None else ""
    about = f" ({ask.task})" if ask.task else ""
    by = {WORKBENCH: "", PERSON: " from you"}.get(ask.sender, f" of {ask.sender}")
    return printable(f"{ask.id}  {ask.kind}{by}{about}: {how}{since}{until}")


def _kept(answer: Answer) -> str:
    said = ": ".join(part for part in (answer.decision, gist(answer.text)) if part)
    return printable(f"    answered, and kept until the run is resumed: {said}")


def _stuck(task: StuckTask) -> str:
    return printable(f"{task.task}  {task.status}: {gist(task.reason) or 'no reason is known'}")


def _latest(letters: list[Letter], now: float) -> list[str]:
    said = [line for letter in letters[-LATEST:] for line in _letter(letter, now)]
    left = len(letters) - LATEST
    return [f"({left} earlier messages: workbench inbox --all)", *said] if left > 0 else said


def _threads(letters: tuple[Letter, ...], now: float) -> list[str]:
    """Every exchange after the other, in the order of their beginning, what answers set in."""
    threads: dict[str, list[Letter]] = {}
    for letter in letters:
        threads.setdefault(letter.thread, []).append(letter)
    said: list[str] = []
    for thread in threads.values():
        for letter in thread:
            indent = "" if letter is thread[0] else "  "
            said += [indent + line for line in _letter(letter, now)]
        said.append("")
    return said


def _letter(letter: Letter, now: float) -> list[str]:
    whom = "you" if letter.to == "person" else letter.to
    kind = "" if letter.kind == "message" else f"{letter.kind}, "
    decision = f" {letter.decision}" if letter.decision else ""
    about = f" to {letter.reply_to}" if letter.reply_to else ""
    when = clock_time(letter.at, now) if letter.at else ""
    head = f"{letter.id}  {letter.sender} → {whom}  {kind}{when}{about}{decision}".rstrip()
    if letter.answer:
        head += f", answered ({letter.answer})"
    return [printable(head), *_block(letter.text)]


def _block(text: str) -> list[str]:
    return [f"    {printable(line)}" for line in text.splitlines() if line.strip()]
