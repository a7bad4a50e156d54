"""What Markers promise, kept alike in memory and by folders on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.markers import MarkerFolders
from workbench.core.models import Marker, MarkerKind
from workbench.engine.ports import Markers
from workbench.testing import MemoryMarkers

Drop = Callable[[Path, str, str], None]
Scene = tuple[Markers, Drop]


def note(text: str) -> Marker:
    return Marker(kind=MarkerKind.NOTE, nonce="n", note=text)


@pytest.fixture(params=["memory", "folders"])
def scene(request: pytest.FixtureRequest) -> Scene:
    if request.param == "memory":
        memory = MemoryMarkers()
        return memory, lambda worktree, name, text: memory.drop(worktree, name, note(text))

    def drop(worktree: Path, name: str, text: str) -> None:
        folder = worktree / ".workbench" / "markers"
        half = folder / f".{name}.tmp"
        half.write_text(note(text).model_dump_json(exclude_none=True, exclude_defaults=True))
        half.rename(folder / name)

    return MarkerFolders(), drop


@pytest.fixture(params=["memory", "folders"])
def followed(request: pytest.FixtureRequest, repo: Path) -> tuple[Markers, Callable[[str], None]]:
    """Markers, and how a teammate's branch moves."""
    if request.param == "memory":
        memory = MemoryMarkers()
        return memory, memory.move
    tips = iter(range(1, 100))

    def move(teammate: str) -> None:
        words = ("commit-tree", "-m", f"commit {next(tips)}", "HEAD^{tree}")
        git(repo, "update-ref", f"refs/heads/workbench/r/{teammate}", git(repo, *words))

    return MarkerFolders(branches=repo / ".git" / "refs" / "heads" / "workbench" / "r"), move


async def test_a_branch_that_moves_is_told_of_while_the_watch_runs(
    followed: tuple[Markers, Callable[[str], None]], tmp_path: Path
) -> None:
    markers, move = followed
    markers.add(worktree(tmp_path))
    told: asyncio.Queue[str] = asyncio.Queue()
    markers.follow(told.put_nowait)

    async def watch() -> None:
        async with aclosing(markers.watch()) as dropped:  # type: ignore[type-var]
            async for _ in dropped:
                raise AssertionError("no marker was dropped")

    move("ada")
    watching = asyncio.ensure_future(watch())
    try:
        assert await asyncio.wait_for(told.get(), 20) == "ada", "it had moved before the watch began"
        for teammate in ("bob", "ada"):
            move(teammate)
            while await asyncio.wait_for(told.get(), 20) != teammate:
                pass
    finally:
        watching.cancel()
        await asyncio.wait({watching})


def worktree(tmp_path: Path, name: str = "ada") -> Path:
    made = tmp_path / name
    made.mkdir()
    return made


def test_a_scan_gives_what_lies_there_by_name_and_each_once(scene: Scene, tmp_path: Path) -> None:
    markers, drop = scene
    where = worktree(tmp_path)
    markers.add(where)
    drop(where, "2.json", "two")
    drop(where, "1.json", "one")
    found = markers.scan(where)
    assert [(it.worktree, it.name, it.marker and it.marker.note) for it in found] == [
        (where, "1.json", "one"), (where, "2.json", "two"),
    ]  # fmt: skip
    assert markers.scan(where) == []
    for dropped in found:
        markers.settle(where, dropped.name, accepted=True)
    drop(where, "3.json", "three")
    assert [it.name for it in markers.scan(where)] == ["3.json"]


async def test_the_watch_gives_each_once_whenever_it_came(scene: Scene, tmp_path: Path) -> None:
    markers, drop = scene
    one, two = worktree(tmp_path), worktree(tmp_path, "bob")
    markers.add(one)
    drop(one, "early.json", "before the watch")
    seen: list[tuple[str, str]] = []

    async def watch() -> None:
        async with aclosing(markers.watch()) as dropped:  # type: ignore[type-var]
            async for it in dropped:
                seen.append((it.worktree.name, it.name))
                markers.settle(it.worktree, it.name, accepted=True)
                if len(seen) == 1:
                    markers.add(two)
                    drop(two, "late.json", "from a folder added later")
                elif len(seen) == 2:
                    drop(one, "last.json", "once more")
                else:
                    return

    await asyncio.wait_for(watch(), 30)
    assert seen == [("ada", "early.json"), ("bob", "late.json"), ("ada", "last.json")]
    assert markers.scan(one) == markers.scan(two) == []
