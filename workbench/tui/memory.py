"""The garbage collector, kept away while a long log is read."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MANY = 50_000
"""Objects that were made meanwhile from which it pays not to look at them again."""


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
