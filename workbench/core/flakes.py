"""Tests that cannot be relied on, as a report shows them: flakes with their rate, and failures that a
quarantine excused.

A flake is a test of a gate that was red and later green on the same tree, in the same environment. Not
seen are: a test that fails and passes on one tree while the gate stays red for another; a red run that
another red one on the same tree came after, which counts once with it; green that would have been red in
a second run, since what is green is not run again; and a gate's run by ``workbench land``, which is in no
log. So a rate is a lower bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.core.models import Value
from workbench.core.prose import code
from workbench.core.state import RunState, TestKey


class Unreliable(Value):
    """A test of a gate, or the gate itself where no test could be read (``test`` is empty then): it flaked,
    or was excused, ``times`` times in ``runs`` runs of the gate, green or red."""

    test: str
    gate: str
    times: int
    runs: int
    rate: float

    @property
    def name(self) -> str:
        return self.test or f"(the gate) {self.gate}"


def flakes(state: RunState) -> tuple[Unreliable, ...]:
    """What flaked, the worst first."""
    return _listed(state, state.flaky)


def excused_failures(state: RunState) -> tuple[Unreliable, ...]:
    """What failed and was excused by the quarantine, the most frequent first."""
    return _listed(state, state.excused)


def _listed(state: RunState, counted: Mapping[TestKey, int]) -> tuple[Unreliable, ...]:
    found = [
        Unreliable(
            test=test, gate=gate, times=times, runs=(runs := state.runs_of.get(gate, times)),
            rate=round(times / runs, 4),
        )
        for (gate, test), times in counted.items()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda it: (-it.rate, -it.times, it.gate, it.test)))


def percent(rate: float) -> str:
    """A rate for people; what is above nothing is never shown as nothing."""
    return "<1 %" if 0 < rate < 0.01 else f"{rate * 100:.0f} %"


FLAKES = "Red, then green on the same tree"
EXCUSED = "Failed, and excused by `quarantine`"


def sections(flaky: Sequence[Unreliable], excused: Sequence[Unreliable]) -> list[str]:
    """Lines of Markdown: a section for each of the two that is not empty."""
    lines: list[str] = []
    for title, how, found in (
        ("Flakes", FLAKES, flaky),
        ("Quarantined failures", EXCUSED, excused),
    ):
        if found:
            lines += [f"## {title}", "", f"{how}:", ""]
            lines += ["| test | gate | times | runs of the gate | rate |", "|---|---|---|---|---|"]
            lines += [
                f"| {code(it.test, cell=True) or '(no test named)'} | {code(it.gate, cell=True)} "
                f"| {it.times} | {it.runs} | {percent(it.rate)} |"
                for it in found
            ]
            lines += [""]
    return lines
