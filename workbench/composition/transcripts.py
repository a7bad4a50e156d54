"""What the agent of an attempt says and does, from its own record, as that grows."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.adapters.agents.claude.transcript import said_in, transcript_path
from workbench.adapters.folder import FOLDER, LOG
from workbench.adapters.output import readable
from workbench.adapters.tail import Tail, open_plain
from workbench.composition.place import Place
from workbench.composition.redacting import open_redactor
from workbench.core.state import AttemptState, RunState
from workbench.core.transcripts import Entry, Transcript

ENTRIES = 2_000
"""Of a transcript that are held; of earlier ones it is said where they are."""

CHARACTERS = 8_000_000
"""Of all of their texts together."""

LINE = 2_000
"""Characters of a line of output that are shown."""


def claude_home(place: Place, state: RunState, teammate: str) -> Path:
    """Where the Claude Code of a teammate keeps its configuration and its transcripts: each rehearsed one has
    a folder of its own, below the run's."""
    if state.settings.scripted:
        return place.run_dir(state.run) / "claude" / teammate
    given = os.environ.get("CLAUDE_CONFIG_DIR")
    return Path(given) if given else Path(os.environ.get("HOME", "/"), ".claude")


class TranscriptReader:
    """Reads the transcript of an attempt on, each time that it is asked. Not for two threads at once."""

    def __init__(self, place: Place, state: RunState, attempt: AttemptState) -> None:
        self._tail: Tail | None = None
        self._path = ""
        self._claude = state.settings.agent == "claude"
        self._home = claude_home(place, state, attempt.teammate)
        self._session = attempt.session or ""
        mate = state.teammates.get(attempt.teammate)
        self._worktree = mate.worktree if mate is not None else ""
        self._log = f"{attempt.task}-{attempt.number}.log"
        self._redactor = open_redactor()
        self._clear()

    def _clear(self) -> None:
        self._entries: deque[Entry] = deque()
        self._next, self._size = 1, 0
        self._uses: dict[str, int] = {}
        self._dropped = False

    def read(self) -> Transcript | None:
        """The transcript as it stands; None where there is none, or none that can be read. Blocks."""
        if self._tail is None and not self._find():
            return None
        assert self._tail is not None
        try:
            more = True
            while more:
                anew, lines, more = self._tail.lines()
                if anew:
                    self._clear()
                for line in lines:
                    self._take(line)
        except OSError:
            self._tail = None
            return Transcript(tuple(self._entries), self._path, self._dropped) if self._entries else None
        return Transcript(tuple(self._entries), self._path, self._dropped or self._tail.skipped)

    def _find(self) -> bool:
        if self._claude:
            try:
                path = transcript_path(self._home, self._session)
            except OSError:
                path = None
        else:
            path = Path(self._worktree, FOLDER, LOG, self._log) if self._worktree else None
        if path is None:
            return False
        self._path = str(path)
        self._tail = Tail(lambda: open_plain(path))
        return True

    def _take(self, line: bytes) -> None:
        if not self._claude:
            text = self._redactor.text(readable(line, 1, LINE))
            self._add({"at": 0.0, "kind": "output", "text": text}, "")
            return
        for found in said_in(line):
            said = {
                name: self._redactor.text(value) if name in ("text", "target", "result") and value else value
                for name, value in found.items()
            }
            if (answers := said.pop("answers", None)) is not None:
                self._answer(self._uses.pop(answers, 0), said)
            else:
                self._add(said, said.pop("id", ""))

    def _add(self, said: dict[str, Any], use: str) -> None:
        entry = Entry(number=self._next, **said)
        self._next += 1
        if use:
            self._uses[use] = entry.number
        self._entries.append(entry)
        self._size += len(entry.text)
        while len(self._entries) > ENTRIES or (self._size > CHARACTERS and len(self._entries) > 1):
            gone = self._entries.popleft()
            self._size -= len(gone.text) + len(gone.result or "")
            self._dropped = True
        if len(self._uses) > ENTRIES:
            self._uses.pop(next(iter(self._uses)))

    def _answer(self, number: int, said: dict[str, Any]) -> None:
        place = number - self._entries[0].number if self._entries and number else -1
        if 0 <= place < len(self._entries):
            said.pop("at")
            self._entries[place] = replace(self._entries[place], **said)
            self._size += len(said["result"])
