"""Another program in our terminal: the screen is its own until it ends."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from textual.app import App, SuspendNotSupported

from workbench.errors import UsageError
from workbench.tui.visit import interrupts_are_theirs

LINED = frozenset(
    {"vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "micro", "kak", "ne", "joe", "hx"}
)
"""Editors that begin at a line when they are given ``+LINE``."""


def editor(path: Path, line: int, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The command that opens ``path`` at ``line`` in the person's editor. Raises UsageError where what they
    set cannot be read as a command."""
    said = environment.get("VISUAL") or environment.get("EDITOR") or "vi"
    try:
        command = shlex.split(said)
    except ValueError as error:
        raise UsageError(f"$VISUAL or $EDITOR is no command: {said!r}.", "Set it to an editor's.") from error
    name = Path(command[0]).name if command else "vi"
    command = command or ["vi"]
    if name in LINED and line > 1:
        return [*command, f"+{line}", str(path)]
    if name in ("code", "codium", "cursor"):
        return [*command, "--wait", "--goto", f"{path}:{max(1, line)}"]
    return [*command, str(path)]


async def outside(app: App[object], command: Sequence[str], folder: Path | None = None) -> int:
    """Run ``command`` in the terminal and give its exit code. What is watched goes on meanwhile, and nothing
    of it is drawn. Raises UsageError where it cannot be run."""
    try:
        with interrupts_are_theirs(), app.batch_update(), app.suspend():
            process = await asyncio.create_subprocess_exec(*command, cwd=folder)
            try:
                return await process.wait()
            finally:
                if process.returncode is None:
                    process.terminate()
                    await process.wait()
    except SuspendNotSupported:
        raise UsageError(
            "This terminal cannot be given to another program.", "Use another terminal for that."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{command[0]} could not be started: {error.strerror}.", "Set $VISUAL or $EDITOR to an editor."
        ) from error
