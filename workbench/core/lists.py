"""Lists of names in sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 8


def some(names: Sequence[str], most: int = MOST) -> str:
    """The first ``most`` names, and how many there are besides."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
