"""Finding the change that breaks a batch: which prefixes to gate next, and what is known then.

A batch is a chain of merges. Its last tree is gated; green proves them all. When it is red, prefixes are
gated, halving what is unknown, or first where the failing tests point. A gate may be flaky, so only the
same gate red twice on the same prefix counts: the whole batch is gated a second time before anything is
searched, unless that seldom helps (``doubting``), and so is in the end what looks like the first that
breaks it. Nobody is blamed while the prefix before them is unproven: where that is the base itself, the
base is gated again. Idle gates can look at several prefixes at once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Search:
    """What is known of a batch of ``size`` changes. Prefix 0 is the base, ``size`` the whole batch.

    ``green`` is the longest prefix seen green, ``red`` the shortest seen red twice (0: the base itself),
    ``doubts`` are shorter ones seen red once, each with the gate that was: believed for the search, and
    looked at again before it ends. ``doubting`` has the first red looked at again at once. ``suspect`` is
    the position (from 1) of the change that failing tests point at: a hint, which is looked at first and
    proves nothing.
    """

    size: int
    green: int = 0
    red: int | None = None
    doubts: dict[int, str] = field(default_factory=dict)
    base_green: bool = False
    suspect: int | None = None
    doubting: bool = True

    @property
    def next(self) -> int | None:
        """The prefix to gate next, or None when all is known."""
        upper = self._upper
        if upper is None:
            return self.size if self.green < self.size else None
        if self.doubting and self.red is None:
            return upper
        if upper - self.green > 1:
            return self._split(upper)
        if upper in self.doubts:
            return upper
        return 0 if upper == 1 and not self.base_green else None

    @property
    def _upper(self) -> int | None:
        """The shortest prefix seen red, be it once; None when there is none."""
        return min(self.doubts, default=self.red)

    def _split(self, red: int) -> int:
        """Where to part what is unknown: around the suspect, and in the middle when that is done."""
        if self.suspect is not None and self.green < self.suspect <= red:
            if self.suspect - 1 > self.green:
                return self.suspect - 1
            if self.suspect < red:
                return self.suspect
        return (self.green + red) // 2

    def wanted(self, slots: int = 1) -> tuple[int, ...]:
        """Up to ``slots`` prefixes to gate at the same time: ``next``, and those that tell most besides
        should it be red. Empty when all is known."""
        first = self.next
        if first is None or slots < 2 or first == 0:
            return () if first is None else (first,)
        upper = self._upper if self._upper is not None else self.size
        asked = dict.fromkeys([first])
        among = slots - (first == upper)
        for n in range(1, among + 1):
            asked.setdefault(self.green + n * (upper - self.green) // (among + 1))
        return tuple(prefix for prefix in asked if prefix > self.green)[:slots]

    @property
    def culprit(self) -> int | None:
        """The position (from 1) of the change to send back, once nothing more is to be gated."""
        return self.red if self.next is None and self.red else None

    @property
    def base_red(self) -> bool:
        """Whether the base itself is red: then no change is to blame."""
        return self.red == 0

    def learn(self, prefix: int, green: bool, gate: str = "") -> None:
        """Take in that ``prefix`` is green, or red by ``gate``. What is green proves what is before it."""
        if green:
            self.doubts = {doubt: by for doubt, by in self.doubts.items() if doubt > prefix}
            self.green = max(self.green, prefix)
            if self.red is not None and 0 < self.red <= prefix:
                self.red = None
            self.base_green = self.base_green or prefix == 0
        elif prefix < self.green or (self._upper is not None and prefix > self._upper):
            return  # known better by now
        elif self.doubts.get(prefix) == gate:
            self.red = prefix
            self.doubts = {doubt: by for doubt, by in self.doubts.items() if doubt < prefix}
        else:
            self.doubts[prefix] = gate

    def acquit(self) -> None:
        """Take back that ``red`` is red: the same tree was seen green. What is green stays so."""
        self.red = None
        self.doubts = {}
        self.base_green = False


def gate_runs(bad: Sequence[bool], rechecks: bool = True, doubting: bool = True) -> int:
    """How many gate runs it takes to land a batch in which the ``bad`` changes break what they are merged
    on; what is behind a culprit is a batch again. ``rechecks=False`` leaves out the second look at what is
    red and the one at the base: what the search alone costs; ``doubting`` is that of the search."""
    runs, rest = 0, list(bad)
    while rest:
        search = Search(len(rest), doubting=doubting)
        while (prefix := search.next) is not None:
            runs += rechecks or (prefix > 0 and prefix not in search.doubts)
            search.learn(prefix, not any(rest[:prefix]))
        rest = rest[search.culprit :] if search.culprit else []
    return runs


def expected_runs(size: int, odds: float, rechecks: bool = True, doubting: bool = True) -> float:
    """Gate runs to expect for a batch of ``size`` changes, each of which breaks it with ``odds``: exactly,
    over all that can happen, so keep ``size`` below 16 or so."""
    return sum(
        math.prod(odds if broken else 1 - odds for broken in bad) * gate_runs(bad, rechecks, doubting)
        for bad in itertools.product((False, True), repeat=size)
    )


def rounds(bad: Sequence[bool], slots: int) -> tuple[int, int]:
    """Rounds of gates run at the same time, and gate runs in all, to land a batch as ``gate_runs`` does,
    with ``slots`` gates at once."""
    times, runs, rest = 0, 0, list(bad)
    while rest:
        search = Search(len(rest))
        while wanted := search.wanted(slots):
            times, runs = times + 1, runs + len(wanted)
            for prefix in wanted:
                search.learn(prefix, not any(rest[:prefix]))
        rest = rest[search.culprit :] if search.culprit else []
    return times, runs
