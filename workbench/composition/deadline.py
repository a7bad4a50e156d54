"""A deadline for a run in this process: when it comes, the run is stopped and can be resumed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from workbench.composition.runs import Run
from workbench.core.deadline import only_waits, outlasted, passed
from workbench.core.events import Record


@contextmanager
def deadline(
    run: Run, minutes: float, spent: float = 0.0, now: Callable[[], float] = time.time
) -> Iterator[None]:
    """Stop ``run`` gracefully once ``minutes`` are over, of which ``spent`` seconds are already; 0 for never.

    When a limit pauses the team beyond that, it is stopped as soon as nobody is at work and nothing is left
    to land: until the deadline it would only wait.
    """
    if not minutes:
        yield
        return
    left = max(0.0, minutes * 60 - spent)
    ends = now() + left
    over = False

    def stop(reason: str) -> None:
        nonlocal over
        if not over:
            over = True
            run.stop(reason)

    def look(record: Record) -> None:
        pause = run.state.pace.pause
        if pause is not None and only_waits(run.state, ends):
            stop(outlasted(pause.hold.until))

    timer = asyncio.get_running_loop().call_later(left, stop, passed(minutes))
    unheard = run.bus.listen(look)
    try:
        yield
    finally:
        timer.cancel()
        unheard()
