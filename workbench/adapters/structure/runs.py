"""What both sides added at one place, as one run."""

from __future__ import annotations

from typing import Protocol

from workbench.adapters.structure import shapes
from workbench.adapters.structure.entries import Entry, align, entries
from workbench.adapters.structure.grammars import BUNDLE, Piece
from workbench.adapters.structure.writing import Place, Written, write
from workbench.core.union import enters

SORTED_FROM = 3  # entries that stand sorted before sortedness counts as meant
DECLARING = frozenset({"module", "program", "source_file"}) | shapes.MEMBERS
IMPORTS = frozenset({
    "import_statement", "import_from_statement", "import_declaration", "use_declaration",
    "future_import_statement",
})  # fmt: skip
SORTABLE = frozenset({
    "string", "identifier", "dotted_name", "import_specifier", "export_specifier", "import_spec",
    "string_literal", "interpreted_string_literal", "use_as_clause",
})  # fmt: skip


class Clash(Exception):
    """Both sides changed one thing in ways that do not add up."""


class Merging(Protocol):
    """What a run needs of the merger."""

    def merge(self, base: Piece, ours: Piece, theirs: Piece) -> bytes:
        """The three as one text."""
        ...


def written(entry: Entry, text: bytes | None = None) -> Written:
    """An entry as a side has it."""
    return Written(
        entry.text if text is None else text, entry.lead, entry.first, entry.sep, entry.anchor, entry.comment,
        entry.next_lead,
    )  # fmt: skip


def join(
    merger: Merging, place: Place, ours: list[Entry], theirs: list[Entry], gone: tuple[bool, bool]
) -> list[Written]:
    """Both sides' additions in order: ours first, but for what has a place of its own (a required
    parameter, an import in a sorted list) and for what leaves the block, which comes last.

    Raises Clash where both cannot stand: two unlike things of one name, two replacements of the
    same, a node that has room for one only.
    """
    if not ours or not theirs:
        return [written(e) for e in ours or theirs]
    if [e.text for e in ours] == [e.text for e in theirs]:
        return [written(e) for e in ours]
    if gone == (True, True):
        raise Clash(place.kind)
    if not place.free and not all(e.kind in shapes.REPEATED for e in (*ours, *theirs)):
        return _chained(place, ours, theirs)
    if gone[0] or (not gone[1] and _leaves(ours)):
        if _leaves(theirs) and place.kind in shapes.STATEMENTS and not gone[0]:
            raise Clash(place.kind)
        ours, theirs = theirs, ours
    if place.kind in shapes.STATEMENTS and _enters(theirs) and not _enters(ours):
        ours, theirs = theirs, ours
    return _arranged(merger, place, ours, theirs)


def _arranged(merger: Merging, place: Place, first: list[Entry], second: list[Entry]) -> list[Written]:
    out = [written(e) for e in first]
    kinds = list(first)
    names = {(e.kind, shapes.name_of(e.piece)): n for n, e in enumerate(first)}
    ordered = place.kind in shapes.STATEMENTS and place.kind not in DECLARING
    head, tail = _shared(first, second) if ordered else (0, 0)
    for at, entry in enumerate(second):
        if ordered and at < head:
            continue
        if ordered and at >= len(second) - tail:
            continue
        if not ordered and not entry.comment and any(e.text == entry.text for e in first):
            continue
        name = shapes.name_of(entry.piece)
        twin = names.get((entry.kind, name)) if name is not None else None
        if twin is not None and _once(place, entry):
            out[twin].text = two_way(first[twin].piece, entry.piece, place.language)
            continue
        where = len(out) - tail
        out.insert(where, written(entry))
        kinds.insert(where, entry)
    return _ordered(place, out, kinds)


def _shared(first: list[Entry], second: list[Entry]) -> tuple[int, int]:
    """How many statements both runs start and end with."""
    shorter = min(len(first), len(second))
    head = 0
    while head < shorter and first[head].text == second[head].text:
        head += 1
    tail = 0
    while tail < shorter - head and first[-1 - tail].text == second[-1 - tail].text:
        tail += 1
    return head, tail


def _once(place: Place, entry: Entry) -> bool:
    """Whether a name may stand only once here."""
    if entry.kind == "expression_statement":
        return shapes.is_suite(entry.piece) or (place.kind in DECLARING and not shapes.is_case(entry.piece))
    if entry.kind in {"lexical_declaration", "variable_declaration"}:
        return True
    return entry.kind in shapes.UNIQUE


def _ordered(place: Place, out: list[Written], kinds: list[Entry]) -> list[Written]:
    ranks = [shapes.parameter_rank(e.piece, place.language, place.kind) for e in kinds]
    if any(ranks):
        starred = False
        for n, rank in enumerate(ranks):
            starred = starred or rank == 2
            ranks[n] = 3 if starred and rank in {0, 1} and _after_star(kinds, n) else rank
        return _sorted(out, ranks)
    # what is imported from stands first, and is none of the names
    base = place.base[1:] if place.kind == "import_from_statement" else place.base
    if all(e.kind in SORTABLE or e.kind in IMPORTS for e in kinds) and _is_sorted(base):
        return _sorted(out, [one.text.lower() for one in out])
    return out


def _after_star(kinds: list[Entry], n: int) -> bool:
    """Whether the star stands before this parameter in the same side's own list."""
    src = kinds[n].piece.src
    return any(
        e.piece.src is src and e.text.startswith(b"*") and e.piece.start < kinds[n].piece.start
        for e in kinds[:n]
    )


def _sorted(out: list[Written], keys: list[int] | list[bytes]) -> list[Written]:
    order = sorted(range(len(out)), key=lambda n: keys[n])
    return [out[n] for n in order]


def _is_sorted(texts: tuple[bytes, ...]) -> bool:
    low = [text.lower() for text in texts]
    return len(low) >= SORTED_FROM and low == sorted(low)


def _enters(run: list[Entry]) -> bool:
    """Whether a run begins by taking a lock."""
    first = next((e for e in run if not e.comment), None)
    return first is not None and b"\n" not in first.text and enters([first.text.decode()])


def _leaves(run: list[Entry]) -> bool:
    last = next((e.piece.core for e in reversed(run) if not e.comment), None)
    while last is not None and last.type == "expression_statement" and last.kids:
        last = last.kids[0]
    return last is not None and last.type in shapes.LEAVING


def _chained(place: Place, ours: list[Entry], theirs: list[Entry]) -> list[Written]:
    """``else if`` branches that both sides added at the end of a chain."""
    if place.kind not in {"if_statement", "if_expression"}:
        raise Clash(place.kind)
    if _ends_open(ours):
        first, second = ours, theirs
    elif _ends_open(theirs):
        first, second = theirs, ours
    else:
        raise Clash(place.kind)
    out = [written(e) for e in (*first, *second)]
    for one in out:
        one.first = False
    return out


def _ends_open(run: list[Entry]) -> bool:
    """Whether a chain of branches ends with an ``if``, so that another ``else`` may follow."""
    piece: Piece | None = run[-1].piece
    while piece is not None:
        if piece.type == "else_clause":
            piece = piece.kids[-1]
        elif piece.type in {"if_statement", "if_expression"}:
            piece = piece.child("alternative")
            if piece is None:
                return True
        else:
            return False
    return False


def _one_thing(one: Entry, other: Entry) -> bool:
    """Whether two entries are one by text or name, not by likeness alone."""
    name = shapes.name_of(one.piece)
    return one.text == other.text or (name is not None and name == shapes.name_of(other.piece))


def two_way(ours: Piece, theirs: Piece, language: str) -> bytes:
    """Two things of one name that both sides added: their members together. Raises Clash when more
    than members differ."""
    if ours.text == theirs.text:
        return ours.text
    free = shapes.is_free(ours.type) or ours.type.startswith(BUNDLE)
    if ours.type != theirs.type or not (free or ours.type in shapes.CONTAINERS):
        raise Clash(ours.type)
    a, b = entries(ours), entries(theirs)
    found = align(a, b, free)
    if free:
        found = [
            at if at >= 0 and _one_thing(entry, b[at]) else -1 for entry, at in zip(a, found, strict=True)
        ]
    if not free and (len(a) != len(b) or -1 in found):
        raise Clash(ours.type)
    out: list[Written] = []
    done = 0
    for n, entry in enumerate(a):
        at = found[n]
        if at >= 0:
            out.extend(written(extra) for extra in b[done:at])
            done = at + 1
        out.append(written(entry, entry.text if at < 0 else two_way(entry.piece, b[at].piece, language)))
    out.extend(written(extra) for extra in b[done:])
    if ours.type in DECLARING:
        _gather_imports(out, a, b)
    place = Place(language, ours.type, free, ours.indent, ())
    return write(place, out, (a, a, b)) + ours.tail


def _gather_imports(out: list[Written], ours: list[Entry], theirs: list[Entry]) -> None:
    """Put theirs' imports after the last of ours, not after what ours goes on with."""
    kinds = {e.text for e in (*ours, *theirs) if e.kind in IMPORTS}
    mine = [n for n, e in enumerate(ours) if e.kind in IMPORTS]
    if not mine:
        return
    end = next(n for n, one in enumerate(out) if one.text == ours[mine[-1]].text) + 1
    late = [one for one in out[end:] if one.text in kinds]
    for one in late:
        out.remove(one)
        one.first, one.lead = False, b"\n"
    out[end:end] = late
