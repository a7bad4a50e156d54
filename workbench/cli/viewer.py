"""A run with its viewer: a process of its own that has the terminal until the person closes it.

The run stays in the process that was started, with its signals and its exit code, and says nothing as long as
the viewer is there. Closing the viewer, or its death, changes nothing about the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import workbench
from workbench.cli.lines import LiveTable
from workbench.cli.outcome import INTERRUPTED, explain
from workbench.cli.signals import handling
from workbench.cli.terminal import Lent
from workbench.core.story.story import Story

if TYPE_CHECKING:
    from workbench.core.events import Record
    from workbench.core.state import RunState

ROOT = str(Path(workbench.__file__).parent.parent)

CODE = "import sys; sys.path.append(sys.argv.pop(1)); from workbench.__main__ import entry; entry()"
"""The program as a person starts it, but never what a repository may call by the same name."""

END_SECONDS = 3.0
"""A viewer that is asked to end does so within this, or is killed."""


def is_there() -> bool:
    """Whether what the viewer is made with is installed."""
    return find_spec("textual") is not None


class Viewer:
    """Fulfils ``Display`` by the viewer, and by a live table once that is closed. ``repo`` is where the run
    is looked for."""

    def __init__(self, repo: Path) -> None:
        self._repo = repo
        self._began = self._shown = time.monotonic()
        self._story = Story()
        self._kept: list[tuple[str, str]] = []
        self._table: LiveTable | None = None
        self._viewing: asyncio.Future[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._state: RunState | None = None
        self._over = False

    def show(self, state: RunState, record: Record) -> None:
        """See Display. The first record opens the viewer: the log has it by now."""
        if self._table is not None:
            self._table.show(state, record)
            return
        self._story.line(state, record.event)  # what it has told already
        self._state, self._shown = state, time.monotonic()
        if self._viewing is None:
            self._viewing = asyncio.ensure_future(self._view(state.run))

    def say(self, sentence: str, hint: str = "") -> None:
        """See Display. Kept until the viewer is closed."""
        if self._viewing is None or self._viewing.done() or self._table is not None:
            explain(sentence, hint)
        else:
            self._kept.append((sentence, hint))

    async def closed(self) -> None:
        """See Display. A run that did not even begin is nothing to look at."""
        self._over = True
        if self._viewing is None:
            return
        if self._state is not None and self._state.outcome == "refused":
            self.close()
        with handling(lambda _: self.close()):
            await asyncio.wait({self._viewing})
        if not self._viewing.cancelled():
            self._viewing.result()

    def close(self) -> None:
        """See Display."""
        self._over = True
        if self._process is None:
            if self._viewing is not None and not self._viewing.done():
                self._viewing.cancel()  # it is being started
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        asyncio.get_running_loop().call_later(END_SECONDS, self._kill, self._process)

    async def _view(self, run: str) -> None:
        lent = Lent()
        code: int | None = None
        words = ["-P", "-c", CODE, ROOT, "watch", run, "--repo", str(self._repo), "--attached"]
        try:
            self._process = process = await asyncio.create_subprocess_exec(sys.executable, *words)
        except OSError as error:
            why = f"the viewer cannot be started: {error.strerror}"
        else:
            try:
                code = await process.wait()
            finally:
                self._process = None
                self._kill(process)
                lent.take_back(killed=code is None or code < 0)
            why = _why(code)
        if not self._over:
            with contextlib.suppress(OSError):  # the terminal was closed
                self._go_on(run, why)
        for sentence, hint in self._kept:
            explain(sentence, hint)
        self._kept.clear()

    def _go_on(self, run: str, why: str) -> None:
        """From here on lines and a table."""
        table = LiveTable(began=self._began, story=self._story)
        table.__enter__()
        if self._state is not None:
            table.stand(self._state, self._shown)
        self._table = table
        explain(f"{why}, the run goes on", f"`workbench watch {run}` opens it again, Ctrl-C stops the run")

    @staticmethod
    def _kill(process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        if self._table is not None:
            self._table.__exit__(kind, error, trace)


def _why(code: int) -> str:
    if code < 0:
        return f"the viewer was killed ({signal.Signals(-code).name})"
    return "the viewer is closed" if code in (0, INTERRUPTED) else f"the viewer failed (exit {code})"
