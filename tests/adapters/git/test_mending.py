"""A teammate's objects that were deleted: nobody gets them back, and everybody works on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.git.test_worktrees import Team
from tests.conftest import git
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository


@pytest.fixture
async def team(repo: Path, tmp_path: Path) -> AsyncIterator[Team]:
    repository = await open_repository(repo)
    plumbing = Plumbing(repository)
    yield Team(repository, plumbing, tmp_path / "trees")
    await plumbing.aclose()


async def committed(team: Team, files: int = 1) -> Path:
    path = (await team.prepare()).path
    for number in range(files):
        (path / f"work{number}").write_text(f"done {number}\n")
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "work")
    return path


def delete(repo: Path, *names: str) -> None:
    for name in names:
        (repo / ".git" / "objects" / name[:2] / name[2:]).unlink()


BRANCH = "refs/heads/workbench/run-1/ada"


def salvaged(repo: Path) -> list[str]:
    return git(repo, "for-each-ref", "--format=%(refname)", "refs/workbench/run-1/salvage").split()


@pytest.mark.parametrize("gone", ["HEAD", "HEAD^{tree}", "HEAD:work0"])
async def test_a_branch_at_objects_that_are_gone_is_set_back_and_files_are_kept(
    team: Team, repo: Path, gone: str
) -> None:
    path = await committed(team)
    delete(repo, git(path, "rev-parse", gone))
    made = await team.prepare()
    assert git(repo, "rev-parse", BRANCH) == team.repository.head
    assert git(made.path, "status", "--porcelain") == ""
    if gone != "HEAD:work0":  # the commit can be pinned then, as far as it is there
        assert any("is gone" in sentence for sentence in team.notices)
        assert "work0" in git(repo, "ls-tree", "--name-only", salvaged(repo)[-1]).split()
    (made.path / "next").write_text("next\n")
    work = await team.collect()
    assert git(repo, "show", f"{work.commit}:next") == "next"


async def test_everything_of_a_worktree_is_gone_staged_and_merged_too(team: Team, repo: Path) -> None:
    path = await committed(team)
    git(path, "checkout", "-q", "--detach")
    (path / "staged").write_text("staged\n")
    git(path, "add", "-A")
    (path / "left").write_text("left\n")
    admin = Path(git(path, "rev-parse", "--absolute-git-dir"))
    (admin / "MERGE_HEAD").write_text("1" * 40 + "\n")
    kept = set(git(repo, "rev-list", "--objects", "--no-object-names", "main").split())
    loose = [it.parent.name + it.name for it in (repo / ".git/objects").glob("??/*")]
    delete(repo, *(name for name in loose if name not in kept))
    made = await team.prepare()
    assert git(made.path, "status", "--porcelain", "--branch").startswith("## workbench/run-1/ada")
    assert git(repo, "fsck", "--connectivity-only", "--no-dangling", "--no-reflogs") == ""
    listed = git(repo, "ls-tree", "--name-only", salvaged(repo)[-1]).split()
    assert {"staged", "left", "work0"} <= set(listed)


@pytest.mark.parametrize("folder", [True, False])
async def test_a_worktree_whose_branch_is_gone_is_made_anew_or_removed(
    team: Team, repo: Path, folder: bool
) -> None:
    path = await committed(team)
    delete(repo, git(path, "rev-parse", "HEAD"))
    if folder:
        await team.worktrees.remove("ada")
        assert not path.exists()
    else:
        path.rename(path.with_name("elsewhere"))
        await team.prepare()
        assert git(repo, "rev-parse", BRANCH) == team.repository.head
    assert git(repo, "fsck", "--connectivity-only", "--no-dangling", "--no-reflogs") == ""


async def test_a_branch_file_with_nonsense_is_made_anew(team: Team, repo: Path) -> None:
    await committed(team)
    (repo / ".git" / BRANCH).write_text("nonsense\n")
    await team.prepare()
    assert git(repo, "rev-parse", BRANCH) == team.repository.head


async def test_nothing_is_mended_where_all_is_well(team: Team, repo: Path) -> None:
    tip = git(await committed(team), "rev-parse", "HEAD")
    await team.prepare()
    assert team.notices == []
    assert tip in git(repo, "rev-list", "--glob=refs/workbench/run-1/salvage/*")


async def test_a_pin_of_a_commit_that_is_gone_is_in_nobodys_way(team: Team, repo: Path) -> None:
    path = await committed(team)
    pin = repo / ".git/refs/workbench/run-1/salvage/ada/1"
    pin.parent.mkdir(parents=True)
    pin.write_text("1" * 40 + "\n")
    tip = git(path, "rev-parse", "HEAD")
    await team.prepare()
    assert git(repo, "rev-parse", "refs/workbench/run-1/salvage/ada/2") == tip


async def test_what_is_kept_outlives_the_loss_of_loose_objects(team: Team, repo: Path) -> None:
    path = await committed(team)
    (path / "left").write_text("left\n")
    await team.prepare()
    for loose in (repo / ".git/objects").glob("??/*"):
        if loose.parent.name + loose.name not in git(repo, "rev-list", "--objects", "main"):
            loose.unlink()
    last = salvaged(repo)[-1]
    assert git(repo, "show", f"{last}:left") == "left"
    assert git(repo, "fsck", "--connectivity-only", "--no-dangling") == ""
