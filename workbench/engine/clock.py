"""The time of events: UTC, and never astray when somebody sets the machine's clock.

A clock that is set (by hand, by NTP after a start without network, in a virtual machine that was asleep)
would make tasks take minus an hour, or a day. So the wall clock is read once, and what has passed since is
measured by a clock that nobody sets. Where the system has one that goes on while the machine
is suspended, that is taken: a suspended hour is an hour of the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS counts suspension in the second


class SteadyClock:
    """Seconds since 1970, UTC, that only ever grow."""

    def __init__(self) -> None:
        self._began = time.time()
        self._mark = time.clock_gettime(_STEADY)

    def __call__(self) -> float:
        return self._began + time.clock_gettime(_STEADY) - self._mark


class Onward:
    """``clock`` going on from ``last``, the time of the newest record: where it is behind that, set back
    between two processes, or is ever set back, time goes on from where it was. To stand still until it has
    caught up would not do: what is to wait for a minute must see one pass."""

    def __init__(self, clock: Callable[[], float], last: float) -> None:
        self._clock = clock
        self._last = last
        self._behind = 0.0

    def __call__(self) -> float:
        now = self._clock() + self._behind
        if now < self._last:
            self._behind += self._last - now
            now = self._last
        self._last = now
        return now
