"""Pipes in the place of files that git reads: taken away, and nothing waits at them for ever."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git import process, silence
from workbench.adapters.git.furnishing import Furnishing
from workbench.adapters.git.obstacles import clear
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.process import Place, run
from workbench.adapters.git.repository import Repository, open_repository
from workbench.adapters.git.worktrees import Worktrees
from workbench.errors import GitError

PIN = "refs/workbench/run-1/task/1"

ENOUGH = 20.0
"""Seconds in which everything here is over many times; without what is tested it would never be."""


class Team:
    """The worktrees of a run, and what was said."""

    def __init__(self, repository: Repository, plumbing: Plumbing, root: Path) -> None:
        self.repository, self.plumbing, self.root = repository, plumbing, root
        self.notices: list[str] = []
        furnishing = Furnishing(repository.root, notice=self.notices.append)
        self.worktrees = Worktrees(repository, plumbing, root, "run-1", furnishing)

    async def prepare(self) -> Path:
        made = await self.worktrees.prepare("ada", self.repository.head, carry=None, keep=False, sparse=())
        return made.path


@pytest.fixture
async def team(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Team]:
    monkeypatch.setattr(silence, "SLOW_SECONDS", 0.1)
    repository = await open_repository(repo)
    plumbing = Plumbing(repository)
    yield Team(repository, plumbing, tmp_path / "trees")
    await plumbing.aclose()


@pytest.mark.parametrize(
    "name", [".gitignore", ".gitattributes", "src/.gitignore", "a/b/c/.gitignore", "a/.git/HEAD"]
)
async def test_work_beside_a_pipe_is_collected(team: Team, name: str) -> None:
    path = await team.prepare()
    pipe = path / name
    pipe.parent.mkdir(parents=True, exist_ok=True)
    (pipe.parent / "work").write_text("done\n")
    (path / "more").write_text("done\n")
    os.mkfifo(pipe)
    async with asyncio.timeout(ENOUGH):
        work = await team.worktrees.collect("ada", team.repository.head, "left", PIN)
    assert "more" in git(team.repository.root, "ls-tree", "--name-only", work.commit).split()
    if name != "a/.git/HEAD":  # git may have asked nothing of a repository inside
        assert not pipe.exists()
        assert any(str(pipe) in sentence for sentence in team.notices)


async def test_a_worktree_with_pipes_is_prepared_again_and_removed(team: Team) -> None:
    path = await team.prepare()
    for again in (True, False):
        (path / "deep").mkdir(exist_ok=True)
        (path / "deep" / "kept").write_text("kept\n")
        os.mkfifo(path / ".gitignore")
        os.mkfifo(path / "deep" / ".gitignore")
        async with asyncio.timeout(ENOUGH):
            await (team.prepare() if again else team.worktrees.remove("ada"))
    assert not path.exists()
    kept = git(team.repository.root, "rev-list", "--objects", "--glob=refs/workbench/run-1/salvage/*")
    assert "deep/kept" in kept


async def test_a_look_at_what_a_teammate_does_waits_at_no_pipe(team: Team) -> None:
    path = await team.prepare()
    os.mkfifo(path / ".gitignore")
    async with asyncio.timeout(ENOUGH):
        assert await team.worktrees.fingerprint("ada")


async def test_a_branch_that_became_a_pipe_is_made_anew(team: Team) -> None:
    await team.prepare()
    branch = team.repository.common_dir / "refs/heads/workbench/run-1/ada"
    branch.unlink()
    os.mkfifo(branch)
    async with asyncio.timeout(ENOUGH):
        await team.prepare()
    assert branch.read_text().strip() == team.repository.head


async def test_a_ref_or_an_object_that_is_a_pipe_keeps_no_answer_waiting(team: Team, repo: Path) -> None:
    await team.prepare()
    common = team.repository.common_dir
    ref, name = "refs/heads/workbench/run-1/integration", "1" * 40
    os.mkfifo(common / ref)
    (common / "objects" / name[:2]).mkdir()
    os.mkfifo(common / "objects" / name[:2] / name[2:])
    async with asyncio.timeout(ENOUGH):
        assert await team.plumbing.tip(ref) is None
        assert await team.plumbing.text(name) is None
        assert await team.plumbing.tip("refs/heads/main") == team.repository.head


async def test_cancelling_a_command_that_waits_at_a_pipe_ends_it(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await team.prepare()
    monkeypatch.setattr(silence, "SLOW_SECONDS", 3600.0)
    os.mkfifo(path / ".gitignore")
    collecting = asyncio.ensure_future(team.worktrees.collect("ada", team.repository.head, "left", PIN))
    try:
        async with asyncio.timeout(0.5):
            await asyncio.shield(collecting)
    except TimeoutError:
        collecting.cancel()
    async with asyncio.timeout(ENOUGH):
        with pytest.raises(asyncio.CancelledError):
            await collecting


async def test_only_what_git_reads_goes_and_links_are_not_followed(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    for folder in (tree / "a", outside, tmp_path / "common" / "objects" / "ab"):
        folder.mkdir(parents=True)
    os.mkfifo(outside / ".gitignore")
    os.mkfifo(tree / "a" / "pipe")
    os.mkfifo(tree / "a" / ".GitIgnore")
    os.mkfifo(tmp_path / "common" / "objects" / "ab" / ("c" * 38))
    (tree / "way").symlink_to(outside)
    (tree / ".gitmodules").symlink_to(outside / ".gitignore")
    (tree / ".gitattributes").write_text("kept\n")
    (tree / "a" / ".gitignore").symlink_to(os.devnull)
    said = clear(tree, tmp_path / "admin", tmp_path / "common")
    assert len(said) == 3
    assert sorted(it.name for it in tree.rglob("*")) == [".gitattributes", ".gitignore", "a", "pipe", "way"]
    assert (outside / ".gitignore").is_fifo()


# -- a command that is slow -------------------------------------------------------------------------


async def test_a_command_that_is_only_slow_is_left_alone(
    team: Team, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENT_SECONDS", 0.3)
    looks = list[float]()
    place = Place(repo / ".git", repo, clear=lambda: looks.append(time.monotonic()) or [])  # type: ignore[func-returns-value]
    busy = "alias.busy=!for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.1; echo x >/dev/null; done; echo over"
    assert (await run(place, "-c", busy, "busy")).text == "over"
    assert len(looks) == 1


async def test_a_command_that_is_stuck_is_ended_and_its_folder_named(
    team: Team, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(process, "PATIENCE", 0.2)
    place = Place(repo / ".git", repo, clear=list)
    async with asyncio.timeout(ENOUGH):
        with pytest.raises(GitError, match="was ended") as stuck:
            await run(place, "-c", "alias.stuck=!sleep 3600", "stuck")
    assert str(repo) in str(stuck.value)


async def test_somebody_who_goes_on_putting_pipes_there_is_given_up_on(team: Team, repo: Path) -> None:
    place = Place(repo / ".git", repo, clear=lambda: ["again"], notice=team.notices.append)
    async with asyncio.timeout(ENOUGH):
        with pytest.raises(GitError, match="again and again"):
            await run(place, "-c", "alias.stuck=!exec sleep 3600", "stuck")
    assert team.notices == ["again"] * silence.ROUNDS
