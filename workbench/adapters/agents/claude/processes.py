"""Ending Claude Code and everything it started.

Its commands run in process groups and sessions of their own and may outlive it, so kinship is not
enough to find them: whatever carries the attempt's nonce in its environment belongs to it as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

from workbench.adapters.processes import carrying

NONCE = "WORKBENCH_NONCE"

KILLED_SECONDS = 2.0
"""How long the kernel may take to end what was killed; longer only if it hangs in a device."""


def family(pid: int | None, nonce: str) -> list[psutil.Process]:
    """The process ``pid`` and all that it started, as far as kinship or ``nonce`` tells. Never us."""
    found: dict[int, psutil.Process] = {}
    if pid is not None:
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            found = {process.pid: process for process in (root, *root.children(recursive=True))}
    if len(nonce) >= 8:  # a short one could be anybody's
        found |= {process.pid: process for process in carrying((NONCE, nonce))}
    return list(found.values())


def end(processes: Iterable[psutil.Process], patience: float) -> None:
    """Ask ``processes`` to end, and kill after ``patience`` seconds those that did not. Blocks."""
    alive = [process for process in processes if _lives(process)]
    for process in alive:
        _signal(process, gently=True)
    alive = _wait(alive, patience)
    for process in alive:
        _signal(process, gently=False)
    _wait(alive, KILLED_SECONDS)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those of ``processes`` that still live after ``seconds``; sooner if none does."""
    until = time.monotonic() + seconds
    while (processes := [process for process in processes if _lives(process)]) and time.monotonic() < until:
        time.sleep(0.01)
    return processes


def _lives(process: psutil.Process) -> bool:
    # A zombie is gone: it only waits for its parent to look, which in a container may take init seconds.
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, *, gently: bool) -> None:
    # psutil compares creation times first, so a reused process id is never hit.
    with suppress(psutil.NoSuchProcess):
        process.terminate() if gently else process.kill()
