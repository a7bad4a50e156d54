"""Code that one side moved, into a function of its own or into a block, while the other side edited it.

The edit is carried to where the code stands now, and taken back where it stood; what is left of the
conflict is then another one's to merge. A proposal like any other: it proves nothing.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.core.diff3 import matches
from workbench.core.union import merge_words

ALIKE = 0.6  # share of words in common from which on a line counts as the same, rewritten
TELLING = 4  # words of a line from which on its like may be looked for
WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines ``low`` to ``high`` (excluded) of the base, and what one side has there, from its line ``at``."""

    low: int
    high: int
    at: int
    lines: tuple[str, ...]


def carried(base: str, ours: str, theirs: str) -> tuple[str, str] | None:
    """Ours and theirs with edits carried to where the other side moved the edited lines; None when there
    are none."""
    b, o, t = base.split("\n"), ours.split("\n"), theirs.split("\n")
    first = _carry(b, o, t)
    edited, mover = first or (o, t)
    second = _carry(b, mover, edited)
    if first is None and second is None:
        return None
    mover, edited = second or (mover, edited)
    return "\n".join(edited), "\n".join(mover)


def _carry(base: list[str], edited: list[str], mover: list[str]) -> tuple[list[str], list[str]] | None:
    kept = dict(matches(base, mover))
    stands = set(kept.values())
    added = [n for n, line in enumerate(mover) if n not in stands and line.strip()]
    edited, mover = list(edited), list(mover)
    found: list[tuple[Edit, int, list[str]]] = []
    for edit in _edits(base, edited):
        old = base[edit.low : edit.high]
        if all(n not in kept for n in range(edit.low, edit.high) if base[n].strip()):
            place = _exact(old, edit, mover, added)
            if place is None and (narrow := _narrowed(old, edit)) is not None:
                edit, place = narrow, _rewritten(old, narrow, mover, added)
            if place is not None and not any(_overlap(place[0], edit, at, it) for it, at, _ in found):
                found.append((edit, *place))
    for edit, _, _ in sorted(found, key=lambda one: -one[0].at):
        edited[edit.at : edit.at + len(edit.lines)] = base[edit.low : edit.high]
    for edit, at, lines in sorted(found, key=lambda one: -one[1]):
        mover[at : at + edit.high - edit.low] = lines
    return (edited, mover) if found else None


def _overlap(at: int, edit: Edit, other_at: int, other: Edit) -> bool:
    return at < other_at + other.high - other.low and other_at < at + edit.high - edit.low


def _edits(base: list[str], side: list[str]) -> Iterator[Edit]:
    """Where ``side`` replaced lines of the base: line for line where it has as many."""
    pairs = [(-1, -1), *matches(base, side), (len(base), len(side))]
    for (i, j), (k, m) in itertools.pairwise(pairs):
        old, new = range(i + 1, k), side[j + 1 : m]
        if len(old) == len(new):
            yield from (Edit(n, n + 1, j + 1 + at, (new[at],)) for at, n in enumerate(old))
        elif old and new:
            yield Edit(i + 1, k, j + 1, tuple(new))


def _narrowed(old: list[str], edit: Edit) -> Edit | None:
    """The edit of one line as that line and the likest of what it became."""
    if len(old) != 1:
        return None
    likest = max(range(len(edit.lines)), key=lambda n: _likeness(old[0], edit.lines[n]))
    if _likeness(old[0], edit.lines[likest]) < ALIKE:
        return None
    return Edit(edit.low, edit.high, edit.at + likest, (edit.lines[likest],))


def _exact(old: list[str], edit: Edit, mover: list[str], added: list[int]) -> tuple[int, list[str]] | None:
    """Where the old lines stand, were it not for their indent: in one place, among what was added."""
    there = set(added)
    places = [
        n
        for n in added
        if all(at in there or not mover[at : at + 1] for at in range(n, n + len(old)) if old[at - n].strip())
        and _flat(mover[n : n + len(old)]) == _flat(old)
    ]
    if len(places) != 1 or not old[0].strip():
        return None
    shift = _indent(mover[places[0]])
    return places[0], [_moved(line, _indent(old[0]), shift) for line in edit.lines]


def _rewritten(
    old: list[str], edit: Edit, mover: list[str], added: list[int]
) -> tuple[int, list[str]] | None:
    """The one line, at another depth, that is most like the old one, with both rewritings word by word."""
    if len(WORD.findall(old[0])) < TELLING:
        return None
    ranked = sorted(((_likeness(old[0], mover[n]), n) for n in added), reverse=True)
    if not ranked or ranked[0][0] < ALIKE or (len(ranked) > 1 and ranked[1][0] == ranked[0][0]):
        return None
    at = ranked[0][1]
    if _indent(mover[at]) == _indent(old[0]):
        return None  # rewritten where it stands, not put into a block: the two rewritings clash
    merged = merge_words(old[0].strip(), mover[at].strip(), edit.lines[0].strip())
    return None if merged is None else (at, [_indent(mover[at]) + merged])


def _likeness(one: str, other: str) -> float:
    a, b = Counter(WORD.findall(one)), Counter(WORD.findall(other))
    return 2 * (a & b).total() / max(1, a.total() + b.total())


def _flat(lines: list[str]) -> list[str]:
    indent = _indent(lines[0]) if lines else ""
    return [_moved(line, indent, "") for line in lines]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _moved(line: str, old: str, new: str) -> str:
    return new + line[len(old) :] if line.strip() and line.startswith(old) else line
