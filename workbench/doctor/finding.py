"""What a look at the machine found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``fail`` means that a run cannot work, ``warn`` that it can but the
    sentence should be known; ``hint`` is what to do about it, empty where there is nothing to do."""

    name: str
    level: Level
    sentence: str
    hint: str = ""


def megabytes(count: float) -> str:
    """A number of bytes for people: ``512 MB``, ``3.4 GB``."""
    size = count / 1_000_000
    return f"{size:.0f} MB" if size < 1000 else f"{size / 1000:.1f} GB"
