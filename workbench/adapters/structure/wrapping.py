"""Statements one side put into a block (``try``, ``with``, ``if``) while the other changed them."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.adapters.structure.compose import reindent
from workbench.adapters.structure.entries import Entry
from workbench.adapters.structure.grammars import Piece


@dataclass(frozen=True, slots=True)
class Side:
    """A side's entries by the base: where each is found, and what was added before each."""

    found: list[int]
    added: list[list[Entry]]
    entries: list[Entry]

    def at(self, n: int) -> Entry | None:
        """The side's form of the base's n-th entry."""
        return self.entries[self.found[n]] if n < len(self.found) and self.found[n] >= 0 else None


def wrapped(base: list[Entry], n: int, outer: Side, inner: Side) -> tuple[bytes, int] | None:
    """``outer``'s block around ``inner``'s statements, and how many of the base's entries that
    covers. None unless ``outer`` moved them all as they were into what it added at ``n``."""
    last = n
    while last + 1 < len(base) and outer.found[last + 1] < 0 and not outer.added[last + 1]:
        last += 1
    moved = base[n : last + 1]
    changed = [e for k in range(n, last + 1) for e in (*(inner.added[k] if k > n else ()), inner.at(k)) if e]
    run = outer.added[n]
    if not changed or not run:
        return None
    spots = [(entry, spot) for entry in run if (spot := _span(moved, entry.piece)) is not None]
    if len(spots) != 1:
        return None
    around, (start, end, indent) = spots[0]
    src = changed[0].piece.src
    body = reindent(src[changed[0].piece.start : changed[-1].piece.end], changed[0].piece.indent, indent)
    whole = around.piece.src
    text = whole[run[0].piece.start : start] + body + whole[end : run[-1].piece.end]
    return text, last + 1 - n


def _span(moved: list[Entry], piece: Piece) -> tuple[int, int, bytes] | None:
    """Where inside ``piece`` the moved entries stand in a row, were it not for their indent."""
    wanted = [_flat(entry.piece) for entry in moved]
    todo = list(piece.kids)
    while todo:
        one = todo.pop()
        kids = one.kids
        for n in range(len(kids) - len(wanted) + 1):
            if kids[n].named and all(_flat(kid) == text for kid, text in zip(kids[n:], wanted, strict=False)):
                return kids[n].start, kids[n + len(wanted) - 1].end, kids[n].indent
        todo.extend(kids)
    return None


def _flat(piece: Piece) -> bytes:
    return reindent(piece.text, piece.indent, b"")
