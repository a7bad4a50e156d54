"""The terminal that a command has: whether a viewer can use it, and how it is given back afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
from typing import Any

INPUT = 0

LEAVE = "".join(
    (
        "\x1b[<u",  # keys are told as ever
        *(f"\x1b[?{mode}l" for mode in (1000, 1002, 1003, 1006, 1015, 1016)),  # no reports of the mouse
        *(f"\x1b[?{mode}l" for mode in (1004, 2004, 2048)),  # nor of focus, pasting and size
        "\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[0m",  # lines wrap; the first screen; a cursor; plain colours
    )
)
"""What a viewer undoes at its end, for when it was killed before."""


def is_dumb() -> bool:
    """Whether the terminal can do no more than print lines."""
    return os.environ.get("TERM", "dumb") in ("dumb", "unknown", "")


def is_ours() -> bool:
    """Whether stdin, stdout and stderr are a terminal, and this process is in its foreground."""
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)) and in_front() is True


def in_front() -> bool | None:
    """Whether the terminal listens to the group of this process; None when the terminal is gone."""
    try:
        return os.tcgetpgrp(INPUT) == os.getpgrp()
    except OSError:
        return None


class Lent:
    """The terminal as it is now, before somebody else has it."""

    def __init__(self) -> None:
        self._modes: list[Any] | None = None
        with contextlib.suppress(termios.error):
            self._modes = termios.tcgetattr(INPUT)

    def take_back(self, *, killed: bool) -> None:
        """As it was. With ``killed``, whoever had it could not leave its screen, either. Where a shell has it
        again by now, its modes count, if it has set any."""
        if killed:
            with contextlib.suppress(OSError):
                sys.stderr.write(LEAVE)
                sys.stderr.flush()
        if self._modes is None:
            return
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # from the background, too
        try:
            if in_front() or _is_raw():
                termios.tcsetattr(INPUT, termios.TCSANOW, self._modes)
                termios.tcflush(INPUT, termios.TCIFLUSH)  # what was typed was for the viewer
        except termios.error:  # it is gone
            pass
        finally:
            signal.signal(signal.SIGTTOU, before)


def _is_raw() -> bool:
    """Whether the terminal gives Ctrl-C as a key, which no shell lets it do."""
    flags: int = termios.tcgetattr(INPUT)[3]
    return not flags & termios.ISIG
