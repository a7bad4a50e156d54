"""Workbench's side of a shim: its command is waited for and ended through it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from typing import TypeVar

from workbench.adapters.children import Mark
from workbench.adapters.supervision.shim import END, KILL, KILL_SECONDS

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Kept:
    """A command under a shim. Fulfils ``children.Child``."""

    def __init__(self, lifeline: socket.socket, mark: Mark) -> None:
        self.pid = 0
        self._lifeline = lifeline
        self._mark = mark
        self._loop = asyncio.get_running_loop()
        self._heard = b""
        self._running: asyncio.Future[bool] = self._loop.create_future()
        self._exited: asyncio.Future[int] = self._loop.create_future()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._asked = False
        self._proven = False
        self._loop.add_reader(lifeline, self._hear)

    async def started(self, request: bytes) -> bool:
        """Hand over the request and wait for the answer: False when there is no shim to give one. Raises
        OSError and ValueError when the command cannot be started, ConnectionError when the shim is gone."""
        await self._loop.sock_sendall(self._lifeline, request)
        self._asked = True
        return await self._running

    async def abandon(self) -> None:
        """End one whose start did not come to its end. A shim that waits for the rest of its request takes
        no other word: cutting its lifeline is enough, and it has started nothing."""
        if self._asked:
            await self.end(0.0)
        else:
            self.close()

    async def wait(self) -> int:
        """See ``Child.wait``. When its shim was killed, the command was killed, too: see ``keeper``."""
        return await asyncio.shield(self._exited)

    async def end(self, grace: float | None = None) -> None:
        """See ``Child.end``; ``grace`` 0 kills at once, any other is the one that it was started with."""
        self._say(KILL if grace == 0 else END)
        try:
            await asyncio.shield(self._over)
        except asyncio.CancelledError:
            self._say(KILL)
            await self._over_though_cancelled()
            raise
        finally:
            self.close()
        await self.sweep()

    end_near = end

    @property
    def proven(self) -> bool:
        """See ``Child.proven``."""
        return self._proven

    async def sweep(self) -> None:
        """See ``Child.sweep``."""
        if not self._proven and self.pid:
            from workbench.adapters import processes

            await processes.sweep(self._mark)
            self._proven = True

    def close(self) -> None:
        """Cut the lifeline; a shim that is still there ends everything then. Safe to call twice."""
        if self._lifeline.fileno() >= 0:
            self._loop.remove_reader(self._lifeline)
            self._lifeline.close()
        self._lost()

    def _say(self, word: bytes) -> None:
        if not self._over.done():
            with contextlib.suppress(OSError):  # it is gone, which is about to be heard
                self._lifeline.send(word)

    async def _over_though_cancelled(self) -> None:
        """Wait until the shim is done, however often we are cancelled meanwhile: it only kills now."""
        until = self._loop.time() + KILL_SECONDS + 1
        while not self._over.done() and self._loop.time() < until:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({self._over}, timeout=1)

    def _hear(self) -> None:
        try:
            data = self._lifeline.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._lifeline)
            self._lost()
            return
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            self._take(*line.decode(errors="replace").split(" ", 2))

    def _take(self, word: str, number: str = "0", text: str = "") -> None:
        if word == "pid":
            self.pid = int(number)
            _settle(self._running, True)
        elif word == "failed" and not self._running.done():
            errno = int(number)
            self._running.set_exception(OSError(errno, text) if errno else ValueError(text))
        elif word == "exit":
            _settle(self._exited, int(number))
        elif word in ("gone", "left", "group"):
            self._proven = word != "group"
            if word == "left":
                logger.warning("%s processes below a command could not be killed", number)
            _settle(self._over, None)

    def _lost(self) -> None:
        """Nothing more is heard. If the end was not, the shim was killed."""
        if self.pid and not self._over.done():
            logger.warning("The shim of process %d was killed, and the process with it", self.pid)
        _settle(self._running, False)
        _settle(self._exited, -signal.SIGKILL)
        _settle(self._over, None)


def _settle(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)
