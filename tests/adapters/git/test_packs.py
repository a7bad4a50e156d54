"""Objects that no teammate can delete or change: delivered work and the user's own, in packs."""

from __future__ import annotations

import os
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.git.test_worktrees import PIN, Team
from tests.conftest import git
from workbench.adapters.git import packs
from workbench.adapters.git.packs import pack_loose
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository
from workbench.errors import GitError


@pytest.fixture
async def team(repo: Path, tmp_path: Path) -> AsyncIterator[Team]:
    repository = await open_repository(repo)
    plumbing = Plumbing(repository)
    yield Team(repository, plumbing, tmp_path / "trees")
    await plumbing.aclose()


def loose(repo: Path) -> dict[str, Path]:
    """The objects that are in files of their own."""
    found = (repo / ".git" / "objects").glob("??/*")
    return {path.parent.name + path.name: path for path in found}


def overwritten(path: Path, raw: bytes) -> None:
    """Put another object in the place of one."""
    path.chmod(0o600)
    path.write_bytes(zlib.compress(raw))


async def worked(team: Team, text: str = "done\n") -> Path:
    path = (await team.prepare()).path
    (path / "work").mkdir(exist_ok=True)
    (path / "work" / "new").write_text(text)
    return path


async def test_what_is_delivered_outlives_the_loss_of_every_loose_object(team: Team, repo: Path) -> None:
    await worked(team)
    work = await team.collect()
    for name, path in loose(repo).items():
        if name not in git(repo, "rev-list", "--objects", "main"):
            path.unlink()
    assert git(repo, "show", f"{work.commit}:work/new") == "done"
    assert git(repo, "fsck", "--connectivity-only", "--no-dangling") == ""


async def test_an_object_overwritten_after_delivery_is_not_believed(team: Team, repo: Path) -> None:
    await worked(team)
    work = await team.collect()
    overwritten(loose(repo)[git(repo, "rev-parse", f"{work.commit}:work/new")], b"blob 5\0evil\n")
    assert git(repo, "show", f"{work.commit}:work/new") == "done"
    assert await team.git.text_at(work.commit, "work/new") == "done\n"


async def test_an_object_overwritten_before_delivery_fails_it(team: Team, repo: Path) -> None:
    path = await worked(team)
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "work")
    overwritten(loose(repo)[git(path, "rev-parse", "HEAD:work/new")], b"blob 5\0evil\n")
    with pytest.raises(GitError, match="not what its name says"):
        await team.collect()
    assert git(repo, "for-each-ref", PIN) == ""
    assert not list((repo / ".git/objects/pack").glob(f"{packs.DRAFT}*"))


async def test_an_object_deleted_before_delivery_fails_it(team: Team, repo: Path) -> None:
    path = await worked(team)
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "work")
    loose(repo)[git(path, "rev-parse", "HEAD:work/new")].unlink()
    with pytest.raises(GitError, match="cannot be read as it was committed"):
        await team.collect()
    assert git(repo, "for-each-ref", PIN) == ""


async def test_the_same_commit_is_packed_once_and_more_work_by_itself(team: Team, repo: Path) -> None:
    def count() -> int:
        return len(list((repo / ".git/objects/pack").glob("*.pack")))

    path = await worked(team)
    await team.collect()
    await team.collect()
    assert count() == 1
    (path / "more").write_text("more\n")
    await team.collect()
    assert count() == 2
    held = "in-pack: 7"  # a commit, two trees and a blob; then a commit, a tree and a blob
    assert held in git(repo, "count-objects", "-v")


async def test_work_that_stands_on_lost_work_of_others_is_not_failed_for_it(team: Team, repo: Path) -> None:
    await worked(team)
    await team.collect()
    for pack in (repo / ".git/objects/pack").iterdir():
        pack.unlink()
    for name in set(loose(repo)) - set(
        git(repo, "rev-list", "--objects", "--no-object-names", "main").split()
    ):
        loose(repo)[name].unlink()
    path = (await team.prepare("bob")).path
    (path / "mine").write_text("mine\n")
    work = await team.worktrees.collect("bob", team.repository.head, "left", PIN.replace("/1", "/2"))
    assert git(repo, "show", f"{work.commit}:mine") == "mine"


async def test_a_prune_of_the_users_meanwhile_takes_nothing_away(
    team: Team, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []

    def prune(name: str) -> None:
        passed.append(name)
        git(repo, "prune", "--expire=now")

    await worked(team)
    monkeypatch.setattr(packs, "killpoint", prune)
    work = await team.collect()
    assert "pack.made" in passed
    assert git(repo, "show", f"{work.commit}:work/new") == "done"


async def test_a_draft_that_a_kill_left_is_removed_in_time(team: Team, repo: Path) -> None:
    old, fresh = (repo / ".git/objects/pack" / f"{packs.DRAFT}{name}" for name in ("old", "fresh"))
    for folder in (old, fresh):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    await worked(team)
    await team.collect()
    assert (old.exists(), fresh.exists()) == (False, True)


# -- the user's own ---------------------------------------------------------------------------------


async def test_the_users_loose_objects_are_packed_and_none_is_deleted(repo: Path) -> None:
    git(repo, "gc", "-q")
    (repo / "src" / "app.py").write_text("stashed\n")
    git(repo, "stash")
    (repo / "staged").write_text("staged\n")
    git(repo, "add", "staged")
    (repo / "nobodys").write_text("dangling\n")
    dangling = git(repo, "hash-object", "-w", "nobodys")
    before = loose(repo)
    old = sorted((repo / ".git/objects/pack").glob("*.pack"))
    stamps = [path.stat().st_mtime_ns for path in old]
    said: list[str] = []
    assert await pack_loose(await open_repository(repo), said.append) == len(before)
    assert loose(repo) == before
    assert [path.stat().st_mtime_ns for path in old] == stamps
    assert len(list((repo / ".git/objects/pack").glob("*.pack"))) == 2
    for path in before.values():
        path.unlink()
    assert git(repo, "stash", "show", "-p", "--format=").count("stashed") == 1
    assert git(repo, "show", ":staged") == "staged"
    assert git(repo, "cat-file", "-t", dangling) == "blob"
    assert said == []


async def test_where_nothing_is_loose_nothing_is_packed(repo: Path) -> None:
    git(repo, "gc", "-q")
    assert await pack_loose(await open_repository(repo), pytest.fail) == 0


async def test_what_cannot_be_packed_is_told(repo: Path) -> None:
    (repo / "nobodys").write_text("dangling\n")
    name = git(repo, "hash-object", "-w", "nobodys")
    overwritten(loose(repo)[name], b"nonsense")
    said: list[str] = []
    assert await pack_loose(await open_repository(repo), said.append) == 0
    assert "could delete them" in said[0]


async def test_far_too_many_are_left_and_told(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "MOST_LOOSE", 1)
    said: list[str] = []
    assert await pack_loose(await open_repository(repo), said.append) == 0
    assert not list((repo / ".git/objects/pack").glob("*.pack"))
    assert "in no pack" in said[0]
