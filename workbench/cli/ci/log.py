"""A run in the log of a job: what happens as it comes, and each attempt's own story folded into a group."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Self

from workbench.cli.ci.streams import WordsOnly
from workbench.cli.printed import Printed
from workbench.core import events as e
from workbench.core.ci.commands import command, harmless, stopped
from workbench.core.ci.markup import cut
from workbench.core.models import Verdict
from workbench.core.state import RunState
from workbench.core.story.story import Story
from workbench.core.story.words import Line

KEPT_SECONDS = 120.0
"""What an attempt has to tell is held back until it ends, and no longer than this."""

LINES = 100
"""Lines of a gate's output that are shown, the last ones."""

Key = tuple[str, int]


@dataclass
class Chapter:
    """What one attempt has told and the log has not: ``lines`` are fit for it. ``since`` is when the first of
    them was told."""

    teammate: str
    lines: list[str] = field(default_factory=list)
    since: float = 0.0


class GroupedLines(Printed):
    """Fulfils ``cli.display.Display``. Groups cannot be nested and teammates work at once, so an attempt's
    lines are kept until it ends and then told in one group; all else is told as it comes."""

    def __init__(self, stream: WordsOnly) -> None:
        self._stream = stream
        self._story = Story()
        self._chapters: dict[Key, Chapter] = {}

    def show(self, state: RunState, record: e.Record) -> None:
        event = record.event
        said = self._story.line(state, event)
        lines = _words(said) if said is not None else []
        match event:
            case e.AttemptStarted():
                self._chapters[event.task, event.attempt] = Chapter(event.teammate)
            case e.WorkChecked() | e.CandidateChecked():  # of the base the story tells it
                lines += [_output(verdict) for verdict in event.verdicts if not verdict.green]
            case _:
                pass
        if lines:
            self._take(event, lines, record.at)
        if isinstance(event, e.AttemptEnded):
            self._tell((event.task, event.attempt))
        for key in [key for key, it in self._chapters.items() if _long_ago(it, record.at)]:
            self._tell(key, ended=False)

    def _take(self, event: e.Event, lines: list[str], at: float) -> None:
        key = (event.task, event.attempt) if isinstance(event, e.AttemptEvent) else None
        chapter = self._chapters.get(key) if key is not None else None
        if chapter is not None and not isinstance(event, e.AttemptStarted):
            chapter.since = chapter.since if chapter.lines else at
            chapter.lines += lines
        elif len(lines) > 1:
            self._group(lines[0], lines[1:])
        else:
            self._stream.command(lines[0])

    def _tell(self, key: Key, *, ended: bool = True) -> None:
        """Tell what an attempt has to tell; when it has ended, for the last time."""
        chapter = self._chapters.pop(key, None) if ended else self._chapters[key]
        if chapter is None or not chapter.lines:
            return
        task, number = key
        more = "" if ended else ", so far"
        self._group(f"{chapter.teammate}: {task}, attempt {number}{more}", chapter.lines)
        chapter.lines = []

    def _group(self, title: str, lines: list[str]) -> None:
        self._stream.command("\n".join([command("group", title), *lines, command("endgroup")]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._chapters):
            self._tell(key)


def _long_ago(chapter: Chapter, at: float) -> bool:
    return bool(chapter.lines) and at - chapter.since >= KEPT_SECONDS


def _words(said: Line) -> list[str]:
    """A line of the story; further lines that it has stand behind a bar, so that none begins with less."""
    first, *more = said.what.split("\n")
    told = [f"{said.who:<8} {first}".rstrip(), *(f"  | {line}" for line in more)]
    return [harmless("\n".join(told))]


def _output(verdict: Verdict) -> str:
    """What a red gate printed, the end of it; the runner obeys nothing in it."""
    lines = verdict.output.split("\n")
    ended = f"exit code {verdict.exit_code}" if verdict.exit_code is not None else "no exit code"
    head = harmless(f"gate     `{cut(verdict.gate, 200)}` is red ({ended})".replace("\n", " "))
    told = stopped("\n".join(lines[-LINES:]), secrets.token_hex(16)) if verdict.output else ""
    return f"{head}\n{told}".rstrip()
