"""Three texts as one: which stretches of a base both sides left alone, and where they clash.

A line is an element of ``text.split("\\n")``, so a final newline is a last, empty line and nothing
about the end of a file needs a special case.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

TOO_WIDE = 250_000  # cells of a comparison; beyond, two stretches count as wholly different


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a three-way comparison: half-open ranges of base, ours and theirs."""

    base: tuple[int, int]
    ours: tuple[int, int]
    theirs: tuple[int, int]


def matches(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs ``(i, j)`` with ``a[i] == b[j]``, rising in both: what the two have in common.

    Patience first (elements that occur once in both anchor the comparison), so that a shared
    ``}`` or ``return`` does not pull unlike blocks together.
    """
    out: list[tuple[int, int]] = []
    todo = [(0, len(a), 0, len(b))]
    while todo:
        a_low, a_high, b_low, b_high = todo.pop()
        while a_low < a_high and b_low < b_high and a[a_low] == b[b_low]:
            out.append((a_low, b_low))
            a_low, b_low = a_low + 1, b_low + 1
        while a_low < a_high and b_low < b_high and a[a_high - 1] == b[b_high - 1]:
            a_high, b_high = a_high - 1, b_high - 1
            out.append((a_high, b_high))
        if a_low == a_high or b_low == b_high:
            continue
        anchors = _anchors(a, b, (a_low, a_high), (b_low, b_high))
        if not anchors:
            out.extend(_plain(a, b, (a_low, a_high), (b_low, b_high)))
            continue
        for i, j in anchors:
            todo.append((a_low, i, b_low, j))
            out.append((i, j))
            a_low, b_low = i + 1, j + 1
        todo.append((a_low, a_high, b_low, b_high))
    return sorted(out)


def slid(a: Sequence[Hashable], b: Sequence[Hashable], pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same matches with every insertion as far down in ``b`` as it can stand. A block that ends like
    what is before it has two places, and what two sides insert should meet where they do."""
    out = [(-1, -1), *pairs, (len(a), len(b))]
    for n in range(1, len(out) - 1):
        (before_a, before_b), (i, j), after = out[n - 1], out[n], out[n + 1]
        alone = before_a == i - 1 and after == (i + 1, j + 1)
        if alone and before_b + 1 < j and b[before_b + 1] == a[i]:
            out[n] = (i, before_b + 1)
    return out[1:-1]


def stretches(
    base: Sequence[Hashable], ours: Sequence[Hashable], theirs: Sequence[Hashable]
) -> list[tuple[bool, Stretch]]:
    """The three cut into stretches, in order; the flag says that both sides left it alone."""
    to_ours, to_theirs = (dict(slid(base, side, matches(base, side))) for side in (ours, theirs))
    out: list[tuple[bool, Stretch]] = []
    at = (0, 0, 0)
    i = 0
    while i < len(base):
        if i not in to_ours or i not in to_theirs:
            i += 1
            continue
        start = (i, to_ours[i], to_theirs[i])
        if start != at:
            out.append((False, _stretch(at, start)))
        end = start
        while end[0] < len(base) and to_ours.get(end[0]) == end[1] and to_theirs.get(end[0]) == end[2]:
            end = (end[0] + 1, end[1] + 1, end[2] + 1)
        out.append((True, _stretch(start, end)))
        i, at = end[0], end
    last = (len(base), len(ours), len(theirs))
    if at != last:
        out.append((False, _stretch(at, last)))
    return out


def _stretch(start: tuple[int, int, int], end: tuple[int, int, int]) -> Stretch:
    return Stretch((start[0], end[0]), (start[1], end[1]), (start[2], end[2]))


def _anchors(
    a: Sequence[Hashable], b: Sequence[Hashable], in_a: tuple[int, int], in_b: tuple[int, int]
) -> list[tuple[int, int]]:
    """The longest rising chain of elements that occur exactly once on both sides."""
    count_a, count_b = Counter(a[slice(*in_a)]), Counter(b[slice(*in_b)])
    where = {b[j]: j for j in range(*in_b) if count_b[b[j]] == 1}
    pairs = [(i, where[a[i]]) for i in range(*in_a) if count_a[a[i]] == 1 and a[i] in where]
    tails: list[int] = []
    owners: list[int] = []
    before: list[int] = []
    for n, (_, j) in enumerate(pairs):
        at = bisect_left(tails, j)
        if at == len(tails):
            tails.append(j)
            owners.append(n)
        else:
            tails[at], owners[at] = j, n
        before.append(owners[at - 1] if at else -1)
    chain: list[tuple[int, int]] = []
    n = owners[-1] if owners else -1
    while n >= 0:
        chain.append(pairs[n])
        n = before[n]
    return chain[::-1]


def _plain(
    a: Sequence[Hashable], b: Sequence[Hashable], in_a: tuple[int, int], in_b: tuple[int, int]
) -> list[tuple[int, int]]:
    if (in_a[1] - in_a[0]) * (in_b[1] - in_b[0]) > TOO_WIDE:
        return []
    blocks = SequenceMatcher(None, a[slice(*in_a)], b[slice(*in_b)], autojunk=False).get_matching_blocks()
    return [(in_a[0] + m.a + k, in_b[0] + m.b + k) for m in blocks for k in range(m.size)]
