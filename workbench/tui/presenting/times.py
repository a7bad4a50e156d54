"""Times as short words of a steady width."""

from __future__ import annotations

import datetime
from functools import lru_cache


def span(seconds: float) -> str:
    """How long, in seven cells at most: ``8s``, ``13m 05s``, ``2h 10m``, ``3d 04h``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3_600}h {whole % 3_600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3_600:02d}h"


def roughly(seconds: float) -> str:
    """A guess at how long, no finer than it can be: ``1 min``, ``25 min``, ``2 h 10 min``."""
    minutes = max(1, round(seconds / 60))
    if minutes >= 15:
        minutes = 5 * round(minutes / 5)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 1_440:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1_440} d {minutes % 1_440 // 60} h"


def moment(at: float) -> tuple[str, str]:
    """The day and the time of day of a moment (Unix seconds), where the reader is."""
    return _moment(int(at))


def time_of_day(at: float) -> str:
    """A moment as the time of day, eight cells wide."""
    return moment(at)[1]


@lru_cache(maxsize=16_384)
def _moment(at: int) -> tuple[str, str]:
    there = datetime.datetime.fromtimestamp(at).astimezone()
    return there.strftime("%Y-%m-%d"), there.strftime("%H:%M:%S")
