"""A commit is read, and copied, without the working tree and without a trace in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git.copies import copy_of
from workbench.adapters.git.offers import LARGEST, offers_of
from workbench.adapters.git.repository import open_repository
from workbench.errors import GitError


def commit(repo: Path) -> None:
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "more")


async def test_gates_are_those_of_the_commit(repo: Path) -> None:
    (repo / "Makefile").write_text("test:\n\ttrue\n")
    (repo / "pytest.ini").symlink_to("Makefile")
    (repo / "web ü").mkdir()
    (repo / "web ü" / "package.json").write_text('{"scripts": {"test": "x"}}')
    (repo / "tox.ini").write_text("[pytest]\n" + "#" * LARGEST)
    commit(repo)
    (repo / "Makefile").unlink()
    (repo / "Cargo.toml").write_text("")
    place = await open_repository(repo)
    offers = await offers_of(place, place.head)
    assert [found.command for found in offers.found] == ["cd 'web ü' && npm test", "make test"]
    assert "src/app.py" in offers.paths and "Cargo.toml" not in offers.paths


async def test_a_copy_is_the_commit_and_no_repository(repo: Path, tmp_path: Path) -> None:
    (repo / "out").symlink_to("/etc")
    (repo / ".gitattributes").write_text("src/app.py export-ignore\n")
    commit(repo)
    (repo / "README.md").write_text("changed\n")
    before = {path: path.stat().st_mtime_ns for path in repo.rglob("*")}
    place = await open_repository(repo)
    async with copy_of(place, place.head) as copy:
        assert sorted(path.name for path in copy.iterdir()) == [".gitattributes", "README.md", "out", "src"]
        assert (copy / "src/app.py").read_text() == (repo / "src/app.py").read_text()
        assert (copy / "README.md").read_text() == "# Sample\n"
        assert not (copy / "out").is_symlink() and (copy / "out").read_text() == "/etc"
        assert not copy.is_relative_to(repo)
    assert not copy.exists() and not copy.parent.exists()
    assert {path: path.stat().st_mtime_ns for path in repo.rglob("*")} == before
    assert len(git(repo, "worktree", "list").splitlines()) == 1


async def test_a_sparse_checkout_is_copied_whole(repo: Path) -> None:
    (repo / "docs").mkdir()
    (repo / "docs" / "a.md").write_text("a\n")
    commit(repo)
    git(repo, "sparse-checkout", "set", "src")
    place = await open_repository(repo)
    async with copy_of(place, place.head) as copy:
        assert (copy / "docs" / "a.md").exists()


async def test_what_is_no_commit_is_refused_and_nothing_is_left(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tmp_path / "held"
    held.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(held))
    place = await open_repository(repo)
    with pytest.raises(GitError):
        async with copy_of(place, "0" * 40):
            raise AssertionError
    assert not list(held.iterdir())
