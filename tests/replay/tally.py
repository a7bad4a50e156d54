"""What came of replaying a history: counts, as text for people and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.replay.trial import RUNGS, Trial


@dataclass(slots=True)
class Tally:
    """The sum of all trials."""

    outcomes: Counter[str] = field(default_factory=Counter)
    as_committed: int = 0
    different: list[Trial] = field(default_factory=list)
    merges: Counter[str] = field(default_factory=Counter)
    merges_equal: Counter[str] = field(default_factory=Counter)
    merges_alike: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    files_equal: Counter[str] = field(default_factory=Counter)
    files_alike: Counter[str] = field(default_factory=Counter)
    later_equal: int = 0
    not_text: Counter[str] = field(default_factory=Counter)

    def add(self, trial: Trial) -> None:
        self.outcomes[trial.outcome] += 1
        self.as_committed += trial.as_committed
        if trial.outcome == "different":
            self.different.append(trial)
        if trial.outcome != "conflict":
            return
        for one in trial.files:
            self.files[one.rung] += 1
            self.files_equal[one.rung] += one.equal
            self.files_alike[one.rung] += one.equal or one.alike
            self.later_equal += one.any_equal and not one.equal
            if one.kind != "text":
                self.not_text[one.kind] += 1
        self.merges[trial.rung] += 1
        if trial.rung:
            self.merges_equal[trial.rung] += all(one.equal for one in trial.files)
            self.merges_alike[trial.rung] += all(one.equal or one.alike for one in trial.files)

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())

    def as_json(self) -> dict[str, Any]:
        """Counts by name; see ``as_text`` for what they are."""
        return {
            "merges": self.total,
            **{name: self.outcomes[name] for name in ("same", "different", "conflict", "refused")},
            "clean_as_committed": self.as_committed,
            "differences": [{"commit": one.merge.commit, "said": one.said} for one in self.different],
            "conflicts": {
                "merges": _rows(self.merges, self.merges_equal, self.merges_alike),
                "files": _rows(self.files, self.files_equal, self.files_alike),
                "files_equal_by_a_later_proposal": self.later_equal,
                "files_not_text": dict(sorted(self.not_text.items())),
            },
        }

    def as_text(self) -> str:
        """The same as a page."""
        out = [
            f"{self.total} merges of two parents",
            f"  {self.outcomes['same']:6} clean, the tree is git's ({self.as_committed} as committed)",
            f"  {self.outcomes['different']:6} different from git's",
            f"  {self.outcomes['conflict']:6} in conflict",
            f"  {self.outcomes['refused']:6} refused by git: unrelated histories",
        ]
        out += [f"different: {one.merge.commit}: {one.said}" for one in self.different]
        if self.outcomes["conflict"]:
            out.append(
                f"{'conflicts':12}{'merges':>8}{'equal':>8}{'alike':>8}{'files':>10}{'equal':>8}{'alike':>8}"
            )
        for rung in (*RUNGS[1:], "") if self.outcomes["conflict"] else ():
            counts = (self.merges, self.merges_equal, self.merges_alike)
            of_files = (self.files, self.files_equal, self.files_alike)
            cells = (
                "".join(f"{one[rung]:8}" for one in counts)
                + "  "
                + "".join(f"{one[rung]:8}" for one in of_files)
            )
            out.append(f"  {rung or 'unresolved':10}{cells}")
        if self.not_text:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.not_text.items()))
            out.append(f"no text to merge in {kinds}")
        if self.later_equal:
            out.append(f"a later proposal is what was committed in {self.later_equal} more files")
        return "\n".join(out)


def _rows(found: Counter[str], equal: Counter[str], alike: Counter[str]) -> dict[str, dict[str, int]]:
    return {
        rung or "unresolved": {"resolved": found[rung], "equal": equal[rung], "alike": alike[rung]}
        if rung
        else {"left": found[rung]}
        for rung in (*RUNGS[1:], "")
    }
