"""What a process that was killed leaves: locks, drafts; and git that cannot be started for a moment."""

from __future__ import annotations

import asyncio
import errno
import os
import time
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import git
from workbench import crashpoints
from workbench.adapters.git import process
from workbench.adapters.git.administration import establish, linked_at
from workbench.adapters.git.excludes import exclude
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.refs import free_locks
from workbench.adapters.git.repository import open_repository
from workbench.adapters.git.worktrees import Worktrees
from workbench.crashpoints import Fault
from workbench.errors import GitError

PIN = "refs/workbench/run-1/work/x/1"


@dataclass
class Desk:
    """One teammate's worktree with work that is not committed."""

    repo: Path
    path: Path
    trees: Worktrees
    base: str
    plumbing: Plumbing

    def locks(self) -> list[Path]:
        admin = Path(git(self.path, "rev-parse", "--absolute-git-dir"))
        branch = self.repo / ".git" / "refs" / "heads" / "workbench" / "run-1" / "ada.lock"
        return [admin / "index.lock", admin / "HEAD.lock", branch]


@pytest.fixture
async def desk(repo: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    repository = await open_repository(repo)
    plumbing = Plumbing(repository)
    trees = Worktrees(repository, plumbing, tmp_path / "trees", "run-1")
    made = await trees.prepare("ada", repository.head, carry=None, keep=False, sparse=())
    (made.path / "work.txt").write_text("work\n")
    yield Desk(repo, made.path, trees, repository.head, plumbing)
    await plumbing.aclose()


def left_an_hour_ago(locks: list[Path]) -> None:
    for lock in locks:
        lock.touch()
        os.utime(lock, (time.time() - 3600,) * 2)


async def test_locks_of_an_agent_that_is_dead_cost_no_waiting(desk: Desk) -> None:
    left_an_hour_ago(desk.locks())
    began = time.monotonic()
    kept = await desk.trees.collect("ada", desk.base, "left", PIN)
    assert time.monotonic() - began < sum(process.WAITS) / 2
    assert git(desk.repo, "show", f"{kept.commit}:work.txt") == "work"
    assert not any(lock.exists() for lock in desk.locks())


@pytest.mark.parametrize("number", process.FULL)
async def test_git_that_cannot_be_started_for_the_moment_is_tried_again(
    desk: Desk, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(crashpoints.ERRORS, "EIO", number)
    for name in ("git.status", "git.cat-file.kept"):
        await desk.plumbing.objects.aclose()  # the next question starts another
        monkeypatch.setattr(crashpoints, "_fault", Fault("EIO", 1, name))
        kept = await desk.trees.collect("ada", desk.base, "left", PIN)
        assert git(desk.repo, "show", f"{kept.commit}:work.txt") == "work"
        assert crashpoints._fault is not None and crashpoints._fault.passed[name] > 1


async def test_git_that_cannot_be_started_at_all_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crashpoints, "_fault", Fault("EIO", 1, "git.status"))
    with pytest.raises(GitError, match="could not be started: Input/output error"):
        await desk.trees.collect("ada", desk.base, "left", PIN)


def drafts(repo: Path) -> list[Path]:
    return [*(repo / ".git" / "workbench").glob("worktree-*"), *(repo / ".git" / "info").glob("exclude?*")]


def half_a_worktree(repo: Path, tmp_path: Path) -> None:
    establish(linked_at(tmp_path / "team" / "ada", repo / ".git"), "0" * 40, "why")


def half_an_exclude(repo: Path, tmp_path: Path) -> None:
    exclude(repo / ".git")


@pytest.mark.parametrize(
    ("half", "point"), [(half_a_worktree, "worktree.drafted"), (half_an_exclude, "exclude.draft")]
)
def test_a_draft_that_was_left_is_made_anew_in_its_place(
    repo: Path,
    tmp_path: Path,
    half: Callable[[Path, Path], None],
    point: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child touches no thread of ours
        pid = os.fork()
    if pid == 0:
        crashpoints._fault = Fault("kill", 1, point)
        half(repo, tmp_path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    assert len(drafts(repo)) == 1
    half(repo, tmp_path)
    assert drafts(repo) == []


def test_a_draft_for_which_there_is_no_room_is_not_left(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crashpoints, "_fault", Fault("ENOSPC", 1, "worktree.drafted"))
    with pytest.raises(OSError, match="No space left") as refusal:
        half_a_worktree(repo, tmp_path)
    assert refusal.value.errno == errno.ENOSPC and drafts(repo) == []


def test_a_draft_follows_no_link(repo: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("the user's\n")
    (repo / ".git" / "info" / "exclude.workbench").symlink_to(mine)
    exclude(repo / ".git")
    assert mine.read_text() == "the user's\n"
    assert ".workbench" in (repo / ".git" / "info" / "exclude").read_text()


async def test_locks_on_refs_of_a_run_are_freed_but_not_of_one_who_holds_them(repo: Path) -> None:
    folder = repo / ".git" / "refs" / "workbench" / "run-1" / "work" / "x"
    folder.mkdir(parents=True)
    (folder / "1.lock").touch()
    theirs = repo / ".git" / "refs" / "heads" / "main.lock"
    theirs.touch()
    with (folder / "2.lock").open("w"):
        await free_locks(repo / ".git", "run-1")
        assert sorted(path.name for path in folder.iterdir()) == ["2.lock"]
    assert theirs.exists()
    theirs.unlink()


async def test_a_pin_that_is_cancelled_leaves_no_lock(desk: Desk) -> None:
    """The process that pins is ended then, in the middle of its transaction."""
    conversation = desk.plumbing.refs._pins

    async def begin(ask: asyncio.StreamWriter, answer: asyncio.StreamReader) -> None:
        ask.write(f"start\nupdate {PIN} {desk.base}\nprepare\n".encode())
        await answer.readuntil(b"prepare: ok\n")
        assert (desk.repo / ".git" / f"{PIN}.lock").exists()
        raise ConnectionError("as if it were cancelled")

    with pytest.raises(GitError):
        await conversation.exchange(begin)
    assert not (desk.repo / ".git" / f"{PIN}.lock").exists()
