"""Processes of agents and gates, found and ended without a shim above them: the last resort.

A process can leave its group (``setsid``) and its parent (double fork), but it keeps the environment
it was started with. So everything that is started carries a variable with a value of its own, a mark,
by which leftovers are found. What leaves its group, loses its parent and clears its environment at
once is not found; a shim (see ``supervision``) finds that too. This is for where there is none: other
systems than Linux, a shim that was killed, and what a killed workbench left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

from workbench.adapters.children import GRACE_SECONDS, Mark

KILL_SECONDS = 5.0
"""How long processes that were killed are waited for: one in an uninterruptible read may stay."""

SHARED_SECONDS = 0.25
"""The longest that a look at the process table is put off so that more can share it."""


async def end(process: asyncio.subprocess.Process | None, mark: Mark, grace: float = GRACE_SECONDS) -> None:
    """Terminate, wait, kill: on return no process of the leader's group, none below it and none
    that carries ``mark`` is left. When nothing is, it costs a share of one look at the process table,
    and up to SHARED_SECONDS of waiting for that.

    ``process`` is the leader, or None when it did not come to be. Cancelling kills at once what is left,
    and waits until the leader is gone.
    """
    await end_group(process, grace)
    try:
        if await CENSUS.look(mark):
            await _end(lambda: carrying(mark), grace)
    except asyncio.CancelledError:
        signal_all(carrying(mark), signal.SIGKILL)
        raise


async def end_group(process: asyncio.subprocess.Process | None, grace: float = GRACE_SECONDS) -> None:
    """As ``end``, for the leader's group and what stands below it. Costs next to nothing when they are
    gone; what left both is for ``end``, or for a ``sweep`` later."""
    if process is None:
        return
    below = _below(process.pid)

    def left() -> list[psutil.Process]:
        return _left(process.pid, below)

    try:
        await _end(left, grace)
        await _reaped(process)
    except asyncio.CancelledError:
        if left():
            with contextlib.suppress(OSError):  # at once: one by one, a shell could start its next command
                os.killpg(process.pid, signal.SIGKILL)
        signal_all(left(), signal.SIGKILL)
        await _reaped_though_cancelled(process)
        raise


async def sweep(mark: Mark, grace: float = GRACE_SECONDS) -> None:
    """End whatever still carries ``mark``; for after ``end_group``, where nobody waits for it."""
    if await CENSUS.look(mark):
        await _end(lambda: carrying(mark), grace)


async def _end(left: Callable[[], list[psutil.Process]], grace: float) -> None:
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, KILL_SECONDS)):
        pause = 0.002
        deadline = time.monotonic() + seconds
        told: set[psutil.Process] = set()
        # Looking again in each round: what is told to end may still start others.
        while found := left():
            signal_all(set(found) - told, number)
            told.update(found)
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.1)
        else:
            return


class Census:
    """Looks for marks in the process table, one look for everybody who asks meanwhile.

    A look reads the environment of every process of the machine. With hundreds of agents ending at
    once, a look for each would cost the square of their number; so looks are spaced such that
    they take a twentieth of the time at most.
    """

    def __init__(self) -> None:
        self._asked: dict[Mark, asyncio.Future[bool]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._next = 0.0

    async def look(self, mark: Mark) -> bool:
        """Whether any living process carries ``mark``, by a look that begins after this call."""
        if mark not in self._asked:
            self._asked[mark] = asyncio.get_running_loop().create_future()
        answer = self._asked[mark]
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        return await asyncio.shield(answer)

    async def _look(self) -> None:
        while self._asked:
            await asyncio.sleep(self._next - time.monotonic())
            asked, self._asked = self._asked, {}
            began = time.monotonic()
            found = _marked(tuple(asked))
            for mark, answer in asked.items():
                if not answer.done():
                    answer.set_result(mark in found)
            took = time.monotonic() - began
            self._next = time.monotonic() + min(SHARED_SECONDS, took * 19)


CENSUS = Census()
"""The process table is one, and so is who looks at it."""


async def _reaped(process: asyncio.subprocess.Process) -> None:
    """Let asyncio take note of the leader's end, so that it closes what it keeps for it."""
    with contextlib.suppress(TimeoutError):  # not even SIGKILL ended it: nothing more can be done
        async with asyncio.timeout(1):
            await process.wait()


async def _reaped_though_cancelled(process: asyncio.subprocess.Process) -> None:
    """As ``_reaped``, however often we are cancelled meanwhile. It takes a moment, for the process was
    killed; and who goes on at once may close the loop, which then never learns of the end."""
    noting = asyncio.ensure_future(_reaped(process))
    while not noting.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({noting})


def reap_orphans(run: str, state_dir: Path, grace: float = GRACE_SECONDS) -> list[int]:
    """End what a killed orchestrator left running, and give the process ids.

    Only processes of this user that carry both ``WORKBENCH_RUN=run`` and
    ``WORKBENCH_STATE=state_dir`` are touched, never this process or those above it. Blocks for
    ``grace`` seconds at most before it kills.
    """
    marks = (("WORKBENCH_RUN", run), ("WORKBENCH_STATE", str(state_dir)))
    reaped: set[int] = set()
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, KILL_SECONDS)):
        deadline = time.monotonic() + seconds
        told: set[psutil.Process] = set()
        while left := carrying(*marks):
            reaped.update(process.pid for process in left)
            signal_all(set(left) - told, number)
            told.update(left)
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
    return sorted(reaped)


def carrying(*marks: Mark) -> list[psutil.Process]:
    """Living processes whose environment holds all of ``marks``, except this one and those above it."""
    wanted = {_variable(mark) for mark in marks}
    found = [pid for pid in psutil.pids() if wanted <= _environment(pid, min(wanted))]
    return _others(found)


def _marked(marks: Sequence[Mark]) -> set[Mark]:
    """Those of ``marks`` that a living process carries."""
    wanted = {_variable(mark): mark for mark in marks}
    names = {name.encode() + b"=" for name, _ in marks}
    found: dict[Mark, list[int]] = {}
    for pid in psutil.pids():
        for variable in _environment(pid, *names) & wanted.keys():
            found.setdefault(wanted[variable], []).append(pid)
    return {mark for mark, pids in found.items() if _others(pids)}


def _others(pids: Sequence[int]) -> list[psutil.Process]:
    if not pids:  # nearly always, and who is above us takes as long to find out as all the rest
        return []
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return _living(pid for pid in pids if pid not in own)


def _variable(mark: Mark) -> bytes:
    return os.fsencode(f"{mark[0]}={mark[1]}")


def _environment(pid: int, *hints: bytes) -> set[bytes]:
    """The variables of a process, or nothing when none of ``hints`` is anywhere among them."""
    try:
        if sys.platform == "linux":  # psutil takes ten times as long to do the same
            with os.fdopen(os.open(f"/proc/{pid}/environ", os.O_RDONLY), "rb", buffering=0) as file:
                raw = file.readall()
            return set(raw.split(b"\0")) if any(hint in raw for hint in hints) else set()
        return {os.fsencode(f"{n}={v}") for n, v in psutil.Process(pid).environ().items()}
    except (OSError, psutil.Error):  # somebody else's, or just gone
        return set()


def _left(leader: int, below: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Every living process of the group, and of the tree as it was."""
    found = {process.pid: process for process in below if _lives(process)}
    if _group_exists(leader):
        members = _living(pid for pid in psutil.pids() if _in_group(pid, leader))
        found |= {process.pid: process for process in members}
    return list(found.values())


def _below(leader: int) -> list[psutil.Process]:
    try:
        return psutil.Process(leader).children(recursive=True)
    except psutil.Error:
        return []


def _group_exists(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it holds a process that changed its user
        return True
    return True


def _in_group(pid: int, leader: int) -> bool:
    try:
        return os.getpgid(pid) == leader
    except OSError:
        return False


def _living(pids: Iterable[int]) -> list[psutil.Process]:
    living = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if _lives(process):
                living.append(process)
    return living


def _lives(process: psutil.Process) -> bool:
    """Not gone, not replaced by another of its number, and not a zombie that somebody fails to reap."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def signal_all(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        # It may be gone by now, or have become another user's.
        with contextlib.suppress(psutil.Error, OSError):
            process.send_signal(number)
            if number != signal.SIGKILL:
                process.send_signal(signal.SIGCONT)  # a stopped process would never see it
