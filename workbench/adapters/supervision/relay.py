"""A shim for a program that somebody else starts and talks to: the SDK, Claude Code.

    python -I -S -c CODE ROOT NOTE PARENT NAMES PROGRAM [ARGUMENT…]

The relay is what the SDK has for Claude Code: it takes the variables NAMES (shell-quoted, one argument) out
of the environment, passes SIGTERM on to the program, exits as that did, and is killed when PARENT is gone.
Its child is the shim, whose lifeline it holds: so a relay that was killed, by the SDK, by the kernel or by
anybody, ends everything as well. The program has the relay's stdin, stdout and stderr; relay and shim let go
of them.

NOTE is a file in which the process ids of program and shim stand while the program runs, of the shim alone
(``0 SHIM``) while it ends what that left, and which is empty when that is done.
"""

from __future__ import annotations

import os
import resource
import select
import shlex
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import NoReturn

from workbench.adapters.supervision import descendants
from workbench.adapters.supervision.shim import END, KILL_SECONDS, PAUSES, Shim, adopt_orphans, waking

GRACE_SECONDS = 3.0
PARENT_SECONDS = 1.0
"""How often it is looked whether the parent is there, where the kernel does not tell."""

PR_SET_PDEATHSIG = 1

TERM = b"t"
"""Relay to shim, besides END and KILL: SIGTERM for the program alone."""


class Attached(Shim):
    """The shim of the program. ``note`` is where it writes down who is who."""

    def __init__(self, lifeline: socket.socket, note: str) -> None:
        super().__init__(lifeline, grace=GRACE_SECONDS, subreaper=True)
        self._note = note

    def run(self, program: list[bytes], environment: dict[bytes, bytes]) -> None:
        try:
            self.start(program, environment, ())
        except (OSError, ValueError, NotImplementedError) as error:
            os.write(2, f"{os.fsdecode(program[0])}: {error}\n".encode(errors="replace"))
            self.say("exit 127")
            return
        self._write(f"{self._leader} {os.getpid()}")
        _let_go()
        self.watch()
        self._write("")

    def over(self) -> None:
        self._write(f"0 {os.getpid()}")

    def heard(self, said: bytes) -> bytes:
        if TERM in said and self._leader:
            with suppress(OSError):
                os.kill(self._leader, signal.SIGTERM)
        return said.replace(TERM, b"")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # its folder is removed when nobody asks any more
            with open(f"{self._note}.new", "w") as file:  # noqa: PTH123
                file.write(text)
            os.replace(f"{self._note}.new", self._note)  # noqa: PTH105


def main() -> None:
    """Run in the place of the program; see the module."""
    note, parent, names, *program = sys.argv[2:]
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):  # of a terminal: workbench deals with them
        signal.signal(number, signal.SIG_IGN)
    with suppress(PermissionError):
        os.setsid()
    adopt_orphans()
    wake = waking(signal.SIGTERM)
    watched = not _end_with_parent()
    if os.getppid() != int(parent):
        sys.exit(1)
    ours, its = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        removed = {os.fsencode(name) for name in shlex.split(names)}
        environment = {name: value for name, value in os.environb.items() if name not in removed}
        code = 1
        try:
            Attached(its, note).run([os.fsencode(word) for word in program], environment)
            code = 0
        finally:
            os._exit(code)
    its.close()
    _let_go()
    code = _relayed(ours, wake, int(parent) if watched else None)
    _end_strays(note)
    _exit_as(code)


def _relayed(shim: socket.socket, wake: int, parent: int | None) -> int:
    """Pass on what comes until the shim is gone; gives the program's exit code."""
    poll = select.poll()
    poll.register(shim, select.POLLIN)
    poll.register(wake, select.POLLIN)
    heard = b""
    while True:
        for descriptor, _ in poll.poll(None if parent is None else PARENT_SECONDS * 1000):
            if descriptor == wake:
                os.read(wake, 4096)
                _say(shim, TERM)
            elif data := _heard(shim):
                heard += data
            else:
                codes = [line.split()[1] for line in heard.splitlines() if line.startswith(b"exit ")]
                return int(codes[0]) if codes else -signal.SIGKILL
        if parent is not None and os.getppid() != parent:
            _say(shim, END)
            parent = None


def _say(shim: socket.socket, word: bytes) -> None:
    with suppress(OSError):  # it was killed, which is about to be heard
        shim.send(word)


def _heard(shim: socket.socket) -> bytes:
    """What the shim says; nothing when it is gone, also where it was killed with a word of ours unread."""
    try:
        return shim.recv(4096)
    except OSError:
        return b""


def _end_strays(note: str) -> None:
    """The shim is gone. If it was killed, what it kept is ours now."""
    until = time.monotonic() + KILL_SECONDS
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                descendants.kill(descendants.below(descendants.children(os.getpid())))
                time.sleep(PAUSES[0])
        except ChildProcessError:
            break
    with suppress(OSError), open(note, "w"):  # noqa: PTH123 - nobody must signal those numbers any more
        pass


def _end_with_parent() -> bool:
    """Have the kernel kill this process when its parent dies; whether it can."""
    if sys.platform != "linux":
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0)


def _let_go() -> None:
    """Whoever reads what the program writes must see when it has ended."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _exit_as(code: int) -> NoReturn:
    """Exit with ``code``; -n is to die by signal n, without a core of our own."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError, ValueError):  # SIGKILL has no handler to reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code % 256)
