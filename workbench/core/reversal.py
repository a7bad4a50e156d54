"""A text without what one change put into it, where git sees a conflict: lines that were added beside it.

Taking out added lines next to other added lines is a conflict to git, or with ``merge=union`` no change at
all, although nothing is in doubt: that is how a team's lists, tables and changelogs grow. Only lines that
the change itself added are taken out, and only where nobody has written into the midst of them since.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.diff3 import matches
from workbench.core.union import merge_lines

Insertion = tuple[int, list[str]]
"""Lines put in before the line of that index."""


def without(landed: str, now: str, before: str) -> str | None:
    """``now`` less what made ``before`` into ``landed``; None where later changes are in the way. A proposal:
    gate it."""
    return merge_lines(landed, now, before, _taken_out)


def _taken_out(landed: Sequence[str], now: Sequence[str], before: Sequence[str]) -> list[str] | None:
    """One stretch of it, which both sides changed."""
    stays = {i for i, _ in matches(landed, before)}
    if len(stays) < len(before):  # the change took lines away as well: where they belong now is a guess
        return None
    insertions = _insertions(landed, now)
    if insertions is None:
        return None
    added: dict[int, list[str]] = {}
    for insertion in insertions:
        aside = _aside(insertion, landed, stays)
        if aside is None:
            return None
        added.setdefault(aside[0], []).extend(aside[1])
    out: list[str] = []
    for i in range(len(landed) + 1):
        out += added.get(i, [])
        if i in stays:
            out.append(landed[i])
    return out


def _insertions(old: Sequence[str], new: Sequence[str]) -> list[Insertion] | None:
    """What was put into ``old`` to make ``new``, in order; None when something was changed or taken away."""
    pairs = matches(old, new)
    if len(pairs) < len(old):
        return None
    found: list[Insertion] = []
    at = 0
    for i, j in [*pairs, (len(old), len(new))]:
        if j > at:
            found.append((i, list(new[at:j])))
        at = j + 1
    return found


def _aside(insertion: Insertion, landed: Sequence[str], stays: set[int]) -> Insertion | None:
    """An insertion where it does not part two lines that go, slid over lines like its own as far as need
    be; None when it is in the midst of them."""
    for step in (-1, 1):
        at, lines = insertion
        while _parts(at, landed, stays):
            if step < 0 and lines[-1] == landed[at - 1]:
                lines = [landed[at - 1], *lines[:-1]]
            elif step > 0 and lines[0] == landed[at]:
                lines = [*lines[1:], landed[at]]
            else:
                break
            at += step
        else:
            return at, lines
    return None


def _parts(at: int, landed: Sequence[str], stays: set[int]) -> bool:
    return 0 < at < len(landed) and at - 1 not in stays and at not in stays
