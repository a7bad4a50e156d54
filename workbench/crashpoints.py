"""Points at which a fault can be ordered, to prove that nothing is lost when one strikes there.

Something durable happens at each: a commit of the log, a ref that moves, a file put in its place. Off,
which is always but in a test, passing one costs a comparison. Two variables turn them on, read once:

    WORKBENCH_CRASH=kill:17           this process kills itself (SIGKILL) at the 17th passing
    WORKBENCH_CRASH=ENOSPC:3@ref.move the call fails so at the 3rd passing of that name: ENOSPC, EIO, EAGAIN
    WORKBENCH_CRASH_TRACE=FILE        every passing is appended to FILE, a line ``name kill|any`` each, and
                                      ``name struck`` when the fault that was ordered strikes

``workbench bench sweep`` sets them, one fault after another.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

CRASH = "WORKBENCH_CRASH"
TRACE = "WORKBENCH_CRASH_TRACE"

ERRORS = {name: getattr(errno, name) for name in ("ENOSPC", "EIO", "EAGAIN")}
"""What a call can be made to fail with: the disk is full, it is broken, there is no room for a process."""

KINDS = ("kill", *ERRORS)


@dataclass
class Fault:
    """The fault that was ordered, and the passings so far. ``name`` "" counts all points together;
    with an error only those at which a call can fail count."""

    kind: str = ""
    number: int = 0
    name: str = ""
    trace: int | None = None
    passed: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def strike(self, name: str, deadly: bool) -> None:
        """Pass a point; ``deadly`` where a process can die but no call fails."""
        with self.lock:
            if self.trace is not None:
                os.write(self.trace, f"{name} {'kill' if deadly else 'any'}\n".encode())
            if not self.kind or (deadly and self.kind != "kill") or self.name not in ("", name):
                return
            self.passed[self.name] += 1
            if self.passed[self.name] != self.number:
                return
            if self.trace is not None:
                os.write(self.trace, f"{name} struck\n".encode())
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(ERRORS[self.kind], os.strerror(ERRORS[self.kind]))


def ordered(environ: Mapping[str, str]) -> Fault | None:
    """The fault that the environment orders; None when points are off. Raises ValueError for an order
    that cannot be understood."""
    order, trace = environ.get(CRASH, ""), environ.get(TRACE, "")
    if not order and not trace:
        return None
    kind, _, rest = order.partition(":")
    number, _, name = rest.partition("@")
    if order and (kind not in KINDS or not number.isdecimal()):
        raise ValueError(f"{CRASH}={order!r} is not KIND:N or KIND:N@NAME, with KIND of {', '.join(KINDS)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    return Fault(kind, int(number or 0), name, os.open(trace, flags, 0o600) if trace else None)


def crashpoint(name: str) -> None:
    """Pass the point ``name``, where what comes next, or just came, is durable and can fail.

    Raises OSError, or does not return, when that was ordered."""
    if _fault is not None:
        _fault.strike(name, False)


def killpoint(name: str) -> None:
    """Pass a point at which nothing of ours can fail, but this process can die."""
    if _fault is not None:
        _fault.strike(name, True)


def _read() -> Fault | None:
    try:
        return ordered(os.environ)
    except (ValueError, OSError) as mistake:
        sys.stderr.write(f"workbench: {mistake}\n")
        raise SystemExit(2) from None


_fault = _read()
