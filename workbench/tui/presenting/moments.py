"""Times as they stand in columns."""

from __future__ import annotations

import datetime
from functools import lru_cache


@lru_cache(maxsize=16_384)
def time_of_day(at: float) -> str:
    """A moment (Unix seconds) as the time of day here, eight cells wide."""
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
