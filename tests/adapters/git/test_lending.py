"""Worktrees of the user's, on real git: used, kept whole, and given back as they were."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git.guard import RepositoryGuard
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository
from workbench.adapters.git.worktrees import Worktrees
from workbench.errors import GitError, UsageError


class Lender:
    """A user with a repository and a worktree, and the worktrees of a run."""

    def __init__(self, repo: Path, tmp: Path) -> None:
        self.repo, self.tmp, self.mine = repo, tmp, tmp / "mine"
        git(repo, "worktree", "add", "-q", "-b", "feature", str(self.mine))
        (self.mine / "mine.txt").write_text("mine\n")
        git(self.mine, "add", "-A")
        git(self.mine, "commit", "-q", "-m", "mine")
        self.tip = git(self.mine, "rev-parse", "HEAD")

    async def open(self) -> None:
        self.repository = await open_repository(self.repo)
        self.git = Plumbing(self.repository)
        self.again()

    def again(self) -> Worktrees:
        """As another process would have them."""
        self.worktrees = Worktrees(self.repository, self.git, self.tmp / "trees", "r")
        return self.worktrees

    async def prepare(self) -> Path:
        start = self.repository.head
        return (await self.worktrees.prepare("guest", start, carry=None, keep=False, sparse=())).path

    def head(self) -> str:
        return git(self.mine, "symbolic-ref", "HEAD")

    def reachable(self, path: str) -> str:
        """A commit, reachable from some ref, in which there is a file of that name."""
        return git(self.repo, "log", "--all", "--format=%H", "-1", "--", path)


@pytest.fixture
async def lender(repo: Path, tmp_path: Path) -> AsyncIterator[Lender]:
    there = Lender(repo, tmp_path)
    await there.open()
    yield there
    await there.git.aclose()


async def test_it_is_used_and_given_back(lender: Lender) -> None:
    await lender.worktrees.borrow("guest", lender.mine)
    await lender.worktrees.borrow("guest", lender.mine)
    assert await lender.prepare() == lender.mine
    assert lender.head() == "refs/heads/workbench/r/guest"
    assert not (lender.mine / "mine.txt").exists()
    (lender.mine / "left.txt").write_text("left\n")
    await lender.worktrees.remove("guest")
    assert lender.head() == "refs/heads/feature"
    assert git(lender.mine, "rev-parse", "HEAD") == lender.tip
    assert git(lender.mine, "status", "--porcelain", "--ignored") == ""
    assert not (lender.mine / ".workbench").exists()
    assert lender.reachable("left.txt"), "what was in it is kept"


async def test_links_in_a_submodules_repository_are_the_users(lender: Lender) -> None:
    admin = Path(git(lender.mine, "rev-parse", "--absolute-git-dir"))
    hook = admin / "modules" / "sub" / "hooks" / "pre-commit"
    hook.parent.mkdir(parents=True)
    hook.symlink_to(lender.mine / "check.sh")
    odd = admin / "odd"
    odd.symlink_to(lender.mine / "check.sh")
    await lender.worktrees.borrow("guest", lender.mine)
    await lender.prepare()
    await lender.worktrees.remove("guest")
    assert hook.is_symlink() and not odd.is_symlink()


async def test_another_process_gives_it_back_and_twice_is_harmless(lender: Lender) -> None:
    await lender.worktrees.borrow("guest", lender.mine)
    await lender.prepare()
    lender.again()
    assert lender.worktrees.lent() == ("guest",)
    await lender.worktrees.remove("guest")
    await lender.worktrees.remove("guest")
    assert lender.head() == "refs/heads/feature" and lender.mine.is_dir()


async def test_removing_and_giving_back_at_once_leaves_it_standing(lender: Lender) -> None:
    await lender.worktrees.borrow("guest", lender.mine)
    await lender.prepare()
    await asyncio.gather(*(lender.worktrees.remove("guest") for _ in range(3)))
    assert (lender.mine / "mine.txt").is_file()


async def test_a_detached_one_and_one_whose_branch_is_gone_are_at_their_commit_again(lender: Lender) -> None:
    await lender.worktrees.borrow("guest", lender.mine)
    await lender.prepare()
    git(lender.repo, "branch", "-D", "feature")
    await lender.worktrees.remove("guest")
    assert git(lender.mine, "rev-parse", "HEAD") == lender.tip
    lender.again()
    await lender.worktrees.borrow("guest", lender.mine)
    await lender.prepare()
    await lender.worktrees.remove("guest")
    assert git(lender.mine, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert git(lender.mine, "rev-parse", "HEAD") == lender.tip


async def test_what_cannot_be_borrowed(lender: Lender, tmp_path: Path) -> None:
    async def refused(path: Path, word: str, name: str = "guest") -> None:
        with pytest.raises(UsageError, match=word):
            await lender.worktrees.borrow(name, path)

    await refused(lender.repo, "main checkout")
    await refused(tmp_path / "nothing", "no worktree")
    await refused(tmp_path, "no worktree")
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    await refused(other, "main checkout")
    link = tmp_path / "link"
    link.symlink_to(lender.mine)
    await refused(link, "no worktree")
    (lender.mine / "new.txt").write_text("precious")
    await refused(lender.mine, "new.txt")
    (lender.mine / "new.txt").unlink()
    made = await lender.worktrees.prepare("ada", lender.repository.head, carry=None, keep=False, sparse=())
    await refused(made.path, "workbench made")
    await lender.worktrees.borrow("guest", lender.mine)
    await refused(lender.mine, "is lent to guest", "ada")
    assert lender.head() == "refs/heads/feature", "nothing was changed by asking"


async def test_one_that_its_owner_removed_meanwhile_is_not_made_again(lender: Lender) -> None:
    await lender.worktrees.borrow("guest", lender.mine)
    await lender.prepare()
    shutil.rmtree(lender.mine)
    with pytest.raises(GitError):
        await lender.prepare()
    await lender.worktrees.remove("guest")
    assert not lender.mine.exists()


async def test_the_guard_takes_it_for_a_teammates(lender: Lender) -> None:
    guard = RepositoryGuard(lender.repository, lender.git, "r")
    before = await guard.look(whole=True)
    assert str(lender.mine) in before.heads
    await lender.worktrees.borrow("guest", lender.mine)
    await lender.prepare()
    meanwhile = await guard.look(whole=True)
    assert str(lender.mine) not in meanwhile.heads
    assert guard.problem(lender.mine) == ""
    await lender.worktrees.remove("guest")
    assert (await guard.look(whole=True)).heads == before.heads


async def test_what_lies_in_a_submodule_that_is_not_checked_out_is_not_lent(lender: Lender) -> None:
    """Git says nothing of it, and it would be moved out of the user's own worktree."""
    (lender.mine / ".gitmodules").write_text("")
    git(lender.mine, "add", "-A")
    git(lender.mine, "update-index", "--add", "--cacheinfo", f"160000,{lender.tip},lib")
    git(lender.mine, "commit", "-q", "-m", "a submodule")
    (lender.mine / "lib").mkdir(exist_ok=True)
    (lender.mine / "lib" / "notes").write_text("x")
    assert git(lender.mine, "status", "--porcelain") == ""
    with pytest.raises(UsageError, match="lib"):
        await lender.worktrees.borrow("guest", lender.mine)
    (lender.mine / "lib" / "notes").unlink()
    await lender.worktrees.borrow("guest", lender.mine)
