"""A table as values: columns that share a width, and rows of cells that have a tone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, overload

from rich.cells import cell_len, set_cell_size

Tone = Literal["plain", "strong", "faint", "good", "bad", "warn", "busy", "accent"]
"""What a text means, never how it looks. Nothing is said by a tone alone."""

GAP = 1
"""Cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` cells wide at least; what is left of the screen goes to those with ``flex``, in these shares.
    Where there is no room, columns of the highest ``rank`` are left out first; those of 0 stay."""

    title: str
    width: int
    flex: int = 0
    right: bool = False
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One text, of one tone."""

    text: str
    tone: Tone = "plain"

    def pieces(self, width: int, *, right: bool = False) -> Sequence[tuple[str, Tone]]:
        """What stands in ``width`` cells, exactly."""
        return ((fitted(self.text, width, right=right), self.tone),)


@dataclass(frozen=True, slots=True)
class Parts(Cell):
    """A text of several tones: ``parts`` follow each other, ``text`` is all of them."""

    parts: tuple[tuple[str, Tone], ...] = ()

    def pieces(self, width: int, *, right: bool = False) -> Sequence[tuple[str, Tone]]:
        """See Cell."""
        found: list[tuple[str, Tone]] = []
        for place, (text, tone) in enumerate(self.parts):
            size, rest = cell_len(text), place + 1 < len(self.parts)
            if size > width or (size == width and rest):
                found.append((fitted(text + "…" if rest else text, width), tone))
                return found
            found.append((fitted(text, size), tone))
            width -= size
        found.append((" " * width, "plain"))
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One line; ``key`` is what it stands for, whatever else changes."""

    key: str
    cells: tuple[Cell, ...]


class Made(Sequence[Row]):
    """Rows that are made when they are looked at, for where most are never seen: one for each of ``keys``,
    by ``make``."""

    __slots__ = ("_made", "_make", "keys")

    def __init__(self, keys: Sequence[str], make: Callable[[str], Row]) -> None:
        self.keys = keys
        self._make = make
        self._made: dict[int, Row] = {}

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[it] for it in range(*place.indices(len(self)))]
        if (row := self._made.get(place)) is None:
            row = self._made[place] = self._make(self.keys[place])
        return row


def key_at(rows: Sequence[Row], place: int) -> str:
    """The key of the row at ``place``; "" where there is none."""
    if not 0 <= place < len(rows):
        return ""
    return rows.keys[place] if isinstance(rows, Made) else rows[place].key


def place_of(rows: Sequence[Row], key: str) -> int | None:
    """Where the row of ``key`` is; None when there is none."""
    keys = rows.keys if isinstance(rows, Made) else [row.key for row in rows]
    return keys.index(key) if key in keys else None


def widths(columns: Sequence[Column], room: int) -> list[int]:
    """How wide each column is in ``room`` cells; 0 for one that is left out."""
    kept = list(range(len(columns)))
    while True:
        need = sum(columns[it].width for it in kept) + GAP * (len(kept) - 1)
        spare = max(
            (it for it in kept if columns[it].rank), key=lambda it: (columns[it].rank, it), default=None
        )
        if need <= room or spare is None:
            break
        kept.remove(spare)
    found = [columns[it].width if it in kept else 0 for it in range(len(columns))]
    left, shares = room - need, sum(columns[it].flex for it in kept)
    for it in kept:
        if columns[it].flex and shares:
            part = left * columns[it].flex // shares
            found[it] = max(1, found[it] + part)
            left, shares = left - part, shares - columns[it].flex
    return found


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells of a terminal, on one line, with … where it was cut."""
    clean = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    size = cell_len(clean)
    if size > width:
        return set_cell_size(clean, width - 1) + "…" if width > 1 else set_cell_size(clean, width)
    return " " * (width - size) + clean if right else clean + " " * (width - size)
