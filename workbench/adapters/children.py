"""Commands of agents, gates and set-up: how they are started, and how asyncio takes note of their end.

Normally a ``Keeper`` (see ``supervision``) starts them; ``direct`` does without one.

On Python 3.11 asyncio starts a thread for each child unless told otherwise: whoever makes the event
loop calls ``watch_children_by_pidfd()`` first (3.12 does this by itself).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

GRACE_SECONDS = 3.0
"""Between SIGTERM and SIGKILL."""

GONE_SECONDS = 5.0
"""How long a child that was killed is waited for: one in an uninterruptible read may stay."""

Mark = tuple[str, str]
"""A variable and its value that every process started for one purpose carries."""


WALLED = {"WORKBENCH_WALLED": "1"}
"""In the environment of a command behind walls.
Its first process is not the command but what holds the walls, and
takes everything with it when it ends: so it is not told to end, those behind it are."""


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


async def all_noted() -> None:
    """Wait until no child is left and asyncio took note of it; to be called before a loop closes.

    Everybody ends their own processes, but a large one takes a moment to go after it was killed, and
    what asyncio keeps for it would be torn down after the loop, with a stack trace on stderr.
    """
    deadline = time.monotonic() + GONE_SECONDS
    with contextlib.suppress(ChildProcessError):  # there is none left
        while time.monotonic() < deadline:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)  # noqa: ASYNC222 - WNOHANG
            await asyncio.sleep(0.002)
    for _ in range(3):  # transports close themselves a step or two after their process's end is known
        await asyncio.sleep(0)


class Child(Protocol):
    """A command that was started, and all that it starts."""

    pid: int

    async def wait(self) -> int:
        """The exit code of the command itself, -n for death by signal n. May be called again."""
        ...

    async def end(self) -> None:
        """Terminate, wait GRACE_SECONDS, kill: on return nothing that it started is left. To be called once,
        whether it has exited or not. Cancelling kills at once, and waits for that."""
        ...

    async def end_near(self) -> None:
        """As ``end``, as far as that is known at once; the rest is for ``sweep``, unless ``proven``."""
        ...

    async def sweep(self) -> None:
        """End what ``end_near`` did not find."""
        ...

    @property
    def proven(self) -> bool:
        """After ``end_near``: whether nothing can be left, so that there is no need to ``sweep``."""
        ...


class Starter(Protocol):
    """Starts commands."""

    async def start(
        self, command: str, *, cwd: Path, env: Mapping[str, str], stdin: int, output: int, mark: Mark
    ) -> Child:
        """Run a shell command as the leader of a new session; stdout and stderr go both to ``output``,
        ``stdin`` may be DEVNULL. ``env`` must hold ``mark``, by which leftovers are found where there is no
        better way. Raises OSError and ValueError when it cannot be started. Cancelling leaves nothing."""
        ...
