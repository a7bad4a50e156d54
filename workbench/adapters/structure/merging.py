"""Three syntax trees as one text: recursion over children, matched by text, name and likeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from workbench.adapters.structure import shapes
from workbench.adapters.structure.chains import chained
from workbench.adapters.structure.compose import compose, enclose, forks, within
from workbench.adapters.structure.entries import Entry, align, entries
from workbench.adapters.structure.grammars import BUNDLE, Piece
from workbench.adapters.structure.naming import renamed
from workbench.adapters.structure.runs import Clash, join, written
from workbench.adapters.structure.wrapping import Side, wrapped
from workbench.adapters.structure.writing import Place, Written, write
from workbench.core.union import clean, listed, merge_words, retold, union

T = TypeVar("T")
MACROS = frozenset({"token_tree", "macro_invocation"})


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges pieces of one language. ``loose`` also composes: one side's change put inside the
    other's where both rewrote one expression or statement."""

    language: str
    loose: bool = False

    def merge(self, base: Piece, ours: Piece, theirs: Piece) -> bytes:
        """The merged text. Raises Clash when both changed one thing in unlike ways."""
        if ours.text == theirs.text or theirs.text == base.text:
            return ours.text
        if ours.text == base.text:
            return theirs.text
        enclosed = enclose(base, ours, theirs)
        if enclosed is not None:
            return enclosed
        if not base.type == ours.type == theirs.type:
            return self._inside(base, ours, theirs)
        chain = chained(self, base, ours, theirs)
        if chain is not None:
            return chain
        if base.type in shapes.TEXTS:
            return self._prose(base, ours, theirs)
        if not (base.kids and ours.kids and theirs.kids):
            raise Clash(base.type)
        try:
            if shapes.CHOICES.search(base.type) and not self.loose:
                raise Clash(base.type)
            return self._children(base, ours, theirs)
        except Clash:
            merged = self._as_text(base, ours, theirs)
            if merged is None:
                raise
            return merged.encode()

    def _inside(self, base: Piece, ours: Piece, theirs: Piece) -> bytes:
        """One side put what it also changed into something else: the other's change goes in there."""
        for outer, inner in ((theirs, ours), (ours, theirs)):
            if not self.loose or outer.type == base.type or inner.type != base.type or len(base.kids) < 2:
                continue
            place = within(base, outer)
            if place is not None:
                text = (
                    self.merge(base, inner, place[1])
                    if outer is theirs
                    else self.merge(base, place[1], inner)
                )
                return outer.src[outer.start : place[1].start] + text + outer.src[place[1].end : outer.end]
        raise Clash(base.type)

    def _as_text(self, base: Piece, ours: Piece, theirs: Piece) -> str | None:
        """What lines alone say about a piece whose parts clash; a docstring may keep both."""
        b, o, t = (piece.text.decode() for piece in (base, ours, theirs))
        merged = clean(b, o, t)
        if merged is None and self.loose:
            merged = union(b, o, t, code=True)
        if merged is None and base.type in MACROS:
            merged = listed(b, o, t)
        if merged is None and self.loose and _is_docstring(base):
            merged = retold(b, o, t)
        return merged

    def _prose(self, base: Piece, ours: Piece, theirs: Piece) -> bytes:
        texts = [piece.text.decode() for piece in (base, ours, theirs)]
        b, o, t = texts
        merged = union(b, o, t)
        wordy = base.type in shapes.COMMENTS or "\n" in b or "\n" in o or self.loose
        if merged is None and wordy:
            merged = merge_words(b, o, t)
        if merged is None and self.loose and base.type in shapes.COMMENTS:
            several = "\n" in b or b.startswith("/*")
            merged = retold(b, o, t) if several else f"{o}\n{ours.indent.decode()}{t}"
        if merged is None:
            raise Clash(base.type)
        return merged.encode()

    def _children(self, base: Piece, ours: Piece, theirs: Piece) -> bytes:
        b, o, t = entries(base), entries(ours), entries(theirs)
        listing = any(entry.sep.strip() == b"," for side in (b, o, t) for entry in side)
        free = listing or shapes.is_free(base.type) or base.type.startswith(BUNDLE)
        place = Place(self.language, base.type, free, ours.indent, tuple(e.text for e in b if not e.anchor))
        mine, yours = _side(b, o, free), _side(b, t, free)
        out: list[Written] = []
        n = 0
        while n <= len(b):
            one = b[n] if n < len(b) else None
            covered = _block_around(out, b, n, mine, yours) if free and one else 0
            if covered:
                n += covered
                continue
            if _between_gone(n, mine, yours) or _between_gone(n, yours, mine):
                raise Clash(base.type)
            named = self._renamed(place, one, mine, yours, n)
            if named is not None:
                out.append(named)
                n += 1
                continue
            try:
                added = (mine.added[n], yours.added[n])
                out.extend(self._step(place, one, mine.at(n), yours.at(n), added))
                n += 1
            except Clash:
                if not (self.loose and free and one):
                    raise
                n += self._reconciled(out, b, n, mine, yours)
        tail = pick(base.tail, ours.tail, theirs.tail)
        return write(place, out, (b, o, t)) + tail

    def _step(
        self, place: Place, one: Entry | None, mine: Entry | None, yours: Entry | None,
        added: tuple[list[Entry], list[Entry]],
    ) -> list[Written]:  # fmt: skip
        """What stands at one place: what the sides inserted before an entry, and the entry."""
        gone_o, gone_t = one is not None and mine is None, one is not None and yours is None
        if one is not None and mine is not None and yours is not None:
            changed = (mine.text != one.text, yours.text != one.text)
            if (changed[1] and forks(one, added[0])) or (changed[0] and forks(one, added[1])):
                raise Clash(one.kind)
        out = join(self, place, *added, (gone_o, gone_t))
        if one is None or (mine is None and yours is None):
            return out
        if mine is None or yours is None:
            left = mine or yours
            if left is None or left.text != one.text:
                raise Clash(one.kind)
            return out
        lead, first = pick(*((e.lead, e.first) for e in (one, mine, yours)))
        sep = pick(one.sep, mine.sep, yours.sep)
        text = self.merge(one.piece, mine.piece, yours.piece)
        later = mine.next_lead if mine.next_lead is not None else yours.next_lead
        return [*out, Written(text, lead, first, sep, one.anchor, one.comment, later)]

    def _renamed(self, place: Place, one: Entry | None, mine: Side, yours: Side, n: int) -> Written | None:
        """What both made of one expression before they used it, one after the other."""
        a, b = mine.at(n), yours.at(n)
        if not self.loose or place.kind not in shapes.STATEMENTS or one is None or a is None or b is None:
            return None
        runs = ([*mine.added[n], a], [*yours.added[n], b])
        text = renamed(one, *runs)
        return None if text is None else _block(text, runs[0])

    def _reconciled(self, out: list[Written], base: list[Entry], n: int, mine: Side, yours: Side) -> int:
        """What both rewrote at ``n``, put one inside the other; says how many entries that covers."""
        runs = [[*side.added[n], *([found] if (found := side.at(n)) else [])] for side in (mine, yours)]
        text = compose(base[n], *runs)
        if text is None:
            raise Clash(base[n].kind)
        out.append(_block(text, runs[0] or runs[1]))
        return 1


def _block_around(out: list[Written], base: list[Entry], n: int, mine: Side, yours: Side) -> int:
    """A block one side put around statements from ``n`` on, the other's changes inside it; says how
    many entries it covers, 0 when there is none."""
    for outer, inner in ((mine, yours), (yours, mine)):
        if outer.at(n) is not None or not outer.added[n]:
            continue
        block = wrapped(base, n, outer, inner)
        if block is not None:
            out.extend(written(entry) for entry in inner.added[n])
            out.append(_block(block[0], outer.added[n]))
            return block[1]
    return 0


def _between_gone(n: int, one: Side, other: Side) -> bool:
    """Whether ``other`` added where ``one`` took away what stands on both sides of the place."""
    gone = 0 < n < len(one.found) and one.found[n - 1] < 0 and one.found[n] < 0
    return gone and bool(other.added[n])


def _block(text: bytes, run: list[Entry]) -> Written:
    return Written(text, run[0].lead, run[0].first, b"", False, False, run[-1].next_lead)


def _side(base: list[Entry], entries_: list[Entry], free: bool) -> Side:
    found = align(base, entries_, free)
    return Side(found, _added(found, entries_), entries_)


def pick(base: T, ours: T, theirs: T) -> T:
    """The changed one of three; ours when both changed."""
    return theirs if ours == base else ours


def _is_docstring(piece: Piece) -> bool:
    """A string that stands alone, as a statement of its own."""
    return piece.type == "expression_statement" and [kid.type for kid in piece.kids] == ["string"]


def _added(found: list[int], side: list[Entry]) -> list[list[Entry]]:
    """The entries of ``side`` that are not the base's, by the gap of the base they stand in. What
    replaces entries of the base stands before the first of them."""
    out: list[list[Entry]] = [[] for _ in range(len(found) + 1)]
    places = {j: i for i, j in enumerate(found) if j >= 0}
    gap = 0
    for j, entry in enumerate(side):
        if j in places:
            gap = places[j] + 1
        else:
            out[gap].append(entry)
    return out
