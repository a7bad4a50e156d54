"""Merges in memory against git's own, on random histories: the same tree, or the same conflicts."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.properties.conftest import examples
from tests.properties.histories import LINK, PLAIN, Entry, Made, bare_bones, checked_out, histories
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
        where.mkdir()
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
    return Word(merged.clean, merged.tree if merged.clean else "", merged.paths)


async def compare(history: list[Made], pairs: list[tuple[int, int]], batched: bool, root: Path) -> set[str]:
    """Merge ``pairs`` of the history's commits both ways; gives which kinds of answer there were."""
    seen: set[str] = set()
    commits = checked_out(history, root / "repo")
    other = Other(root / "other", root / "repo" / ".git" / "objects")
    git = Plumbing(await open_repository(root / "repo"), batch_merges=batched)
    try:
        for first, second in pairs:
            one, two = commits[first % len(commits)], commits[(first + second) % len(commits)]
            said = await ours(git, one, two)
            other.stand_on(one)
            memory, real = other.merged_in_memory(one, two), other.merged(two)
            told = "clean" if said.clean else "refused" if said.refused else "conflict"
            one_sided = said.clean and said.tree in (await git.tree_of(one), await git.tree_of(two))
            seen.add(f"{told}, one side" if one_sided else told)
            assert said == memory
            if real is not None:
                assert said.plain == real.plain
    finally:
        await git.aclose()
    return seen


@examples(45)
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
        for kind in asyncio.run(compare(history, pairs, batched, Path(root))):
            event(kind)


def sides(attributes: dict[bytes, Entry], where: bytes) -> list[Made]:
    """Two commits that both append to one file, and what they began with; all with ``attributes``."""
    texts = (b"base\n", b"base\nours\n", b"base\ntheirs\n")
    trees = [{**attributes, where: Entry(PLAIN, text)} for text in texts]
    return [Made((), trees[0]), Made((0,), trees[1]), Made((0,), trees[2])]


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize(
    ("attributes", "where"),
    [
        pytest.param({b".gitattributes": Entry(PLAIN, b"* merge=union\n")}, b"log", id="at the root"),
        pytest.param(
            {b"news/.gitattributes": Entry(PLAIN, b"* merge=union\n")}, b"news/log", id="in a folder"
        ),
        pytest.param({b".gitattributes": Entry(LINK, b"* merge=union")}, b"log", id="a link"),
        pytest.param(
            {b"news/.gitattributes": Entry(LINK, b"../all"), b"all": Entry(PLAIN, b"* merge=union\n")},
            b"news/log",
            id="a link in a folder",
        ),
    ],
)
def test_attributes_count_as_they_do_for_git(
    attributes: dict[bytes, Entry], where: bytes, batched: bool, tmp_path: Path
) -> None:
    asyncio.run(compare(sides(attributes, where), [(1, 1)], batched, tmp_path))
