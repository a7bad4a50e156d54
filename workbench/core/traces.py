"""What a run's log says that is worth knowing beyond the run: notes that were kept, and landings that prove
or refute them. Derived from events by ``core.apply.notes``; ``core.notes`` makes shared notes of it.

Nothing is recorded for this besides the events that are in the log anyway. So there is nothing between
which a crash could come, a log that is folded again says the same again, and notes that are lost come back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NoteKind = Literal["note", "warning"]


@dataclass(frozen=True, slots=True)
class Noted:
    """Somebody kept a note. ``name`` tells it from others of its task; ``made`` is Unix seconds, ``seconds``
    the run's own time, in which it was at work. ``attempt`` and ``commit`` are evidence, as ``paths`` are."""

    task: str
    attempt: int
    name: str
    text: str
    author: str
    made: float
    seconds: float
    kind: NoteKind = "note"
    namespace: str = ""
    confidence: float | None = None
    ttl_seconds: float | None = None
    paths: tuple[str, ...] = ()
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """``task`` landed as ``commit``, green, and changed ``files``."""

    task: str
    commit: str
    files: tuple[str, ...]
    made: float
    seconds: float


Trace = Noted | Proof
