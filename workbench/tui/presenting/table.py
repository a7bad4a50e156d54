"""A table as values: columns that share a width, and rows of cells that have a tone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Row:
    """One line; ``key`` is what it stands for, whatever else changes."""

    key: str
    cells: tuple[Cell, ...]


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
