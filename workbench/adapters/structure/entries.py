"""The children of a node as entries of a list, and which entry of one list is which of another."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from workbench.adapters.structure import shapes
from workbench.adapters.structure.grammars import Piece
from workbench.core.diff3 import matches

SEPARATORS = (b",", b";")
WORDS = re.compile(rb"\w+")
LIKE = 0.5  # share of words two unnamed entries have in common to be one entry, changed
FEW = 40  # entries of a gap up to which likeness is looked at


@dataclass(slots=True, eq=False)
class Entry:
    """One child: its piece, the white space before it, the separator after it."""

    piece: Piece
    lead: bytes
    first: bool = False
    sep: bytes = b""
    next_lead: bytes | None = None

    @property
    def text(self) -> bytes:
        return self.piece.text

    @property
    def kind(self) -> str:
        return self.piece.core.type

    @property
    def anchor(self) -> bool:
        """A token of the grammar (a bracket, a keyword), no entry of its own."""
        return not self.piece.named

    @property
    def comment(self) -> bool:
        return self.piece.type in shapes.COMMENTS

    @property
    def inline(self) -> bool:
        """A comment at the end of a line that another entry starts."""
        return self.comment and not self.first and b"\n" not in self.lead


def entries(piece: Piece) -> list[Entry]:
    """A node's children, separators put with what they follow, comments and attributes with what
    they are about."""
    out: list[Entry] = []
    free = shapes.is_free(piece.type)
    waiting: list[Piece] = []
    for n, kid in enumerate(piece.kids):
        if not kid.named and kid.text in SEPARATORS and out and not waiting:
            out[-1].sep += kid.lead + kid.text
            continue
        if waiting and not _belongs(waiting[-1], kid):
            out.extend(_entry(one) for one in waiting)
            waiting = []
        last = n + 1 == len(piece.kids)
        if free and _attached(kid) and not last and not (n and _inline(kid)):
            waiting.append(kid)
            continue
        whole = Piece.bundle([*waiting, kid]) if waiting else kid
        waiting = []
        out.append(_entry(whole))
    out.extend(_entry(one) for one in waiting)
    if out:
        out[0].first = True
    for one, following in itertools.pairwise(out):
        one.next_lead = following.lead
    return out


def _entry(piece: Piece) -> Entry:
    return Entry(piece, piece.lead)


def _attached(kid: Piece) -> bool:
    """A comment, or an attribute; grammars that know one attribute a parameter call more an error."""
    return kid.type in shapes.ATTACHED or (kid.type == "ERROR" and kid.text.startswith(b"#["))


def _inline(kid: Piece) -> bool:
    return kid.type in shapes.COMMENTS and b"\n" not in kid.lead


def _belongs(before: Piece, kid: Piece) -> bool:
    if not kid.named or kid.text in SEPARATORS:
        return False
    return before.type not in shapes.COMMENTS or kid.lead.count(b"\n") == 1


def align(base: list[Entry], side: list[Entry], free: bool) -> list[int]:
    """For each entry of the base its place in ``side``, -1 where there is none; rising."""
    found = [-1] * len(base)
    for i, j in matches([(e.kind, e.text) for e in base], [(e.kind, e.text) for e in side]):
        found[i] = j
    for low, high, first, last in list(_gaps(found, len(side))):
        names_b = [_match_name(e) or (i,) for i, e in enumerate(base[low:high])]
        names_s = [_match_name(e) or () for e in side[first:last]]
        for i, j in matches(names_b, names_s):
            found[low + i] = first + j
    for low, high, first, last in list(_gaps(found, len(side))):
        for i, j in _alike(base[low:high], side[first:last], free):
            found[low + i] = first + j
    return found


def _match_name(entry: Entry) -> tuple[str, bytes] | None:
    name = shapes.name_of(entry.piece) if entry.piece.named else None
    return None if name is None else (entry.kind, name)


def _gaps(found: list[int], size: int) -> list[tuple[int, int, int, int]]:
    out = []
    low = first = 0
    for i, j in enumerate([*found, size]):
        if j < 0:
            continue
        if i > low and j > first:
            out.append((low, i, first, j))
        low, first = i + 1, j + 1
    return out


def _alike(base: list[Entry], side: list[Entry], free: bool) -> list[tuple[int, int]]:
    """The rising pairs of one gap with the greatest likeness in all."""
    if len(base) > FEW or len(side) > FEW:
        return []
    alone = len(base) == len(side) == 1
    best: list[list[tuple[float, tuple[tuple[int, int], ...]]]]
    best = [[(0.0, ())] * (len(side) + 1) for _ in range(len(base) + 1)]
    for i, one in enumerate(base):
        for j, other in enumerate(side):
            top = max(best[i][j + 1], best[i + 1][j], key=lambda cell: cell[0])
            score = _likeness(one, other, free, alone)
            if score and best[i][j][0] + score > top[0]:
                top = (best[i][j][0] + score, (*best[i][j][1], (i, j)))
            best[i + 1][j + 1] = top
    return list(best[-1][-1][1])


def _likeness(one: Entry, other: Entry, free: bool, alone: bool) -> float:
    if one.anchor or other.anchor:
        return 0.0
    if not free:
        if one.piece.field == other.piece.field and (one.kind == other.kind or alone or one.piece.field):
            return 1.0
        return 0.0
    if one.kind != other.kind:
        return 0.0
    a, b = set(WORDS.findall(one.text)), set(WORDS.findall(other.text))
    share = 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0
    if one.kind in shapes.LEAVING and share > 0:
        share += 0.2
    return share if share >= (LIKE / 2 if alone else LIKE) else 0.0
