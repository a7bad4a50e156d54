"""Children of this process: how they are started, and how asyncio takes note of their end.

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

GONE_SECONDS = 5.0
"""How long a child that was killed is waited for: one in an uninterruptible read may stay."""

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
