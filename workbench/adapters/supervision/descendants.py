"""All processes below one, as the kernel tells it. Linux only: nothing else is as sure and as cheap.

Process ids are looked up anew for each signal, so that none is another's by then.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from contextlib import suppress


def children(pid: int) -> list[int]:
    """The direct children of ``pid``, zombies too; none where there is no such process."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - a Path costs more than the call
    except OSError:
        return found
    for thread in threads:  # a child is listed with the thread that started it
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123
                found += [int(word) for word in file.read().split()]
        except FileNotFoundError:
            if os.path.exists(f"/proc/{pid}/task/{thread}"):  # noqa: PTH110 - a kernel without such files
                return _children_by_search(pid)
        except OSError:  # the thread ended meanwhile
            continue
    return found


def below(roots: Collection[int]) -> list[int]:
    """``roots`` and everything below them, parents first."""
    found = list(roots)
    for pid in found:  # grows while it is gone through
        found += children(pid)
    return found


def tell(pids: Collection[int], number: signal.Signals) -> None:
    """Send each of ``pids`` a signal that it may act on; a stopped one is woken for that."""
    for pid in pids:
        with suppress(OSError):  # gone, or another user's
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)


def kill(pids: Collection[int]) -> None:
    """Kill ``pids`` and the process groups that they are in.

    A group is killed at once, also while its members start others; one after the other would never come
    to an end with processes that only start the next and exit.
    """
    own = os.getpgrp()
    for pid in pids:
        with suppress(OSError):
            if (group := os.getpgid(pid)) != own:
                os.killpg(group, signal.SIGKILL)
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _children_by_search(pid: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            with suppress(OSError, IndexError, ValueError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                # The name of the program stands in brackets and may hold anything.
                if int(file.read().rpartition(b")")[2].split()[1]) == pid:
                    found.append(int(name))
    return found
