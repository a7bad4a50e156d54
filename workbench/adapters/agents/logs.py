"""Log files that commands write to directly: kept bounded, their last line told now and then.

All that are open are looked at together, so that a look costs about a microsecond for each and can come
often: a command that was quiet for an hour may print a gigabyte in the next second.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator

from workbench.adapters.output import readable

LOG_BYTES = 4_000_000
"""Above this a log is cut to its end, as soon as nothing is printed for a moment."""

LOG_MOST = 32_000_000
"""Above this it is cut in any case, and what is printed meanwhile is lost. A log is never larger than this
and what is written to it in LOOK_SECONDS, some 100 MB on the fastest of disks."""

LOG_KEPT = 65_536
"""How much of its end stays."""

NOTE = b"[earlier output dropped]\n"

TRIES = 50
"""How often in a look the end is read anew because more was printed."""

LOOK_SECONDS = 0.05
"""Between two looks."""

SAID_SECONDS = 2.0
"""At most one line of output in this time is told."""

LINE_CHARACTERS = 500

Tell = Callable[[str], None]


class Logs:
    """The logs of all commands that run, on the event loop of whoever watches first."""

    def __init__(self) -> None:
        self._logs: set[_Log] = set()
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.contextmanager
    def watched(self, descriptor: int, tell: Tell) -> Iterator[None]:
        """Keep the open file ``descriptor`` bounded as long as the context lasts; ``tell`` is given its
        last line."""
        log = _Log(descriptor, tell)
        self._logs.add(log)
        if self._timer is None:
            self._wait()
        try:
            yield
        finally:
            self._logs.discard(log)
            if not self._logs and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._wait()  # first: a log that cannot be cut must not keep the others from being looked at
        now = asyncio.get_running_loop().time()
        for log in tuple(self._logs):
            log.look(now)


class _Log:
    def __init__(self, descriptor: int, tell: Tell) -> None:
        self._descriptor = descriptor
        self._tell = tell
        self._size = 0
        self._untold = False
        self._told_at = float("-inf")

    def look(self, now: float) -> None:
        size = os.fstat(self._descriptor).st_size
        if size != self._size:
            self._untold = True
        if self._untold and size and now - self._told_at >= SAID_SECONDS:
            self._told_at = now
            self._untold = False
            line = readable(end_of(self._descriptor, 4096), 1, LINE_CHARACTERS)
            if line := line.removeprefix("[earlier output cut]\n").strip():
                self._tell(line)
        self._size = bound(self._descriptor, size)


def bound(log: int, size: int | None = None) -> int:
    """Keep the end of a log of ``size`` bytes that has grown too long; gives its size. The command appends,
    so what it prints next follows that."""
    if size is None:
        size = os.fstat(log).st_size
    if size <= LOG_BYTES:
        return size
    try:
        whole = os.open(f"/proc/self/fd/{log}", os.O_WRONLY | os.O_CLOEXEC)  # this one does not append
    except OSError:  # there is no such place outside Linux
        kept = NOTE + end_of(log)
        os.ftruncate(log, 0)
        os.write(log, kept)
        return len(kept)
    try:
        for _ in range(TRIES):
            seen, kept = size, NOTE + end_of(log)
            os.pwrite(whole, kept, 0)  # at the place that it will have: what is printed next comes behind it
            size = os.fstat(log).st_size
            if size == seen:  # else what was printed meanwhile would be lost
                break
        if size != seen and size < LOG_MOST:
            return size
        os.ftruncate(whole, len(kept))
    finally:
        os.close(whole)
    return len(kept)


def end_of(log: int, size: int = LOG_KEPT) -> bytes:
    """The last ``size`` bytes of a log."""
    return os.pread(log, size, max(0, os.fstat(log).st_size - size))
