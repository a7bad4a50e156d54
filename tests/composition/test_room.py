"""A disk without room is seen before a run starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.composition.place import Place, open_place
from workbench.composition.room import FLOOR_BYTES, demand_room
from workbench.core.models import RunSettings
from workbench.errors import SetupError

TEAM = RunSettings(team=("ada", "bob"))


@pytest.fixture
async def place(repo: Path) -> Place:
    (repo / "large").write_bytes(bytes(1_000_000))
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "large")
    return await open_place(repo)


def only(monkeypatch: pytest.MonkeyPatch, free: int, folder: Path | None = None) -> None:
    """As if there were so many bytes free, everywhere or below ``folder``."""
    usage = shutil.disk_usage

    def small(where: Path) -> object:
        real = usage(where)
        return real._replace(free=free) if folder is None or where.is_relative_to(folder) else real

    monkeypatch.setattr("shutil.disk_usage", small)


async def test_there_is_room(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await demand_room(place, tmp_path / "not" / "yet", TEAM, "HEAD")
    only(monkeypatch, FLOOR_BYTES + 3_100_000)
    await demand_room(place, tmp_path / "trees", TEAM, "HEAD")


async def test_a_checkout_for_each_teammate_and_the_gates_must_fit(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, FLOOR_BYTES + 2_900_000)
    with pytest.raises(SetupError, match=r"worktrees.*67 MB left.*67 MB to begin") as caught:
        await demand_room(place, tmp_path / "trees", TEAM, "HEAD")
    assert "worktree_root" in caught.value.hint and caught.value.exit_code == 2
    await demand_room(place, tmp_path / "trees", RunSettings(team=("ada",)), "HEAD")
    await demand_room(place, tmp_path / "trees", RunSettings(team=("ada", "bob"), sparse=True), "HEAD")


async def test_the_log_needs_room_of_its_own(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, 1_000_000, place.root)
    with pytest.raises(SetupError, match=r"event log.*1 MB left"):
        await demand_room(place, tmp_path / "trees", TEAM, "HEAD")
