"""How the process shares its time between keys, the log that is read, and the garbage collector."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MANY = 50_000
"""Objects that were made meanwhile from which it pays not to look at them again."""

TURN_SECONDS = 0.0005
"""How long the thread that reads the log works before the one that draws has its turn. A key needs many, and
the interpreter's own 5 ms each would be seen."""


@contextmanager
def shared_evenly() -> Iterator[None]:
    """Threads take turns at short notice."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, TURN_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def catching_up() -> Iterator[Callable[[], None]]:
    """Until what it gives is called, or it is left, nothing is collected: while a log is read nearly all that
    is made is kept, and to look through it again and again takes longer than to read. What a long log has
    left then is not looked at any more until the end either: each full look would hold up a key.
    """
    collecting, before = gc.isenabled(), gc.get_count()[0]
    frozen = reached = False
    gc.disable()

    def caught_up() -> None:
        nonlocal frozen, reached
        if reached:
            return
        reached = True
        if gc.get_count()[0] - before > MANY:
            gc.freeze()
            frozen = True
        if collecting:
            gc.enable()

    try:
        yield caught_up
    finally:
        if collecting:
            gc.enable()
        if frozen:
            gc.unfreeze()
