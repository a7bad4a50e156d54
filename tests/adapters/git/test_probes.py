"""Trial merges: right in what they say, and without a trace."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository
from workbench.engine.ports import Merged
from workbench.errors import GitError


def branch(repo: Path, name: str, text: str, path: str = "src/app.py") -> str:
    """A commit of its own on the first one."""
    git(repo, "checkout", "-q", "-B", name, "main")
    (repo / path).write_text(text)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", name)
    commit = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-q", "main")
    return commit


def objects(repo: Path) -> set[str]:
    listed = git(repo, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return set(listed.splitlines())


@pytest.mark.parametrize("batched", [True, False])
async def test_nothing_of_a_probe_stays_in_the_repository(repo: Path, batched: bool) -> None:
    one, two = branch(repo, "one", "one\n"), branch(repo, "two", "two\n")
    other = branch(repo, "other", "other\n", "src/other.py")
    before = objects(repo)
    plumbing = Plumbing(await open_repository(repo), batch_merges=batched)
    try:
        clash, clean = await plumbing.probe([(one, two), (one, other)])
        assert isinstance(clash, Merged) and isinstance(clean, Merged)
        assert (clash.paths, clean.clean) == (("src/app.py",), True)
        assert "<<<<<<<" in clash.hunks and "one\n" in clash.hunks and "two\n" in clash.hunks
        assert objects(repo) == before
        git(repo, "repack", "-adq")  # and what others pack meanwhile is found
        later = branch(repo, "later", "later\n")
        (again,) = await plumbing.probe([(two, later)])
        assert isinstance(again, Merged) and again.paths == ("src/app.py",)
        # The same merge for a landing is kept.
        merged = await plumbing.merge(one, other)
        assert git(repo, "cat-file", "-t", merged.tree) == "tree"
    finally:
        await plumbing.aclose()
    assert not (repo / ".git" / "workbench" / "probe").exists()


async def test_what_a_killed_run_left_is_cleared_away(repo: Path) -> None:
    left = repo / ".git" / "workbench" / "probe" / "objects" / "left"  # no name that git gives
    left.mkdir(parents=True)
    one, two = branch(repo, "one", "one\n"), branch(repo, "two", "two\n")
    plumbing = Plumbing(await open_repository(repo))
    try:
        assert left.exists(), "nothing is done before the first probe"
        await plumbing.probe([(one, two)])
        assert not left.exists()
    finally:
        await plumbing.aclose()


async def test_unrelated_histories_are_an_error_of_that_pair_alone(repo: Path) -> None:
    one, two = branch(repo, "one", "one\n"), branch(repo, "two", "two\n")
    stranger = git(repo, "commit-tree", "-m", "from nowhere", "HEAD^{tree}")
    plumbing = Plumbing(await open_repository(repo))
    try:
        strange, clash = await plumbing.probe([(one, stranger), (one, two)])
        assert isinstance(strange, GitError)
        assert isinstance(clash, Merged) and not clash.clean
    finally:
        await plumbing.aclose()


async def test_a_landing_does_not_wait_for_a_batch_of_probes(repo: Path) -> None:
    one, two = branch(repo, "one", "one\n"), branch(repo, "two", "two\n")
    other = branch(repo, "other", "other\n", "src/other.py")
    plumbing = Plumbing(await open_repository(repo))
    try:
        probing = asyncio.ensure_future(plumbing.probe([(one, two)] * 200))
        await plumbing.probe([])
        merged = await plumbing.merge(one, other)
        assert merged.clean and not probing.done()
        assert len(await probing) == 200
    finally:
        await plumbing.aclose()
