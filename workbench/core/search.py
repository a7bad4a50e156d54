"""Finding the change that breaks a batch: which prefix to gate next, and what is known then.

A batch is a chain of merges. Its last tree is gated; green proves them all. Red is gated once more,
because a gate may be flaky, and only the same gate red twice counts; then prefixes are gated, halving
what is unknown. Nobody is blamed while the prefix before them is unproven: where that is the base
itself, the base is gated again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Search:
    """What is known of a batch of ``size`` changes. Prefix 0 is the base, ``size`` the whole batch.

    ``green`` is the longest prefix seen green, ``red`` the shortest seen red twice (0: the base itself).
    """

    size: int
    green: int = 0
    red: int | None = None
    doubted: int | None = None
    doubted_gate: str = ""
    base_green: bool = False

    @property
    def next(self) -> int | None:
        """The prefix to gate next, or None when all is known."""
        if self.doubted is not None:
            return self.doubted
        if self.red is None:
            return self.size if self.green < self.size else None
        if self.red - self.green > 1:
            return (self.green + self.red) // 2
        return 0 if self.red == 1 and not self.base_green else None

    @property
    def culprit(self) -> int | None:
        """The position (from 1) of the change to send back, once nothing more is to be gated."""
        return self.red if self.next is None and self.red else None

    @property
    def base_red(self) -> bool:
        """Whether the base itself is red: then no change is to blame."""
        return self.red == 0

    def learn(self, prefix: int, green: bool, gate: str = "") -> None:
        """Take in that ``prefix``, which was to be gated next, is green, or red by ``gate``."""
        if green:
            self.doubted = None
            self.green = max(self.green, prefix)
            self.base_green = self.base_green or prefix == 0
        elif self.doubted == prefix and self.doubted_gate == gate:
            self.doubted, self.red = None, prefix
        else:
            self.doubted, self.doubted_gate = prefix, gate

    def acquit(self) -> None:
        """Take back that ``red`` is red: the same tree was seen green. What is green stays so."""
        self.red = self.doubted = None
        self.base_green = False


def gate_runs(bad: Sequence[bool], rechecks: bool = True) -> int:
    """How many gate runs it takes to land a batch in which the ``bad`` changes break what they are merged
    on; what is behind a culprit is a batch again. ``rechecks=False`` leaves out the second look at what is
    red and the one at the base: what the search alone costs."""
    runs, rest = 0, list(bad)
    while rest:
        search = Search(len(rest))
        while (prefix := search.next) is not None:
            runs += rechecks or (prefix > 0 and search.doubted is None)
            search.learn(prefix, not any(rest[:prefix]))
        rest = rest[search.culprit :] if search.culprit else []
    return runs


def expected_runs(size: int, odds: float, rechecks: bool = True) -> float:
    """Gate runs to expect for a batch of ``size`` changes, each of which breaks it with ``odds``: exactly,
    over all that can happen, so keep ``size`` below 16 or so."""
    return sum(
        math.prod(odds if broken else 1 - odds for broken in bad) * gate_runs(bad, rechecks)
        for bad in itertools.product((False, True), repeat=size)
    )
