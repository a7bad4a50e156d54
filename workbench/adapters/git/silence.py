"""When a git command has been silent for too long, and how one that is stuck is ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

SLOW_SECONDS = 5.0
"""After this a command is looked after. Hardly any takes as long in a repository of usual size, and what is
looked for costs less than that in one of any size."""

SILENT_SECONDS = 600.0
"""A command whose processes have neither computed nor read nor written for so long is stuck. A git that is
only slow, on a large repository or a slow disk, does some of it every second; git's own waits for the network
end sooner (a TCP connect gives up after about two minutes)."""

ROUNDS = 3
"""How often what a command waits at is taken out of its way. Somebody who goes on putting it there is
still at work, and must not keep the run."""

Activity = tuple[float, int, frozenset[int]]


def activity(pid: int) -> Activity:
    """What a process and those below it have done so far: seconds of computing, reads and writes, and who
    they are."""
    import psutil

    seconds, calls, found = 0.0, 0, tree(pid)
    for process in found:
        with contextlib.suppress(psutil.Error):
            spent = process.cpu_times()
            seconds += spent.user + spent.system
        with contextlib.suppress(psutil.Error, AttributeError, OSError):  # macOS does not count them
            done = process.io_counters()
            calls += done.read_count + done.write_count
    return seconds, calls, frozenset(process.pid for process in found)


class Stillness:
    """How long nothing has changed."""

    def __init__(self) -> None:
        self._seen: Activity | None = None
        self._since = time.monotonic()

    def lasted(self, now: Activity) -> float:
        """Seconds since ``now`` was something else."""
        if now != self._seen:
            self._seen, self._since = now, time.monotonic()
        return time.monotonic() - self._since


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it; nothing when it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill those of them that are still there: what a command has started holds its pipes open."""
    import psutil

    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
