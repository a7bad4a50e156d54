"""What a line is, and how text becomes fit for one. Pure: no terminal, no colour."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.core.lists import some

Tone = Literal["plain", "good", "bad", "warn", "faint"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, for a person: who, what, and in which tone."""

    who: str
    what: str
    tone: Tone = "plain"


NOTE_WIDTH = 160


def short(text: str, width: int = NOTE_WIDTH) -> str:
    """The first line of ``text``, without control characters, cut to ``width``."""
    if text.isprintable() and len(text) <= width:  # nearly always, and there is a line for every event
        return text.strip()
    first = next((part for part in text.splitlines() if part.strip()), "")
    if not first.isprintable():
        first = "".join(char if char.isprintable() else " " for char in first)
    clean = first.strip()
    return clean if len(clean) <= width else clean[: width - 1] + "…"


def gist(text: str, width: int = NOTE_WIDTH) -> str:
    """``text`` in one line: its first, and when that only announces more, the last of what follows."""
    first, last = short(text, width), short("\n".join(reversed(text.splitlines())), width)
    return f"{first} {last}" if first.endswith(":") and last != first else first


def shown(names: Sequence[str], most: int = 3) -> str:
    """Some names, each cut to a readable length, and how many there are besides."""
    return some([short(name, 100) for name in names], most)


def clock_time(at: float, now: float) -> str:
    """A moment as a person reads it here: the time of day, with the date when that is not today."""
    moment, today = (datetime.datetime.fromtimestamp(it).astimezone() for it in (at, now))
    return moment.strftime("%H:%M:%S" if moment.date() == today.date() else "%Y-%m-%d %H:%M")
