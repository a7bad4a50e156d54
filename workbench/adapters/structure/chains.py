"""A chain of branches that one side began anew: ``if b`` that became ``if a … else if b``.

Branch by branch from the top, the new first branch would be taken for the old one, and what the other side
changed in that would end up under the wrong condition.
"""

from __future__ import annotations

from workbench.adapters.structure.grammars import Piece
from workbench.adapters.structure.runs import Clash, Merging

CHAINS = frozenset({"if_statement", "if_expression"})


def chained(merger: Merging, base: Piece, ours: Piece, theirs: Piece) -> bytes | None:
    """The merged chain, None when neither side put a branch before the base's first. Raises Clash where the
    other side changed more than that branch, in a language whose chains are flat."""
    for side, other in ((ours, theirs), (theirs, ours)):
        if base.type not in CHAINS or _condition(side) == _condition(base):
            continue
        lower = _lower(base, side)
        if lower is not None:
            sides = (lower, other) if side is ours else (other, lower)
            return _with(side, [(lower, merger.merge(base, *sides))])
        clause = _clause(base, side)
        if clause is not None:
            return _flat(merger, base, side, clause, other)
    return None


def _flat(merger: Merging, base: Piece, side: Piece, clause: Piece, other: Piece) -> bytes:
    if len(base.kids) != len(other.kids) or _clause(base, other) is not None:
        raise Clash(base.type)
    made: list[tuple[Piece, bytes]] = []
    for old, new in zip(base.kids, other.kids, strict=True):
        kept = clause.child(old.field) if old.field in {"condition", "consequence"} else None
        if kept is not None:
            made.append((kept, merger.merge(old, kept, new)))
        elif old.text != new.text:
            raise Clash(base.type)
    return _with(side, made)


def _with(whole: Piece, made: list[tuple[Piece, bytes]]) -> bytes:
    text, at = b"", whole.start
    for piece, new in made:
        text += whole.src[at : piece.start] + new
        at = piece.end
    return text + whole.src[at : whole.end]


def _lower(base: Piece, side: Piece) -> Piece | None:
    """The nested ``if`` of a side's chain that has the condition of the base's first."""
    piece = side
    while (rest := piece.child("alternative")) is not None:
        inner = rest if rest.type in CHAINS else next((kid for kid in rest.kids if kid.type in CHAINS), None)
        if inner is None or _condition(inner) == _condition(base):
            return inner
        piece = inner
    return None


def _clause(base: Piece, side: Piece) -> Piece | None:
    found = [it for it in side.kids if it.type == "elif_clause" and _condition(it) == _condition(base)]
    return found[0] if len(found) == 1 else None


def _condition(piece: Piece) -> bytes:
    found = piece.child("condition")
    return found.text if found is not None else b""
