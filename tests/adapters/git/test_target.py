"""Which checkouts show a branch, and what in them is in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git.repository import open_repository
from workbench.adapters.git.target import NAMED, Checkout, advance, checkouts_of, survey
from workbench.errors import GitError


async def shown(where: Path, branch: str) -> list[tuple[Path | None, str]]:
    found = await checkouts_of(await open_repository(where), branch)
    return [(checkout.root, checkout.doing) for checkout in found]


def commit(where: Path, message: str) -> str:
    git(where, "add", "-A", "-f")
    git(where, "commit", "-q", "-m", message)
    return git(where, "rev-parse", "HEAD")


@pytest.fixture
def step(repo: Path) -> tuple[str, str]:
    """Two commits, main at the first: a file becomes a folder, a folder a file, and one is new."""
    (repo / "thing").write_text("file\n")
    (repo / "pack").mkdir()
    (repo / "pack" / "one").write_text("1\n")
    old = commit(repo, "old")
    (repo / "thing").unlink()
    (repo / "thing").mkdir()
    (repo / "thing" / "inner").write_text("inner\n")
    (repo / "pack" / "one").unlink()
    (repo / "pack").rmdir()
    (repo / "pack").write_text("file\n")
    (repo / "na\u00efve file").write_text("new\n")
    new = commit(repo, "new")
    git(repo, "reset", "-q", "--hard", old)
    return old, new


async def test_every_checkout_of_a_branch_is_found(repo: Path, tmp_path: Path) -> None:
    git(repo, "branch", "other")
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"), "other")
    assert await shown(repo, "main") == await shown(tmp_path / "linked", "main") == [(repo, "")]
    assert await shown(repo, "other") == [(tmp_path / "linked", "")]
    assert await shown(repo, "oth") == []
    git(repo, "checkout", "-q", "--ignore-other-worktrees", "other")
    assert await shown(repo, "other") == [(repo, ""), (tmp_path / "linked", "")]


async def test_a_bare_repository_shows_nothing_by_itself(repo: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(bare))
    git(bare, "worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    assert await shown(tmp_path / "linked", "main") == []
    assert await shown(tmp_path / "linked", "side") == [(tmp_path / "linked", "")]


async def test_a_bisect_of_the_branch_counts_as_showing_it(repo: Path) -> None:
    first = git(repo, "rev-parse", "HEAD")
    for number in range(3):
        (repo / "README.md").write_text(f"{number}\n")
        commit(repo, str(number))
    git(repo, "bisect", "start", "HEAD", first)
    assert git(repo, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert await shown(repo, "main") == [(repo, "a bisect")]


async def test_files_that_become_folders_are_no_obstacle(repo: Path, step: tuple[str, str]) -> None:
    checkout = Checkout(repo / ".git", repo)
    found = await survey(checkout, *step)
    assert (found.blocking, found.alike) == ((), ())
    await advance(checkout, step[1], found.alike, "test")
    assert git(repo, "rev-parse", "main") == step[1] and git(repo, "status", "--porcelain") == ""
    assert (repo / "thing" / "inner").exists() and (repo / "pack").is_file()


async def test_a_file_in_a_folder_that_becomes_a_file_is(repo: Path, step: tuple[str, str]) -> None:
    (repo / "pack" / "mine").write_text("mine\n")
    found = await survey(Checkout(repo / ".git", repo), *step)
    assert found.blocking == ("pack/mine",)


async def test_half_way_between_files_and_folders_git_refuses_and_nothing_is_lost(
    repo: Path, step: tuple[str, str]
) -> None:
    git(repo, "restore", f"--source={step[1]}", "--worktree", "--", ".")
    checkout = Checkout(repo / ".git", repo)
    found = await survey(checkout, *step)
    assert found.blocking == () and set(found.alike) >= {"na\u00efve file", "thing/inner"}
    with pytest.raises(GitError, match="would be removed"):
        await advance(checkout, step[1], found.alike, "test")
    assert git(repo, "rev-parse", "main") == step[0]
    assert (repo / "thing" / "inner").read_text() == "inner\n" and (repo / "pack").read_text() == "file\n"


async def test_a_mode_or_a_link_in_place_of_a_file_is_unlike(repo: Path, step: tuple[str, str]) -> None:
    (repo / "na\u00efve file").write_text("new\n")
    (repo / "na\u00efve file").chmod(0o755)
    assert (await survey(Checkout(repo / ".git", repo), *step)).blocking == ("na\u00efve file",)
    (repo / "na\u00efve file").unlink()
    (repo / "na\u00efve file").symlink_to("thing")
    assert (await survey(Checkout(repo / ".git", repo), *step)).blocking == ("na\u00efve file",)


async def test_unmerged_files_are_named(repo: Path, step: tuple[str, str]) -> None:
    blob = git(repo, "hash-object", "-w", "README.md")
    entries = "".join(f"100644 {blob} {stage}\tREADME.md\n" for stage in (1, 2, 3))
    (repo.parent / "entries").write_text(entries)
    git(repo, "rm", "-q", "--cached", "README.md")
    git(repo, "-c", "alias.feed=!git update-index --index-info < ../entries", "feed")
    assert (await survey(Checkout(repo / ".git", repo), *step)).blocking == ("README.md",)


async def test_a_huge_untracked_folder_is_not_listed_whole(repo: Path, step: tuple[str, str]) -> None:
    (repo / "na\u00efve file").mkdir()
    for number in range(NAMED * 3):
        folder = repo / "na\u00efve file" / f"{number}"
        folder.mkdir()
        (folder / "x").touch()
    found = await survey(Checkout(repo / ".git", repo), *step)
    assert NAMED < len(found.blocking) < NAMED * 2


async def test_git_itself_would_not_overwrite_an_ignored_file(repo: Path, step: tuple[str, str]) -> None:
    (repo / ".git" / "info" / "exclude").write_text("na*\n")
    (repo / "na\u00efve file").write_text("precious\n")
    with pytest.raises(GitError, match="would not bring"):  # had it appeared after the survey
        await advance(Checkout(repo / ".git", repo), step[1], (), "test")
    assert (repo / "na\u00efve file").read_text() == "precious\n"
    assert git(repo, "rev-parse", "main") == step[0]
