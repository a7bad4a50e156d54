"""Merges in memory against git's own, on random histories: the same tree, or the same conflicts."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import event, given
from hypothesis import strategies as st

from tests.properties.conftest import examples
from tests.properties.histories import Made, bare_bones, histories, write
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.process import decoded
from workbench.adapters.git.repository import open_repository
from workbench.errors import GitError

SIDE = re.compile(r"~(HEAD|[0-9a-f]{40})(_\d+)?")
"""What a merge adds to a path that it cannot use: ``git merge`` says HEAD where merge-tree has an id."""


@dataclass(frozen=True)
class Word:
    """What git says of a merge: ``clean`` with its ``tree``, a conflict in ``paths``, or ``refused``."""

    clean: bool = False
    tree: str = ""
    paths: tuple[str, ...] = ()
    refused: bool = False

    @property
    def plain(self) -> Word:
        return Word(
            self.clean, self.tree, tuple(sorted({SIDE.sub("~", it) for it in self.paths})), self.refused
        )


class Other:
    """A second repository with the same objects, where git may check out and merge as it likes."""

    def __init__(self, where: Path, objects: Path) -> None:
        self.where = where
        folder = bare_bones(where)
        (folder / "objects" / "info" / "alternates").write_text(f"{objects}\n")

    def _git(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["git", *words], cwd=self.where, capture_output=True, check=False)

    def _fine(self, *words: str) -> str:
        done = self._git(*words)
        assert done.returncode == 0, (words, done.stderr)
        return decoded(done.stdout)

    def stand_on(self, commit: str) -> None:
        """Check ``commit`` out, whatever was there."""
        (self.where / ".git" / "HEAD").write_text(commit + "\n")
        self._fine("-c", "core.protectNTFS=false", "reset", "-q", "--hard")
        self._fine("clean", "-ffdxq")

    def merged(self, theirs: str) -> Word | None:
        """``git merge`` of ``theirs`` into what is checked out; None when git will not even begin, since
        its own line ending conversion makes fresh files look changed."""
        done = self._git("merge", "--no-ff", "-q", "-m", "merged", theirs)
        said = done.stderr + done.stdout
        if b"would be overwritten" in said or b"untracked working tree" in said:
            return None
        if b"unrelated histories" in said:
            return Word(refused=True)
        if done.returncode == 0:
            return Word(clean=True, tree=self._fine("rev-parse", "HEAD^{tree}").strip())
        assert done.returncode == 1, said
        unmerged = self._fine("ls-files", "-u", "-z").split("\0")
        return Word(paths=tuple(sorted({it.partition("\t")[2] for it in unmerged if it})))

    def merged_in_memory(self, ours: str, theirs: str) -> Word:
        """``git merge-tree`` with the attributes of what is checked out."""
        done = self._git("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs)
        if done.returncode > 1:
            assert b"unrelated histories" in done.stderr, done.stderr
            return Word(refused=True)
        tree, *paths = decoded(done.stdout).split("\0")
        if done.returncode == 0:
            return Word(clean=True, tree=tree)
        return Word(paths=tuple(sorted({it for it in paths if it})))


async def ours(git: Plumbing, one: str, two: str) -> Word:
    try:
        merged = await git.merge(one, two)
    except GitError:
        return Word(refused=True)
    return Word(merged.clean, merged.tree, merged.paths)


async def compare(history: list[Made], pairs: list[tuple[int, int]], batched: bool, root: Path) -> None:
    commits = write(history, _made(root / "repo"))
    other = Other(_made(root / "other"), root / "repo" / ".git" / "objects")
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=root / "repo", check=True)
    git = Plumbing(await open_repository(root / "repo"), batch_merges=batched)
    try:
        for first, second in pairs:
            one, two = commits[first % len(commits)], commits[(first + second) % len(commits)]
            said = await ours(git, one, two)
            other.stand_on(one)
            memory, real = other.merged_in_memory(one, two), other.merged(two)
            event("clean" if said.clean else "refused" if said.refused else "conflict")
            if said.clean and said.tree not in (await git.tree_of(one), await git.tree_of(two)):
                event("clean, of both sides")
            assert said == memory
            if real is not None:
                assert said.plain == real.plain
    finally:
        await git.aclose()


def _made(where: Path) -> Path:
    where.mkdir()
    if where.name == "repo":
        bare_bones(where)
    return where


@examples(60)
@given(
    histories(),
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=3, max_size=6),
    st.booleans(),
)
def test_a_merge_is_what_git_makes_of_it(
    history: list[Made], pairs: list[tuple[int, int]], batched: bool
) -> None:
    """Clean where git is clean, with the same tree bit for bit; the same paths in conflict; an error where
    git refuses, which spoils nothing that comes after it."""
    with tempfile.TemporaryDirectory() as root:
        asyncio.run(compare(history, pairs, batched, Path(root)))
