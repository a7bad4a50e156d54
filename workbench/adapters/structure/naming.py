"""Two names for what was made of one expression, which each side then used in its place."""

from __future__ import annotations

import re

from workbench.adapters.structure.compose import differences, leading
from workbench.adapters.structure.entries import Entry
from workbench.adapters.structure.grammars import Piece

NAME = re.compile(rb"([&*]*)([A-Za-z_$][\w$]*)")


def renamed(base: Entry, ours: list[Entry], theirs: list[Entry]) -> bytes | None:
    """Ours' statements, then theirs' about what ours made, and the statement with theirs' name in it:
    ``a = f(x)``, ``b = g(a)``, ``use(b)``. The runs end with what became of the base's statement. None unless
    both sides changed nothing in that but one and the same expression into a name that they give before."""
    mine, yours = _named(base, ours), _named(base, theirs)
    if mine is None or yours is None or mine[0].start != yours[0].start:
        return None
    old, new = mine
    out = b"".join((entry.lead if n else b"") + entry.text + entry.sep for n, entry in enumerate(ours[:-1]))
    for entry in theirs[:-1]:
        text = entry.text
        for spot in _spots(entry.piece, old):
            start, end = spot.start - entry.piece.start, spot.end - entry.piece.start
            text = text[:start] + new + text[end:]
        out += leading(entry, base.piece) + text + entry.sep
    return out + leading(theirs[-1], base.piece) + theirs[-1].text + theirs[-1].sep


def _named(base: Entry, run: list[Entry]) -> tuple[Piece, bytes] | None:
    """The expression of the base's statement that a side put a name for, and that name."""
    old, new = differences(base.piece.core, run[-1].piece.core)[-1]
    name = NAME.fullmatch(new.text)
    if len(run) < 2 or name is None or old.text == new.text:
        return None
    before = [entry for entry in run[:-1] if _spots(entry.piece, old)]
    given = rb"(?<![\w.$])" + re.escape(name[2]) + rb"\b[^\n=]*=(?!=)"
    if not before or not any(re.search(given, entry.text) for entry in before):
        return None
    return old, (b"(" + new.text + b")" if name[1] else new.text)


def _spots(piece: Piece, old: Piece) -> list[Piece]:
    """Where an expression stands in a piece, last first."""
    out: list[Piece] = []
    todo = [piece]
    while todo:
        one = todo.pop()
        if one.type == old.type and one.text == old.text:
            out.append(one)
        else:
            todo.extend(one.kids)
    return sorted(out, key=lambda found: -found.start)
