"""Conflicts that were settled once, to be settled alike when they come again.

As git's rerere does, hunk by hunk: the same lines of both sides, whichever of them is ours, on the same
lines of the base, get the lines that they got before, in whatever file.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise

from workbench.core.diff3 import matches, stretches
from workbench.core.union import Lines, merge_lines, one_sided

Key = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

MOST = 10_000
"""Settled hunks that are kept; the oldest go first."""


class Hunks:
    """What is known of the hunks of one run."""

    def __init__(self) -> None:
        self._known: dict[Key, list[str]] = {}

    def learn(self, base: str, ours: str, theirs: str, settled: str) -> None:
        """Take in that a conflict was settled so. A hunk is learnt when the lines right before and after
        it stand unchanged around what took its place; what was edited besides teaches nothing."""
        b, o, t = base.split("\n"), ours.split("\n"), theirs.split("\n")
        skeleton: list[Hashable] = []
        clashes: list[tuple[int, Key]] = []
        for same, part in stretches(b, o, t):
            ob, oo, ot = b[slice(*part.base)], o[slice(*part.ours)], t[slice(*part.theirs)]
            merged = ob if same else one_sided(ob, oo, ot)
            if merged is None:
                clashes.append((len(skeleton), (tuple(ob), tuple(oo), tuple(ot))))
                skeleton.append(None)  # like no line
            else:
                skeleton += merged
        now = settled.split("\n")
        whole = [(-1, -1), *matches(skeleton, now), (len(skeleton), len(now))]
        around = {before[0]: (before, after) for before, after in pairwise(whole)}
        for place, key in clashes:
            before, after = around.get(place - 1, ((0, 0), (0, 0)))
            if after[0] == place + 1:
                self._keep(key, now[before[1] + 1 : after[1]])

    def settle(self, base: str, ours: str, theirs: str) -> str | None:
        """The merged text when every hunk in conflict is known, None otherwise or when none is."""
        asked = 0

        def known(base: Lines, ours: Lines, theirs: Lines) -> list[str] | None:
            nonlocal asked
            asked += 1
            return self._of(base, ours, theirs)

        text = merge_lines(base, ours, theirs, known) if self._known else None
        return text if asked else None

    def _keep(self, key: Key, lines: list[str]) -> None:
        self._known.pop(key, None)
        self._known[key] = lines
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def _of(self, base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str] | None:
        key = (tuple(base), tuple(ours), tuple(theirs))
        return self._known.get(key, self._known.get((key[0], key[2], key[1])))
