"""Texts as rows of the screen: as they are written, with line numbers, or as lines of one tone each."""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.strip import Strip
from textual.theme import Theme

from workbench.tui.presenting.table import Cell, Tone
from workbench.tui.tones import style

TURN = 20
"""Rows that are laid out at once."""

_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Laid:
    """Rows of the screen, and for each the line of the source that it shows (1-based, never falling)."""

    rows: tuple[Strip, ...] = ()
    lines: tuple[int, ...] = ()

    def row(self, line: int) -> int:
        """The first row that shows ``line``, or what comes nearest before it."""
        at = bisect_left(self.lines, line)
        if at < len(self.lines) and self.lines[at] == line:
            return at
        return max(0, bisect_left(self.lines, self.lines[at - 1])) if at else 0


Make = Callable[[int, Theme], Laid]
"""How a text is laid out in so many cells, in the colours of a theme. Called in a thread."""


def as_source(text: str, marks: Mapping[int, Tone] | None = None) -> Make:
    """``text`` as it is written, wrapped, with line numbers; ``marks`` are the tones of lines that have
    something to them."""
    return lambda width, theme: _source(printable(text), marks or {}, width, theme)


def as_cells(cells: Sequence[Cell]) -> Make:
    """Lines of one tone each."""
    return lambda width, theme: joined(_cells(cells, width, theme))


def printable(text: str) -> str:
    """``text`` with its lines, and with a sign for each character that a terminal would act on or hide."""
    lines = _BREAK.split(text.expandtabs(4))
    return "\n".join(
        line
        if line.isprintable()
        else "".join(it if it.isprintable() else "\N{REPLACEMENT CHARACTER}" for it in line)
        for line in lines
    )


def joined(rows: Iterable[tuple[int, Strip]]) -> Laid:
    """Rows with their lines as one value. Whoever draws meanwhile gets a turn now and then."""
    found: list[tuple[int, Strip]] = []
    for row in rows:
        found.append(row)
        if len(found) % TURN == 0:
            time.sleep(
                0.0005
            )  # Python has one thread at work at a time, and leaves it to that by itself only
    return Laid(tuple(strip for _, strip in found), tuple(line for line, _ in found))


def _cells(cells: Sequence[Cell], width: int, theme: Theme) -> Iterator[tuple[int, Strip]]:
    for number, cell in enumerate(cells, 1):
        for piece in _wrapped(printable(cell.text), width):
            yield number, Strip([Segment(piece, style(cell.tone, theme))], cell_len(piece))


def _source(text: str, marks: Mapping[int, Tone], width: int, theme: Theme) -> Laid:
    lines = text.split("\n")
    digits = max(3, len(str(len(lines))))
    faint = style("faint", theme)
    room = max(8, width - digits - 3)

    def rows() -> Iterator[tuple[int, Strip]]:
        for number, line in enumerate(lines, 1):
            tone = marks.get(number)
            told = style(tone, theme) if tone else faint
            head = f"{number:>{digits}} {'▌' if tone else ' '} "
            bold = style("strong", theme) if line.startswith("#") else None
            for place, piece in enumerate(_wrapped(line, room)):
                gutter = Segment(head if not place else " " * (digits + 3), told)
                yield number, Strip([gutter, Segment(piece, bold)], digits + 3 + cell_len(piece))

    return joined(rows())


def _wrapped(line: str, width: int) -> list[str]:
    """A line in pieces of so many cells, cut between words where there are some."""
    if cell_len(line) <= width:
        return [line]
    pieces: list[str] = []
    at = ""
    for word in re.findall(r"\s+|\S+", line):
        if cell_len(at) + cell_len(word) <= width:
            at += word
            continue
        if at.strip():
            pieces.append(at)
        *whole, at = chop_cells(word, width) if not word.isspace() else [""]
        pieces += whole
    return [*pieces, at] if at or not pieces else pieces
