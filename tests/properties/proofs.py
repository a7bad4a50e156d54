"""What must be true of a run, read from its log and from git alone, whatever the engine believes."""

from __future__ import annotations

import functools
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.properties.house import ENVIRONMENT, INTEGRATION, RUN, Score, words_in
from workbench.core import events as e
from workbench.core.models import Verdict
from workbench.testing import proofs

NOBODY = "0" * 40


def git(repo: Path, *words: str) -> str:
    """What git says in ``repo``."""
    done = subprocess.run(
        ["git", *words], cwd=repo, capture_output=True, check=False, text=True, errors="surrogateescape"
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout.rstrip("\n")


# -- what is the user's ---------------------------------------------------------------------------------


def belongings(repo: Path) -> dict[str, bytes]:
    """Everything that is the user's alone, and no teammate's."""
    return proofs.belongings(repo, besides=("refs/heads/side-",))


# -- the run ------------------------------------------------------------------------------------------------


@dataclass
class Proof:
    """The invariants of one run. ``foreign`` are commits that somebody else put on the integration
    branch: what they are is not for us to answer for."""

    repo: Path
    score: Score
    base: str
    records: list[e.Record]
    foreign: frozenset[str] = frozenset()
    _words: dict[str, frozenset[str]] = field(default_factory=dict)

    def hold(self) -> None:
        """Raises AssertionError for the first invariant that is broken."""
        self.published_tips_are_green()
        self.landed_once_and_for_good()
        self.trees_are_git_s()
        self.conflicts_are_real()
        self.evictions_are_right()
        self.dependents_waited()

    # -- reading -----------------------------------------------------------------------------------------

    def events(self, kind: type[e.Event]) -> list[tuple[int, e.Event]]:
        return [(record.seq, record.event) for record in self.records if isinstance(record.event, kind)]

    @functools.cached_property
    def landings(self) -> dict[str, e.TaskLanded]:
        landed = [record.event for record in self.records if isinstance(record.event, e.TaskLanded)]
        again = [task for task, count in Counter(it.task for it in landed).items() if count > 1]
        assert not again, f"landed twice: {again}"
        return {it.commit: it for it in landed}

    @functools.cached_property
    def moves(self) -> list[tuple[str, str]]:
        """The integration branch's own history: from what to what it moved."""
        log = self.repo / ".git" / "logs" / INTEGRATION
        if not log.exists():
            return []
        words = [line.split()[:2] for line in log.read_text().splitlines()]
        return [(old, new) for old, new in words]

    def tree(self, commit: str) -> str:
        return git(self.repo, "rev-parse", f"{commit}^{{tree}}")

    def green(self, gate: str, tree: str) -> bool:
        if tree not in self._words:
            self._words[tree] = words_in(self.repo, tree)
        return self.score.green(gate, self._words[tree])

    def own_gates(self, task: str) -> tuple[str, ...]:
        return next(it.gates for it in self.score.tasks if it.id == task)

    # -- the branch --------------------------------------------------------------------------------------

    def published_tips_are_green(self) -> None:
        """Each tip was reached from the one before, holds a chain of landings, and had a green verdict
        for exactly its tree, each gate and this environment in the log, which a look of our own confirms."""
        at = NOBODY
        back = {
            (it.found, it.put_back) for _, it in self.events(e.RefRestored) if isinstance(it, e.RefRestored)
        }
        for old, new in self.moves:
            assert old == at, f"the branch moved from {old}, where it was not"
            at = new
            if old == NOBODY:
                assert new == self.base
            elif (old, new) in back:
                assert old in self.foreign, f"{old} was ours, and the branch was moved back from it"
            elif new not in self.foreign:
                self._published(old, new)

    def _published(self, old: str, new: str) -> None:
        chain: list[str] = []
        commit = new
        while commit != old:
            parents = git(self.repo, "rev-list", "--parents", "-1", commit).split()[1:]
            chain.append(commit)
            commit = parents[0] if parents else old
            assert len(parents) == 2 or not parents, f"{chain[-1]} is no landing"
        unknown = set(chain) - self.landings.keys()
        assert not unknown, f"on the branch, but never logged as landed: {unknown}"
        tree = self.tree(new)
        tasks = [self.landings[it].task for it in chain]
        gates = {"check", *(gate for task in tasks for gate in self.own_gates(task))}
        first = min(record.seq for record in self.records if record.event == self.landings[new])
        known = self._verdicts(first)
        for gate in gates:
            verdict = known.get((tree, gate, ENVIRONMENT))
            assert verdict is not None, f"{new} was published, never gated by `{gate}`"
            assert verdict.green, f"{new} was published, red by `{gate}`"
            assert self.green(gate, tree), f"{new} was published with a wrong verdict of `{gate}`"

    def _verdicts(self, before: int) -> dict[tuple[str, str, str], Verdict]:
        known: dict[tuple[str, str, str], Verdict] = {}
        for record in self.records:
            if record.seq < before:
                for verdict in getattr(record.event, "verdicts", ()):
                    known[verdict.tree, verdict.gate, verdict.environment] = verdict
        return known

    def landed_once_and_for_good(self) -> None:
        """Every landing is on the branch as it is now, in the order of the log, with its work below it."""
        if not self.moves:
            assert not self.landings
            return
        tip = git(self.repo, "rev-parse", INTEGRATION)
        assert tip == self.moves[-1][1]
        line = git(self.repo, "rev-list", "--first-parent", f"{self.base}..{tip}").split()[::-1]
        below = set(git(self.repo, "rev-list", tip).split())
        assert [it for it in line if it in self.landings] == list(self.landings)
        assert set(line) <= self.landings.keys() | self._foreign_history()
        delivered = {
            (it.task, it.attempt): it.commit for _, it in self.events(e.TaskDelivered)
            if isinstance(it, e.TaskDelivered)
        }  # fmt: skip
        for landing in self.landings.values():
            work = delivered[landing.task, landing.attempt]
            assert work in below, f"{landing.task} landed without its work"
            parents = git(self.repo, "rev-list", "--parents", "-1", landing.commit).split()[1:]
            assert parents[0] == landing.parent
            assert work in parents
            assert landing.tree == self.tree(landing.commit)

    def _foreign_history(self) -> set[str]:
        words = [*self.foreign, f"^{self.base}"]
        return set(git(self.repo, "rev-list", *words).split()) if self.foreign else set()

    def trees_are_git_s(self) -> None:
        """Where git merges cleanly, what landed is git's own tree."""
        for landing in self.landings.values():
            ours, theirs = git(self.repo, "rev-list", "--parents", "-1", landing.commit).split()[1:3]
            clean, tree = self._merged(ours, theirs)
            assert not clean or tree == landing.tree, f"{landing.task} landed with a tree of its own"

    def conflicts_are_real(self) -> None:
        """Nobody is sent back for a conflict that git does not see."""
        work: dict[str, str] = {}
        for record in self.records:
            if isinstance(record.event, e.TaskDelivered):
                work[record.event.task] = record.event.commit
            elif isinstance(record.event, e.ConflictFound):
                clean, _ = self._merged(record.event.parent, work[record.event.task])
                assert not clean, f"{record.event.task} was said to conflict"

    def _merged(self, ours: str, theirs: str) -> tuple[bool, str]:
        """git's own merge, with the attributes of ``ours`` (put where they count more than a file's)."""
        place = self.repo.parent / "merging"
        place.mkdir(exist_ok=True)
        for stale in place.iterdir():
            stale.unlink()
        listed = git(self.repo, "ls-tree", ours, ".gitattributes").split()
        if listed and listed[1] == "blob":
            (place / ".gitattributes").write_text(git(self.repo, "cat-file", "blob", listed[2]) + "\n")
        command = ["git", f"--git-dir={self.repo}/.git", f"--work-tree={place}", "merge-tree", "--write-tree"]
        done = subprocess.run([*command, ours, theirs], cwd=place, capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 0, done.stdout.split(b"\n", 1)[0].decode()

    # -- justice -----------------------------------------------------------------------------------------

    def evictions_are_right(self) -> None:
        """Whoever is sent back as red is red on what was before it, which is green without it."""
        made: dict[str, e.CandidateMade] = {}
        started: set[str] = set()
        for record in self.records:
            event = record.event
            if isinstance(event, e.CandidateMade):
                made[event.task] = event
            elif isinstance(event, e.AttemptStarted):
                started.add(event.task)
            elif isinstance(event, e.TaskRejected):
                own, step = self.own_gates(event.task), made[event.task]
                before = self.tree(step.parent)
                gates = ["check", *(gate for task in started for gate in self.own_gates(task))]
                red = [gate for gate in gates if not self.green(gate, step.tree)]
                guilty = [gate for gate in red if gate in own or self.green(gate, before)]
                assert guilty, f"{event.task} was sent back, and is not what is red"
                assert self.green("check", before), f"{event.task} was sent back though red stood before it"

    def dependents_waited(self) -> None:
        """Nothing began before all that it waits for had landed."""
        after = {it.id: set(it.after) for it in self.score.tasks}
        landed: set[str] = set()
        for record in self.records:
            if isinstance(record.event, e.TaskLanded):
                landed.add(record.event.task)
            elif isinstance(record.event, e.AttemptStarted):
                missing = after[record.event.task] - landed
                assert not missing, f"{record.event.task} began without {missing}"


def whole(records: list[e.Record]) -> None:
    """Each attempt that began has ended, each number of the log is there once."""
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    starts = Counter(
        (r.event.task, r.event.attempt) for r in records if isinstance(r.event, e.AttemptStarted)
    )
    ends = Counter((r.event.task, r.event.attempt) for r in records if isinstance(r.event, e.AttemptEnded))
    assert starts == ends
    assert set(starts.values()) <= {1}


__all__ = ["INTEGRATION", "RUN", "Proof", "belongings", "git", "whole"]
