"""A long-lived git that answers questions: cheaper than a process for each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from workbench.adapters.git import silence
from workbench.adapters.git.process import (
    PATIENCE,
    Place,
    decoded,
    environment,
    executable,
    last_words,
    not_started,
    patiently,
)
from workbench.crashpoints import crashpoint
from workbench.errors import GitError

T = TypeVar("T")


class Conversation:
    """A long-lived git process: lines in, answers out, one question at a time.

    It is started when first asked and again after it died. An exchange that fails or is cancelled
    half-way leaves the pipes out of step, so that process is ended and the next question starts
    another. Questions must be safe to ask twice.
    """

    def __init__(self, place: Place, *words: str, unbuffered: bool = False) -> None:
        self._place = place
        self._words = words
        self._unbuffered = unbuffered
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._outdated = False
        self._freed = False  # it was ended since it waited at something that is gone now

    def renew(self) -> None:
        """Have the next question asked of a new process, which knows the repository as it is then."""
        self._outdated = True

    async def exchange(self, talk: Callable[[asyncio.StreamWriter, asyncio.StreamReader], Awaitable[T]]) -> T:
        """Let ``talk`` ask one question and read its answer; nobody else asks meanwhile.

        Raises GitError with git's complaint when the process died of the question. One that had
        died before the question came is replaced and asked again.
        """
        async with self._lock:
            standing = self._process is not None
            self._freed = False
            try:
                return await self._try(talk)
            except GitError:
                if not standing and not self._freed:
                    raise
            return await self._try(talk)

    async def _try(self, talk: Callable[[asyncio.StreamWriter, asyncio.StreamReader], Awaitable[T]]) -> T:
        process = await patiently(self._started)
        assert process.stdin is not None
        assert process.stdout is not None
        whole = False
        look = asyncio.get_running_loop().call_later(silence.SLOW_SECONDS, self._look_after, process)
        try:
            answer = await talk(process.stdin, process.stdout)
            whole = True
            return answer
        except (asyncio.IncompleteReadError, ConnectionError) as broken:
            complaint = await self._complaint(process)
            raise GitError(f"git {self._words[0]} failed: {last_words(complaint)}") from broken
        finally:
            look.cancel()
            if not whole:
                await self._end()

    def _look_after(self, process: asyncio.subprocess.Process) -> None:
        """An answer is slow to come: take what git would wait at for ever out of its way, and end it."""
        if self._place.clear is None:
            return

        def cleared(done: asyncio.Future[list[str]]) -> None:
            for sentence in done.result():
                self._place.notice(sentence)
                self._freed = True
            if done.result() and process.returncode is None:
                process.terminate()

        asyncio.get_running_loop().run_in_executor(None, self._place.clear).add_done_callback(cleared)

    async def aclose(self) -> None:
        """End the process. Safe to call twice."""
        async with self._lock:
            await self._end()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._outdated:
            await self._end()
            self._outdated = False
        if self._process is not None and self._process.returncode is None:
            return self._process
        prefix = ["stdbuf", "-o0"] if self._unbuffered else []
        try:
            crashpoint(f"git.{self._words[0]}.kept")
            self._process = await asyncio.create_subprocess_exec(
                *prefix,
                executable(),
                *self._place.words(),
                *self._words,
                cwd=self._place.work_tree,
                env={**environment(), **self._place.extra},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=2**24,
                start_new_session=True,  # the terminal's Ctrl-C is for workbench to handle
            )
        except OSError as refused:
            raise not_started(refused) from refused
        return self._process

    async def _complaint(self, process: asyncio.subprocess.Process) -> str:
        assert process.stderr is not None
        try:
            return decoded(await asyncio.wait_for(process.stderr.read(), 5))
        except TimeoutError:
            return "it closed its output without a word"

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()  # then git removes its locks, which a kill would leave on refs
        last = asyncio.get_running_loop().call_later(PATIENCE, _kill, process)
        try:
            await asyncio.shield(process.wait())
        finally:
            last.cancel()
        process._transport.close()  # type: ignore[attr-defined]  # else its pipes wait for the collector


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
