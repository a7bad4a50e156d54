"""Processes of agents and gates: started in a group of their own, and ended to the last one.

A process can leave its group (``setsid``) and its parent (double fork), but it keeps the environment
it was started with. So everything started here carries a variable with a value of its own, a mark,
by which leftovers are found. What leaves its group, loses its parent and clears its environment at
once is not found; only a sandbox holds that.

On Python 3.11 asyncio starts a thread for each child unless told otherwise: whoever makes the event
loop calls ``watch_children_by_pidfd()`` first (3.12 does this by itself).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

GRACE_SECONDS = 3.0
"""Between SIGTERM and SIGKILL."""

KILL_SECONDS = 5.0
"""How long processes that were killed are waited for: one in an uninterruptible read may stay."""

Mark = tuple[str, str]
"""A variable and its value that every process started for one purpose carries."""


def watch_children_by_pidfd() -> None:
    """Make asyncio wait for children without a thread each, where the kernel can. Call it once,
    before the event loop is made."""
    if sys.version_info >= (3, 12) or not hasattr(os, "pidfd_open"):
        return
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # an old kernel, or a sandbox that forbids the call
        return
    asyncio.get_event_loop_policy().set_child_watcher(asyncio.PidfdChildWatcher())


async def start(
    command: str, *, cwd: Path, env: Mapping[str, str], stdin: int, output: int
) -> asyncio.subprocess.Process:
    """Run a shell command as the leader of a new session, stdout and stderr both to ``output``.

    There is no ``preexec_fn``, so that Python can use vfork, and no pipe of asyncio's, so that waiting
    ends with the process whoever else holds its output. Raises OSError when it cannot be started.
    """
    return await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        command,
        cwd=cwd,
        env=env,
        stdin=stdin,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )


async def end(process: asyncio.subprocess.Process | None, mark: Mark, grace: float = GRACE_SECONDS) -> None:
    """Terminate, wait, kill: on return no process of the leader's group, none below it and none
    that carries ``mark`` is left. Costs one look at the process table when nothing is.

    ``process`` is the leader, or None when it did not come to be. Cancelling kills at once what is left.
    """
    leader = process.pid if process else None
    below = _below(leader)
    try:
        for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, KILL_SECONDS)):
            pause = 0.002
            deadline = time.monotonic() + seconds
            told: set[psutil.Process] = set()
            # Looking again in each round: what is told to end may still start others.
            while left := _left(leader, mark, below):
                _signal(set(left) - told, number)
                told.update(left)
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.1)
            else:
                break
        if process:
            await _reaped(process)
    except asyncio.CancelledError:
        _signal(_left(leader, mark, below), signal.SIGKILL)
        raise


async def _reaped(process: asyncio.subprocess.Process) -> None:
    """Let asyncio take note of the leader's end, so that it closes what it keeps for it."""
    with contextlib.suppress(TimeoutError):  # not even SIGKILL ended it: nothing more can be done
        async with asyncio.timeout(1):
            await process.wait()


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
            _signal(set(left) - told, number)
            told.update(left)
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
    return sorted(reaped)


def carrying(*marks: Mark) -> list[psutil.Process]:
    """Living processes whose environment holds all of ``marks``, except this one and those above it."""
    wanted = [os.fsencode(f"{name}={value}") for name, value in marks]
    found = [pid for pid in psutil.pids() if _carries(pid, wanted)]
    if not found:  # nearly always, and who is above us takes as long to find out as all the rest
        return []
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return _living(pid for pid in found if pid not in own)


def _carries(pid: int, wanted: Sequence[bytes]) -> bool:
    try:
        if sys.platform == "linux":  # psutil takes ten times as long to do the same
            with os.fdopen(os.open(f"/proc/{pid}/environ", os.O_RDONLY), "rb", buffering=0) as file:
                raw = file.readall()
            held = raw.split(b"\0") if wanted[0] in raw else []
        else:
            held = [os.fsencode(f"{n}={v}") for n, v in psutil.Process(pid).environ().items()]
    except (OSError, psutil.Error):  # somebody else's, or just gone
        return False
    return all(variable in held for variable in wanted)


def _left(leader: int | None, mark: Mark, below: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Every living process of the group, of the tree as it was, and of the mark."""
    found = {process.pid: process for process in carrying(mark)}
    found |= {process.pid: process for process in below if _lives(process)}
    if leader is not None and _group_exists(leader):
        members = _living(pid for pid in psutil.pids() if _in_group(pid, leader))
        found |= {process.pid: process for process in members}
    return list(found.values())


def _below(leader: int | None) -> list[psutil.Process]:
    if leader is None:
        return []
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


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        # It may be gone by now, or have become another user's.
        with contextlib.suppress(psutil.Error, OSError):
            process.send_signal(number)
            if number != signal.SIGKILL:
                process.send_signal(signal.SIGCONT)  # a stopped process would never see it
