"""The hash chain of a run's events: what is changed, lost or put in afterwards does not fit any more.

Each row carries the SHA-256 of its fields and of the hash of the row before it in the same run. This finds
damage (a bad disk, an editor, half a backup), not an attacker, who could compute the chain anew. That rows
are missing at the very end cannot be seen here; git is asked for that when a run is taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Any

START = bytes(32)
"""What stands for the hash before the first row of a run."""

_NUMBERS = Struct(">qdII")

Stored = tuple[int, float, bytes, bytes, bytes]
"""A row of one run as it lies in the log: seq, at, type, body, hash."""


def link(previous: bytes, run: bytes, seq: int, at: float, kind: bytes, body: bytes) -> bytes:
    """The hash of a row. Every field has one place: numbers at fixed width (``at`` by its very bits), texts
    as UTF-8 with their lengths before them, and the body, which is the rest."""
    head = _NUMBERS.pack(seq, at, len(run), len(kind))
    return sha256(b"".join((previous, head, run, kind, body))).digest()


@dataclass(frozen=True, slots=True)
class Verified:
    """A run's log is whole: how many records it has, and the hash (hex) that stands for all of them."""

    records: int
    head: str


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold: the first ``seq`` that is not to be relied on, and why."""

    seq: int
    problem: str


class Walk:
    """One way along a chain: iterate over it for the rows that fit; ``broken`` then says where it ended
    early, or is None. ``head`` and ``seq`` are those of the last row that fitted."""

    def __init__(self, run: str, rows: Iterable[Stored], seq: int = 0, head: bytes = START) -> None:
        self._run = run.encode()
        self._rows = rows
        self.seq, self.head = seq, head
        self.broken: Break | None = None

    def __iter__(self) -> Iterator[Stored]:
        run, seq, head = self._run, self.seq, self.head
        for row in self._rows:
            if row[0] != seq + 1:
                self.broken = Break(seq + 1, _gap(seq + 1, row[0]))
                return
            if (made := _linked(head, run, row)) is None or made != row[4]:
                self.broken = Break(seq + 1, "it is not what was written")
                return
            seq, head = row[0], made
            self.seq, self.head = seq, head
            yield row


def _linked(head: bytes, run: bytes, row: tuple[Any, ...]) -> bytes | None:
    try:
        return link(head, run, *row[:4])
    except Exception:  # noqa: BLE001 - SQLite gives back whatever type damage made of a field
        return None


def _gap(due: int, found: object) -> str:
    if isinstance(found, int) and found > due:
        return "it is missing" if found == due + 1 else f"it and all up to {found - 1} are missing"
    return f"in its place stands one numbered {found!r}"
