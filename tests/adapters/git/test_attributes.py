"""Attributes of merges: those of the branch that is merged into, in every folder, and nobody else's."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git.attributes import DRIVER, EMPTY_TREE
from workbench.adapters.git.diffs import Diffs
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository
from workbench.engine.ports import Merged
from workbench.errors import GitError

UNION = "* merge=union\n"


@pytest.fixture(params=[True, False], ids=["batched", "a process each"])
async def plumbing(repo: Path, request: pytest.FixtureRequest) -> AsyncIterator[Plumbing]:
    made = Plumbing(await open_repository(repo), batch_merges=request.param)
    yield made
    await made.aclose()


def commit(repo: Path, parent: str, files: dict[str, str | None], branch: str = "work") -> str:
    """A commit on ``parent`` with these files written, or taken away."""
    git(repo, "checkout", "-q", "-f", "-B", branch, parent)
    for path, text in files.items():
        if text is None:
            git(repo, "rm", "-rq", path)
        else:
            (repo / path).parent.mkdir(parents=True, exist_ok=True)
            (repo / path).write_text(text)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "work")
    return git(repo, "rev-parse", "HEAD")


def clashing(repo: Path) -> tuple[str, str]:
    """Two commits that both append to ``news/log``."""
    base = commit(repo, "main", {"news/log": "base\n"}, "base")
    ours = commit(repo, base, {"news/log": "base\nours\n"}, "ours")
    return ours, commit(repo, base, {"news/log": "base\ntheirs\n"}, "theirs")


async def test_they_follow_from_merge_to_merge(repo: Path, plumbing: Plumbing) -> None:
    """Added, changed, taken away, and a folder that is a file: what counts is always what ``ours`` has now,
    also when each is asked for again."""
    plain, theirs = clashing(repo)
    inside = commit(repo, plain, {"news/.gitattributes": UNION})
    other = commit(repo, inside, {"news/.gitattributes": "log -merge\n", "news/deep/.gitattributes": UNION})
    above = commit(repo, other, {"news/.gitattributes": None, ".gitattributes": "/news/log merge=union\n"})
    folder = commit(repo, above, {".gitattributes": None, "news/deep/.gitattributes": None})
    odd = commit(repo, folder, {"news/.gitattributes/.gitattributes": UNION})
    clean = {plain: False, inside: True, other: False, above: True, folder: False, odd: False}
    for ours in (*clean, *reversed(clean), inside, folder, inside):
        assert (await plumbing.merge(ours, theirs)).clean is clean[ours]
        (probed,) = await plumbing.probe([(ours, theirs)])
        assert not isinstance(probed, GitError) and probed.clean is clean[ours]


async def test_the_users_index_does_not_count(repo: Path, plumbing: Plumbing) -> None:
    ours, theirs = clashing(repo)
    git(repo, "checkout", "-q", "main")
    for path in (".gitattributes", "news/.gitattributes"):
        (repo / path).parent.mkdir(exist_ok=True)
        (repo / path).write_text(UNION)
        git(repo, "add", path)
    assert not (await plumbing.merge(ours, theirs)).clean
    (probed,) = await plumbing.probe([(ours, theirs)])
    assert not isinstance(probed, GitError) and not probed.clean


async def test_what_a_killed_process_left_does_not_count(repo: Path, plumbing: Plumbing) -> None:
    ours, theirs = clashing(repo)
    left = repo / ".git" / "workbench" / "merge" / "news" / ".gitattributes"
    left.parent.mkdir(parents=True)
    left.write_text(UNION)
    assert not (await plumbing.merge(ours, theirs)).clean


async def test_a_forged_tree_writes_nothing_elsewhere(repo: Path, plumbing: Plumbing) -> None:
    """git would check none of these out; a file of that name must not come to stand outside our folder."""
    ours, theirs = clashing(repo)
    blob = git(repo, "rev-parse", f"{commit(repo, 'main', {'x': UNION})}:x")
    entry = f"100644 blob {blob}\t.gitattributes\n"
    inner = tree_of(repo, entry)
    listed = git(repo, "ls-tree", ours) + "\n"
    for name in ("..", ".", ".GIT"):
        forged = tree_of(repo, f"{listed}040000 tree {inner}\t{name}\n")
        bad = git(repo, "commit-tree", "-p", ours, "-m", "forged", forged)
        with contextlib.suppress(GitError):  # git may refuse it altogether
            await plumbing.merge(bad, theirs)
        assert not (repo / ".git" / "workbench" / ".gitattributes").exists()
        assert not list((repo / ".git" / "workbench").rglob(".gitattributes"))


def tree_of(repo: Path, entries: str) -> str:
    """Write a tree that holds ``entries``, also with names that git would not let in."""
    raw = b""
    for line in sorted(entries.splitlines(), key=lambda line: line.partition("\t")[2]):
        (mode, _, oid), name = line.split("\t")[0].split(), line.partition("\t")[2]
        raw += f"{mode.lstrip('0')} {name}\0".encode() + bytes.fromhex(oid)
    command = ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"]
    done = subprocess.run(command, cwd=repo, input=raw, capture_output=True, check=True)
    return done.stdout.decode().strip()


async def test_the_whole_tree_is_listed_once(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many merges follow, on whatever they build."""
    ours, theirs = clashing(repo)
    asked: list[tuple[str, str]] = []
    paths = Diffs.paths

    async def spied(self: Diffs, old_tree: str, new_tree: str) -> tuple[str, ...]:
        asked.append((old_tree, new_tree))
        return await paths(self, old_tree, new_tree)

    monkeypatch.setattr(Diffs, "paths", spied)
    plumbing = Plumbing(await open_repository(repo))
    try:
        for number in range(4):
            ours = commit(repo, ours, {f"file{number}": "x\n", "news/.gitattributes": UNION * (number + 1)})
            assert (await plumbing.merge(ours, theirs)).clean
            assert (await plumbing.merge(ours, theirs)).clean
    finally:
        await plumbing.aclose()
    assert [old for old, _ in asked].count(EMPTY_TREE) == 1
    assert len(asked) == 4


async def test_a_candidate_that_was_cleared_away_stops_nobody(repo: Path, plumbing: Plumbing) -> None:
    """What is compared with may be gone: nothing refers to a candidate that came to nothing."""
    ours, theirs = clashing(repo)
    ours = commit(repo, ours, {"news/.gitattributes": UNION})
    head = commit(repo, ours, {"passing": "x\n", "news/.gitattributes": "log -merge\n"})
    assert not (await plumbing.merge(head, theirs)).clean
    git(repo, "checkout", "-q", "-B", "work", ours)
    git(repo, "reflog", "expire", "--expire=now", "--all")
    git(repo, "prune", "--expire=now")
    assert (await plumbing.merge(ours, theirs)).clean


async def test_a_tree_that_is_not_there_is_an_error(repo: Path, plumbing: Plumbing) -> None:
    """And the next question is answered all the same."""
    diffs, tree = plumbing._diffs, await plumbing.tree_of(git(repo, "rev-parse", "main"))
    for pair in ((tree, "1" * 40), ("1" * 40, tree)):
        with pytest.raises(GitError, match="no tree"):
            await diffs.paths(*pair)
    assert await diffs.paths(EMPTY_TREE, tree)


async def test_no_driver_of_a_teammates_making_is_run(repo: Path, tmp_path: Path) -> None:
    """It could leave out what the others landed, and would run with what workbench may do."""
    seen = tmp_path / "seen"
    git(repo, "config", "merge.mine.driver", f"touch {seen}; cp %B %A")
    git(repo, "config", "merge.default", "mine")
    (repo / "f").write_text("1\n2\n3\n4\n5\n")
    (repo / ".gitattributes").write_text("[attr]odd merge=mine\nf merge=mine\ng odd\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a file")
    base = git(repo, "rev-parse", "HEAD")
    tips = []
    for text in ("one\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n"):
        git(repo, "checkout", "-q", "--detach", base)
        (repo / "f").write_text(text)
        git(repo, "commit", "-q", "-am", "a side")
        tips.append(git(repo, "rev-parse", "HEAD"))
    plumbing = Plumbing(await open_repository(repo))
    try:
        merged = await plumbing.merge(*tips)
        assert merged.clean
        assert git(repo, "show", f"{merged.tree}:f") == "one\n2\n3\n4\nfive"
        (probed,) = await plumbing.probe([(tips[0], tips[1])])
        assert isinstance(probed, Merged) and probed.clean
    finally:
        await plumbing.aclose()
    assert not seen.exists()


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b"*.txt merge=mine", b"*.txt merge=text"),
        (b"*.txt text merge=union eol=lf", b"*.txt text merge=union eol=lf"),
        (b"a merge=unions b", b"a merge=text b"),
        (b"*.bin -merge", b"*.bin -merge"),
        (b"merge=x merge=binary", b"merge=text merge=binary"),
        (b"premerge=x", b"premerge=x"),
    ],
)
def test_which_drivers_are_taken_out(line: bytes, kept: bytes) -> None:
    assert DRIVER.sub(b"merge=text", line) == kept
