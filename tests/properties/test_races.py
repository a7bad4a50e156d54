"""Somebody else moves the integration branch while a batch is built, gated and published."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import event, given
from hypothesis import strategies as st

from tests.properties.conftest import examples
from tests.properties.histories import PLAIN, Edit, Entry, edited, edits, put
from tests.properties.house import House, Score
from tests.properties.proofs import INTEGRATION, belongings, git
from tests.properties.scores import meeting, open_house, scores
from tests.properties.teammates import read_tree, write_tree
from tests.properties.test_runs import check
from workbench.core import events as e
from workbench.core.decide.guard import PATIENCE


@dataclass
class Stranger:
    """Commits on the integration branch itself, at drawn points of the run."""

    house: House
    pushes: dict[int, tuple[Edit, ...]]
    passed: int = 0
    commits: list[str] = field(default_factory=list)

    def at(self, point: str) -> None:
        if not point.startswith(("before git.", "after git.")):
            return
        self.passed += 1
        if self.passed in self.pushes:
            self._push(self.pushes[self.passed])

    def _push(self, changes: tuple[Edit, ...]) -> None:
        repo = self.house.repo
        tip = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", INTEGRATION],
            cwd=repo,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        if not tip:
            return
        place = self.house.root / "stranger"
        number = len(self.commits)
        subprocess.run(["git", "worktree", "add", "-q", "--detach", place, tip], cwd=repo, check=True)
        before = read_tree(place)
        after = edited(before, changes, b"foreign")
        put(after, b"foreign/%d" % number, Entry(PLAIN, b"foreign\n"))
        write_tree(place, before, after)
        git(place, "add", "-A")
        git(place, "commit", "-q", "-m", "foreign")
        commit = git(place, "rev-parse", "HEAD")
        git(repo, "worktree", "remove", "--force", str(place))
        git(repo, "update-ref", "-m", "foreign", INTEGRATION, commit, tip)
        self.commits.append(commit)
        event("pushed")


@examples(15)
@given(
    scores(most=4),
    st.dictionaries(
        st.integers(1, 60), st.lists(st.one_of(meeting, edits), max_size=2).map(tuple), min_size=1, max_size=3
    ),
)
def test_a_branch_that_others_move_is_put_back_or_built_upon_and_nothing_is_lost(
    score: Score, pushes: dict[int, tuple[Edit, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as root:
        house = open_house(Path(root), score)
        before = belongings(house.repo)
        stranger = Stranger(house, pushes)
        state = asyncio.run(house.go(stranger.at))
        proof = check(house, before, frozenset(stranger.commits))
        kept = git(house.repo, "rev-list", "--all").split()
        assert set(stranger.commits) <= set(kept), "what others put there can be reached no more"
        below = git(house.repo, "rev-list", INTEGRATION).split() if proof.moves else []
        restored = len(proof.events(e.RefRestored))
        event("put back" if restored else "built upon" if set(stranger.commits) & set(below) else "neither")
        if proof.events(e.PublicationLost):
            event("lost a race")
        assert state.outcome in (("stopped",) if restored >= PATIENCE else ("landed", "incomplete"))
