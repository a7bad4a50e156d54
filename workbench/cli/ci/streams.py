"""stdout and stderr on a runner, where lines are obeyed: whatever is printed is words, and commands have a
way of their own."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

from workbench.core.ci.commands import harmless, is_command


class WordsOnly(io.TextIOBase):
    """A text stream of which no line is a command. Lines are passed on once they are whole; ``fit`` makes
    each harmless."""

    def __init__(self, inner: TextIO, fit: Callable[[str], str] = harmless) -> None:
        self._inner = inner
        self._fit = fit
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self._inner.write("".join(f"{self._fit(line.rstrip(chr(13)))}\n" for line in lines))
        return len(text)

    def flush(self) -> None:
        self._inner.flush()

    def command(self, line: str) -> None:
        """A line that the runner is to obey, or several."""
        self.end_line()
        self._inner.write(f"{line}\n")
        self._inner.flush()

    def end_line(self) -> None:
        """Pass on what was begun."""
        if self._begun:
            self.write("\n")

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._inner.isatty()

    def fileno(self) -> int:
        return self._inner.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._inner.encoding


@contextlib.contextmanager
def words_only_on_stderr() -> Iterator[WordsOnly]:
    """Nothing that is said on stderr meanwhile is a command; gives the stream. The second time it is the one
    that is there already."""
    there = sys.stderr
    if isinstance(there, WordsOnly):
        yield there
        return
    stream = WordsOnly(there)
    sys.stderr = stream
    try:
        yield stream
    finally:
        sys.stderr = there
        with contextlib.suppress(OSError):  # the reader went away
            stream.end_line()


@contextlib.contextmanager
def words_only_on_stdout() -> Iterator[None]:
    """The same for stdout, where lines of JSON keep their meaning."""
    there = sys.stdout
    stream = WordsOnly(there, harmless_json)
    sys.stdout = stream
    try:
        yield
    finally:
        sys.stdout = there
        with contextlib.suppress(OSError):
            stream.end_line()


def harmless_json(line: str) -> str:
    """A line of JSON that means the same and is no command, or what ``harmless`` makes of another line."""
    if not is_command(line):
        return line
    if not line.startswith("{"):
        return harmless(line)
    try:
        value = json.loads(line)
    except ValueError:
        return harmless(line)
    return json.dumps(value).replace("##[", "##\\u005b")
