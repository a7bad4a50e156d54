"""The script that stands between the SDK and Claude Code.

The SDK adds workbench's whole environment to what it is told to pass on, starts Claude Code in
workbench's own process group, where a Ctrl-C would end it before its work is safe, and leaves it running
when workbench is killed. So it is given this script to start instead, which becomes a relay with a shim
below it and Claude Code below that (see ``supervision.relay``): the variables that do not belong to the
assignment are taken out, Claude Code has a session of its own, and it and all that its commands started
end with it, with workbench, and with the relay. The script holds names of variables, never values.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from workbench.adapters.supervision.starter import isolated

NOTED_TRIES = 500
"""How often, a hundredth of a second apart, it is looked whether the shim has written down who is who."""

KILLED_SECONDS = 2.0
"""How long the kernel may take to end what was killed."""


def write_launcher(folder: Path, claude: Path, removed: Iterable[str]) -> Path:
    """Write the script that starts ``claude`` without the variables ``removed``; gives its path."""
    names = shlex.join(sorted(removed))
    script = folder / "claude"
    script.write_text(
        "#!/bin/sh\n"
        "# Starts Claude Code with the variables of its assignment only, and ends all that it leaves.\n"
        "trap '' INT QUIT HUP\n"
        f'exec {shlex.join(isolated("relay"))} "$0.pid" "$PPID" {shlex.join([names, str(claude)])} "$@"\n'
    )
    script.chmod(0o700)
    return script


async def up(script: Path) -> int | None:
    """Claude Code's process id as soon as it is known: it may have answered before that was written down."""
    for _ in range(NOTED_TRIES):
        if script.with_name(script.name + ".pid").exists():
            break
        await asyncio.sleep(0.01)
    return started_pid(script)


def started_pid(script: Path) -> int | None:
    """Claude Code's process id while it runs, None before and after."""
    return _noted(script)[0] or None


def shim_pid(script: Path) -> int | None:
    """The process id of the shim above it, for as long as anything below that may be left."""
    return _noted(script)[1] or None


def ask_to_end(script: Path) -> None:
    """Tell the Claude Code that ``script`` started to end now. In the middle of a turn it would not
    notice for seconds that its input was closed."""
    _signal(started_pid(script))


def kill(script: Path) -> None:
    """Kill Claude Code and all that it started. Blocks for a moment; safe to call twice."""
    until = time.monotonic() + KILLED_SECONDS
    while (shim := shim_pid(script)) and _signal(shim) and time.monotonic() < until:
        time.sleep(0.01)


def _noted(script: Path) -> tuple[int, int]:
    """Process ids of Claude Code and its shim, as the shim wrote them down; 0 for what is gone."""
    try:
        claude, shim = script.with_name(script.name + ".pid").read_text().split()
    except (FileNotFoundError, ValueError):
        return 0, 0
    return int(claude), int(shim)


def _signal(pid: int | None) -> bool:
    """Whether there was somebody to signal."""
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGTERM)
            return True
    return False
