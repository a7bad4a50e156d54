"""What stands above the panes of a screen: where one is, and how much there is in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from workbench.tui.presenting.table import Cell, Tone

SHOWN, HIDDEN = "▸", " "
BETWEEN = " · "


@dataclass(frozen=True, slots=True)
class Tab:
    """A pane: ``key`` is its name in the code, ``said`` how much there is in it. ``shown`` says that it is
    the one that is seen, or has the keys where several are."""

    key: str
    title: str
    said: tuple[Cell, ...] = ()
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A text of the strip, in its tone, and the pane it belongs to."""

    text: str
    tone: Tone
    key: str


def strip(tabs: Sequence[Tab], room: int, hint: str = "") -> tuple[Piece, ...]:
    """The tabs side by side in ``room`` cells, and ``hint`` at the end. What is said of a pane goes where
    there is no room for it, the last first, and never in half."""
    said = [list(tab.said) for tab in tabs]
    while True:
        pieces = _strip(tabs, said)
        used = sum(cell_len(piece.text) for piece in pieces)
        long = next((it for it in reversed(said) if len(it) > 1), None) or next(
            filter(None, reversed(said)), None
        )
        if used <= room or long is None:
            break
        long.pop()
    if hint and used + len(hint) + 1 <= room:
        pieces.append(Piece(" " * (room - used - len(hint)) + hint, "faint", ""))
    return tuple(pieces)


def _strip(tabs: Sequence[Tab], said: list[list[Cell]]) -> list[Piece]:
    pieces: list[Piece] = []
    for place, tab in enumerate(tabs):
        if place:
            pieces.append(Piece("  ", "faint", ""))
        mark = SHOWN if tab.shown else HIDDEN
        tone: Tone = "plain" if tab.shown else "faint"
        pieces.append(Piece(mark, "accent", tab.key))
        pieces.append(Piece(tab.title, "strong" if tab.shown else "plain", tab.key))
        for count, cell in enumerate(said[place]):
            pieces.append(Piece(BETWEEN if count else " ", "faint", tab.key))
            pieces.append(Piece(cell.text, cell.tone if cell.tone != "plain" else tone, tab.key))
    return pieces
