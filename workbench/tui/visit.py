"""Lending the terminal to another program, and taking it back."""

from __future__ import annotations

import asyncio
import shlex
import sys
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported

from workbench.tui.outside import interrupts_are_theirs

if TYPE_CHECKING:
    from textual.app import App

    from workbench.composition.visiting import Visit


async def visit(app: App[Any], there: Visit) -> str:
    """Start a program on the terminal and wait until it has ended; gives a sentence where that cannot be
    done, "" otherwise. Meanwhile the run is followed as ever, and nothing is drawn."""
    try:
        with interrupts_are_theirs(), app.batch_update(), app.suspend():
            sys.stdout.write(f"\n{there.said}\n\n")
            sys.stdout.flush()
            process = await asyncio.create_subprocess_exec(*there.command, cwd=there.cwd, env=dict(there.env))
            try:
                if await process.wait() and there.waits:
                    sys.stdout.write(
                        f"\nIt ended with {process.returncode}. Enter brings you back to workbench. "
                    )
                    sys.stdout.flush()
                    await asyncio.to_thread(sys.stdin.readline)
            finally:
                if process.returncode is None:
                    process.terminate()
    except SuspendNotSupported:
        command = f"cd {shlex.quote(str(there.cwd))}"
        if there.waits:
            command += f" && {shlex.join(there.command)}"
        return f"This terminal cannot be lent to another program. In another one: {command}"
    except OSError as error:
        return f"{there.command[0]} could not be started: {error.strerror}."
    return ""
