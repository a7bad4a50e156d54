"""The process above one command: starts it, adopts what it leaves behind, ends all of it, says so.

It talks over one socket, its *lifeline*; when the other end is closed, workbench is gone. It says lines:

    pid N            the command runs
    failed N TEXT    it could not be started: errno (0 if there is none) and why
    exit N           the command itself is over, with this code (-n: by signal n)
    gone             nothing that it started is left
    left N           so many could not be ended within KILL_SECONDS (another user's, or stuck in a device)
    group            its process group is gone; what left that group is not known (no subreaper here)

and hears ``e`` (end: SIGTERM, some grace, SIGKILL) and ``k`` (kill at once). SIGTERM means ``k`` too. What
is left when the command has exited is ended in the same way as by ``e``, and so is everything when the
lifeline is cut.

Without a subreaper (not Linux) only the command's process group is ended.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from workbench.adapters.supervision import descendants

KILL_SECONDS = 5.0
"""How long processes that were killed are waited for."""

PAUSES = (0.002, 0.05)
"""The shortest and the longest time between two looks at what is to end."""

PR_SET_CHILD_SUBREAPER = 36

END, KILL = b"e", b"k"

WORKING, ENDING, KILLING = range(3)


def adopt_orphans() -> bool:
    """Become the parent of all below that lose theirs; whether this system can do that, and show them."""
    if sys.platform != "linux" or not os.path.isdir("/proc/self/task"):  # noqa: PTH112
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def waking(*signals: signal.Signals) -> int:
    """A descriptor that becomes readable, with the number as a byte, at each of ``signals``."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) if hasattr(os, "pipe2") else _pipe()
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in signals:
        signal.signal(number, _noted)
    return reading


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


def _noted(number: int, frame: object) -> None:
    """The byte in the pipe is what counts."""


class Shim:
    """Supervises one command in this process, which must have no other child and no other thread."""

    def __init__(self, lifeline: socket.socket, *, grace: float, subreaper: bool) -> None:
        self._lifeline = lifeline
        self._grace = grace
        with suppress(PermissionError):  # leads a session already
            os.setsid()
        self._subreaper = subreaper and adopt_orphans()
        self._wake = waking(signal.SIGCHLD, signal.SIGTERM)
        self._leader = 0
        self._group = 0
        self._walls = 0
        self._phase = WORKING
        self._deadline = 0.0
        self._pause = PAUSES[0]
        self._told: set[int] = set()
        self.exit_code: int | None = None

    def start(self, argv: list[bytes], env: Mapping[bytes, bytes], files: Sequence[tuple[int, int]]) -> None:
        """Start the command in the current folder; ``files`` are pairs of our descriptor and its own.
        Raises OSError, ValueError or NotImplementedError."""
        self._leader = self._group = os.posix_spawn(
            argv[0],
            argv,
            env,
            file_actions=[(os.POSIX_SPAWN_DUP2, ours, its) for ours, its in files],
            setsid=True,
            # What Python ignores, and what a terminal or nohup made us ignore, is none of its business.
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP],
        )
        # See children.WALLED; not imported, for a shim is forked from little.
        self._walls = self._leader if env.get(b"WORKBENCH_WALLED") == b"1" else 0
        os.chdir("/")  # a supervisor keeps no file system busy
        self.say(f"pid {self._leader}")

    def watch(self) -> None:
        """Until nothing is left, or what is left cannot be ended."""
        poll = select.poll()
        poll.register(self._lifeline, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while not self._nobody_left():
            if self._phase == WORKING and self.exit_code is not None:
                self._go_to(ENDING)
            if self._phase != WORKING and self._end_more():
                return
            for descriptor, _ in poll.poll(None if self._phase == WORKING else self._pause * 1000):
                if descriptor != self._wake:
                    if not self._hear():
                        poll.unregister(self._lifeline)
                elif signal.SIGTERM in os.read(self._wake, 4096):
                    self._go_to(KILLING)
        self.say("gone" if self._subreaper else "group")

    def say(self, line: str) -> None:
        with suppress(OSError):  # nobody is there any more
            self._lifeline.sendall(f"{line}\n".encode(errors="replace"))

    def _hear(self) -> bool:
        """Take in what workbench says; whether it is still there."""
        try:
            said = self._lifeline.recv(16)
        except OSError:
            said = b""
        asked = self.heard(said)
        if KILL in asked:
            self._go_to(KILLING)
        elif END in asked or not said:
            self._go_to(ENDING)
        return bool(said)

    def heard(self, said: bytes) -> bytes:
        """For a shim that hears more than END and KILL: takes that out."""
        return said

    def _nobody_left(self) -> bool:
        """Reap what has ended, and say when the command was among it."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return False
                if pid == self._leader:
                    self._leader = 0  # the number may be another's from now on
                    self.exit_code = os.waitstatus_to_exitcode(status)
                    self.over()
                    self.say(f"exit {self.exit_code}")
        except ChildProcessError:
            return self._subreaper or not self._group_lives()

    def over(self) -> None:
        """Called when the command itself has ended, before that is said."""

    def _group_lives(self) -> bool:
        try:
            os.killpg(self._group, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # it holds a process that changed its user
            return True
        return True

    def _go_to(self, phase: int) -> None:
        if phase > self._phase:
            self._phase = phase
            self._pause = PAUSES[0]
            self._deadline = time.monotonic() + (self._grace if phase == ENDING else KILL_SECONDS)

    def _end_more(self) -> bool:
        """Signal what is left, for it may have started others meanwhile; whether to give up."""
        if time.monotonic() > self._deadline:
            if self._phase == KILLING:
                self.say(f"left {len(self._below())}")
                return True
            self._go_to(KILLING)
        self._pause = min(self._pause * 2, PAUSES[1])
        if not self._subreaper:
            self._end_group()
        elif self._phase == KILLING:
            descendants.kill(self._below())
        else:
            new = set(self._below()) - self._told - {self._walls}
            descendants.tell(new, signal.SIGTERM)
            self._told |= new
        return False

    def _below(self) -> list[int]:
        return descendants.below(descendants.children(os.getpid()))

    def _end_group(self) -> None:
        first = self._group not in self._told
        self._told.add(self._group)
        with suppress(OSError):
            if self._phase == KILLING:
                os.killpg(self._group, signal.SIGKILL)
            elif first:
                os.killpg(self._group, signal.SIGTERM)
                os.killpg(self._group, signal.SIGCONT)
