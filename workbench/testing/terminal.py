"""A process on a pseudo-terminal, watched and written to from outside as a person would."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from workbench.errors import SetupError

SIZE = (160, 45)

GIVEN_UP = 60.0
"""Seconds after which something that does not come is not waited for any more."""


class Terminal:
    """A process on a terminal of ``SIZE``; ``master`` is the other end of it, ``began`` when it was started
    (monotonic seconds)."""

    def __init__(self, command: Sequence[str], folder: Path, pass_fds: tuple[int, ...] = ()) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.began = time.monotonic()
        # Whoever leads a session and opens a terminal has it for its own, as in a window of a terminal.
        opened = ["sh", "-c", 'exec "$@" <>"$0" >&0 2>&0', os.ttyname(slave), *command]
        self.process = subprocess.Popen(
            opened, stdin=slave, stdout=slave, stderr=slave, cwd=folder, start_new_session=True,
            env=kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}, pass_fds=pass_fds,
        )  # fmt: skip
        os.close(slave)

    def wait(self, wanted: bytes) -> float:
        """Seconds from the start until ``wanted`` was written. Raises SetupError when it does not come."""
        written = b""
        while wanted not in written:
            if not (piece := self.read(GIVEN_UP)):
                said = written[-400:].decode(errors="replace")
                raise SetupError(f"the viewer never showed {wanted.decode()!r}; at the end: {said!r}")
            written = written[-4_096:] + piece
        return time.monotonic() - self.began

    def read(self, seconds: float) -> bytes:
        """What is written within some time; empty for nothing."""
        if not select.select([self.master], [], [], seconds)[0]:
            return b""
        try:
            return os.read(self.master, 65_536)
        except OSError:  # its other end is closed
            return b""

    def press(self, key: str) -> float:
        """Press a key; when that was."""
        at = time.monotonic()
        os.write(self.master, key.encode())
        return at

    @property
    def work(self) -> float:
        """Seconds of a processor that it had so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    @property
    def peak(self) -> int:
        """The most memory that it had so far, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@contextlib.contextmanager
def terminal(command: Sequence[str], folder: Path, pass_fds: tuple[int, ...] = ()) -> Iterator[Terminal]:
    """A process on a terminal, ended when it is left."""
    opened = Terminal(command, folder, pass_fds)
    try:
        yield opened
    finally:
        opened.close()
