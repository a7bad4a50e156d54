"""Text of others as lines of cells: nothing in it can colour, move or hide what stands around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from rich.cells import cell_len, chop_cells

from workbench.tui.presenting.table import Cell, Tone

Line = tuple[Cell, ...]
"""Cells that follow each other without a gap."""

# What colours a terminal, moves its cursor or sets its title; it goes whole, not only its first character.
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
TAB = 4


def clean(text: str) -> str:
    """One line of ``text`` as it may stand on a screen."""
    text = ESCAPES.sub("", text).expandtabs(TAB) if not text.isprintable() else text
    return text if text.isprintable() else "".join(char for char in text if char.isprintable())


def lines_of(text: str, tone: Tone = "plain", indent: str = "") -> list[Line]:
    """The lines of ``text``, all of one tone."""
    return [(Cell(indent + clean(line), tone),) for line in text.splitlines()]


def heading(text: str) -> Line:
    """A line that names what follows."""
    return (Cell(clean(text), "strong"),)


def labelled(label: str, *cells: Cell) -> Line:
    """``label`` in a column of its own, and what it is about."""
    return (Cell(f"{label:<11} ", "faint"), *cells)


def parted(sections: Iterable[Sequence[Line]]) -> list[Line]:
    """All sections that are not empty, with an empty line between each two."""
    found: list[Line] = []
    for section in sections:
        if section:
            found += [(), *section] if found else section
    return found


_DIFF: dict[str, Tone] = {
    "+": "good",
    "-": "bad",
    "@": "accent",
    "<": "warn",
    ">": "warn",
    "=": "warn",
    "|": "warn",
}


@lru_cache(maxsize=32)
def hunks(text: str) -> tuple[Line, ...]:
    """A conflict or a diff, its lines told apart by their first characters, which stay."""
    return tuple((Cell(clean(line), _hunk_tone(line)),) for line in text.splitlines())


def _hunk_tone(line: str) -> Tone:
    first = line[:1]
    if first in "<>=|" and line[:7] != first * 7:
        return "plain"
    return _DIFF.get(first, "plain")


def wrapped(line: Line, width: int) -> Iterator[Line]:
    """``line`` in pieces of ``width`` cells at most, parted between words where that wastes little. All but
    the first begin below where the text of the first does, behind its label."""
    width = max(1, width)
    if sum(cell_len(cell.text) for cell in line) <= width:
        yield line
        return
    hang = min(_hang(line), width // 3)
    left = width
    piece: list[Cell] = []
    for cell in line:
        text = cell.text
        while cell_len(text) > left:
            cut = _cut(text, left, fresh=left >= width - hang)
            if cut:
                piece.append(Cell(text[:cut], cell.tone))
            yield tuple(piece)
            text, left = text[cut:], width - hang
            piece = [Cell(" " * hang)] if hang else []
        if text:
            piece.append(Cell(text, cell.tone))
            left -= cell_len(text)
    if any(cell.text.strip() for cell in piece):
        yield tuple(piece)


def _cut(text: str, room: int, *, fresh: bool) -> int:
    """How many characters of ``text`` go into ``room`` cells; none where the rest of a line is too short for
    a word, and a ``fresh`` one is not."""
    if room <= 0:
        return 0
    head = chop_cells(text, room)[0]
    cut = head.rfind(" ") + 1
    if cut > len(head) // 2 or (cut and not fresh):
        return cut
    return max(1, len(head)) if fresh else len(head) if len(head) > 20 else 0


def _hang(line: Line) -> int:
    """How far in the text of a line begins: behind its labels, or behind its own indent."""
    size = 0
    for cell in line[:-1]:
        if not cell.text.endswith(" "):
            return size
        size += cell_len(cell.text)
    last = line[-1].text
    return size + len(last) - len(last.lstrip(" "))
