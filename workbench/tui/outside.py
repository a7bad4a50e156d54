"""Programs that get the terminal for a while: the editor of the person, or their shell."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported

from workbench.errors import UsageError

if TYPE_CHECKING:
    from textual.app import App


LINED = frozenset({"vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "kak", "ne", "joe", "hx"})
"""Editors that begin at a line when they are given ``+LINE``."""


def at_line(words: list[str], path: Path, line: int) -> list[str]:
    """The command of an editor that opens ``path`` at ``line``, where it is known how to say so."""
    name = Path(words[0]).name
    if name in LINED and line > 1:
        return [*words, f"+{line}", str(path)]
    if name in ("code", "codium", "cursor"):
        return [*words, "--wait", "--goto", f"{path}:{line}"]
    return [*words, str(path)]


async def edit(app: App[Any], path: Path, line: int = 1) -> None:
    """Open a file in $VISUAL or $EDITOR, in the terminal, and give it back when that ends. What else goes on
    in this process does so meanwhile. Raises UsageError where there is no editor, or it failed."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        words = shlex.split(named)
    except ValueError as error:
        raise UsageError(f"`{named}` cannot be read as a command: {error}.", "See $VISUAL.") from None
    if not words:
        raise UsageError("There is no editor to open it in.", "Set $VISUAL or $EDITOR, say to `vim`.")
    try:
        # Nothing is drawn while another program has the terminal.
        with app.batch_update(), app.suspend(), interrupts_are_theirs():
            editor = await asyncio.create_subprocess_exec(*at_line(words, path, line))
            code = await editor.wait()
    except SuspendNotSupported:
        raise UsageError("This terminal cannot be handed to an editor.", f"Edit {path} elsewhere.") from None
    except OSError as error:
        raise UsageError(f"`{words[0]}` could not be started: {error.strerror}.", "See $VISUAL.") from None
    if code:
        raise UsageError(f"`{words[0]}` ended with exit code {code}.", "What it saved is there.")


def put_aside(app: App[Any]) -> str:
    """Stop this process as Ctrl-Z does, until its shell lets it go on; gives a sentence where that cannot be.

    Not Textual's own way: that stops this process alone, and the shell goes on waiting for a script that
    started it; it stops where nobody can let it go on; and it comes back to a screen half drawn.
    """
    if os.getpgrp() == os.getsid(0):  # as in `tmux new-window workbench watch`
        return "There is no shell to go back to, and nothing could bring the viewer back."
    before = signal.getsignal(signal.SIGTSTP)
    try:
        with app.suspend():  # the terminal is given back before anybody takes it
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            shell = os.getppid()
            os.kill(0, signal.SIGTSTP)
            time.sleep(0.05)  # where a signal takes a moment
            while _is_behind() and os.getppid() == shell:  # `bg`
                os.kill(0, signal.SIGTSTP)
                time.sleep(0.05)
    except SuspendNotSupported:
        return "This terminal has no shell to go back to."
    finally:
        signal.signal(signal.SIGTSTP, before)
    return ""


def _is_behind() -> bool:
    try:
        return os.tcgetpgrp(0) != os.getpgrp()
    except OSError:  # it is gone
        return False


@contextmanager
def interrupts_are_theirs() -> Iterator[None]:
    """Ctrl-C goes to all programs on the terminal: here it means only the other one. It is not ignored but
    handled, by nothing: what is ignored, a child would ignore, too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
