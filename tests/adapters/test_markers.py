"""Marker folders, with real files and the real watcher."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from workbench.adapters import markers as module
from workbench.adapters.markers import MarkerFolders
from workbench.core.markers import MARKER_BYTES, render
from workbench.core.models import Marker, MarkerKind
from workbench.engine.ports import Dropped, Markers
from workbench.errors import AgentError


def drop(worktree: Path, name: str, percent: int = 1) -> Path:
    """Drop a valid marker as a teammate does."""
    folder = worktree / ".workbench" / "markers"
    unfinished = folder / f".{name}.tmp"
    unfinished.write_bytes(render(Marker(kind=MarkerKind.PROGRESS, nonce="n", percent=percent)))
    return unfinished.rename(folder / name)


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    where = tmp_path / "ada"
    where.mkdir()
    return where


@pytest.fixture
def folders(worktree: Path) -> MarkerFolders:
    made = MarkerFolders(warn=lambda sentence: pytest.fail(sentence))
    made.add(worktree)
    return made


@contextlib.asynccontextmanager
async def watching(folders: MarkerFolders) -> AsyncIterator[asyncio.Queue[Dropped]]:
    """What ``watch`` gives, in a queue."""
    got: asyncio.Queue[Dropped] = asyncio.Queue()

    async def pump() -> None:
        async for dropped in folders.watch():
            got.put_nowait(dropped)

    async with asyncio.TaskGroup() as group:
        pumping = group.create_task(pump())
        yield got
        pumping.cancel()


def test_fulfils_the_port(folders: MarkerFolders) -> None:
    as_port: Markers = folders
    assert as_port is folders


async def test_a_marker_dropped_while_watching(folders: MarkerFolders, worktree: Path) -> None:
    async with watching(folders) as got:
        drop(worktree, "1.json", 7)
        found = await got.get()
        assert (found.worktree, found.name, found.problem) == (worktree, "1.json", "")
        assert found.marker is not None
        assert found.marker.percent == 7
        folders.settle(worktree, "1.json", accepted=True)
        assert list((worktree / ".workbench" / "markers").iterdir()) == []


async def test_what_was_there_before_watching_is_given_in_order(
    folders: MarkerFolders, worktree: Path
) -> None:
    for name in ("3.json", "1.json", "2.json"):
        drop(worktree, name)
    async with watching(folders) as got:
        assert [(await got.get()).name for _ in range(3)] == ["1.json", "2.json", "3.json"]


async def test_a_burst_of_a_thousand_comes_once_and_in_order(folders: MarkerFolders, worktree: Path) -> None:
    names = [f"{number:06d}.json" for number in range(1000)]
    async with watching(folders) as got:
        dropping = asyncio.to_thread(lambda: [drop(worktree, name) for name in names])
        waiting = asyncio.ensure_future(dropping)
        found: list[str] = []
        while len(found) < 1000:
            dropped = await got.get()
            folders.settle(worktree, dropped.name, accepted=True)
            found.append(dropped.name)
        await waiting
        assert found == names
        assert folders.scan(worktree) == []
        assert got.empty()


async def test_folders_added_while_watching_miss_nothing(tmp_path: Path, folders: MarkerFolders) -> None:
    async with watching(folders) as got:
        worktrees = []
        for number in range(20):
            where = tmp_path / f"w{number}"
            where.mkdir()
            folders.add(where)
            worktrees.append(where)
            drop(where, "early.json")
            await asyncio.sleep(0)
        early = {(await got.get()).worktree for _ in worktrees}
        assert early == set(worktrees)
        for where in worktrees:
            drop(where, "late.json")
        late = [await got.get() for _ in worktrees]
        assert {found.worktree for found in late} == set(worktrees)
        assert {found.name for found in late} == {"late.json"}


async def test_scanning_and_watching_share_what_was_given(folders: MarkerFolders, worktree: Path) -> None:
    drop(worktree, "1.json")
    assert [found.name for found in folders.scan(worktree)] == ["1.json"]
    assert folders.scan(worktree) == []
    async with watching(folders) as got:
        drop(worktree, "2.json")
        assert (await got.get()).name == "2.json"
        assert folders.scan(worktree) == []


async def test_a_name_may_be_used_again_once_settled(folders: MarkerFolders, worktree: Path) -> None:
    async with watching(folders) as got:
        for percent in (10, 20, 30):
            drop(worktree, "progress.json", percent)
            found = await got.get()
            assert found.marker is not None
            assert found.marker.percent == percent
            folders.settle(worktree, found.name, accepted=True)


async def test_one_dropped_over_another_before_it_was_settled_is_not_lost(
    folders: MarkerFolders, worktree: Path
) -> None:
    async with watching(folders) as got:
        drop(worktree, "progress.json", 10)
        first = await got.get()
        drop(worktree, "progress.json", 20)
        folders.settle(worktree, first.name, accepted=True)
        second = await got.get()
        assert second.marker is not None
        assert second.marker.percent == 20


def test_unfinished_files_are_not_looked_at(folders: MarkerFolders, worktree: Path) -> None:
    folder = worktree / ".workbench" / "markers"
    (folder / ".hidden.json").write_text("{")
    (folder / "half.json.tmp").write_text("{")
    assert folders.scan(worktree) == []


async def test_an_empty_file_waits_for_its_content_or_the_end(folders: MarkerFolders, worktree: Path) -> None:
    slow = worktree / ".workbench" / "markers" / "1-slow.json"
    async with watching(folders) as got:
        slow.touch()
        drop(worktree, "2.json")
        assert (await got.get()).name == "2.json"
        slow.write_bytes(b'{"kind": "done", "nonce": "n"}')
        assert (await got.get()).marker == Marker(kind=MarkerKind.DONE, nonce="n")
    (worktree / ".workbench" / "markers" / "3-never.json").touch()
    assert [found.problem for found in folders.scan(worktree)] == [
        "A marker is one JSON object; this is not JSON at line 1, column 1."
    ]


def hostile(folder: Path, outside: Path) -> dict[str, str]:
    """Fill a marker folder with what does not belong there; give a part of each explanation."""
    (folder / "broken.json").write_text("{")
    (folder / "directory.json").mkdir()
    (folder / "directory.json" / "inner.json").write_text("{}")
    os.mkfifo(folder / "fifo.json")
    (folder / "huge.json").write_bytes(b" " * (MARKER_BYTES + 1))
    (folder / "link.json").symlink_to(outside)
    (folder / "notes.txt").write_text("hello")
    (folder / "odd\x1b[2J.json").write_text("{}")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.json")).write_text("{}")
    return {
        "broken.json": "not JSON",
        "directory.json": "directory",
        "fifo.json": "named pipe",
        "huge.json": "at most",
        "link.json": "symbolic link",
        "notes.txt": "ends in .json",
        "odd\\x1b[2J.json": "plain text",
        "\\udcff.json": "plain text",
    }


def test_what_is_no_marker_is_explained_and_set_aside(
    folders: MarkerFolders, worktree: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.json"
    outside.write_bytes(render(Marker(kind=MarkerKind.DONE, nonce="n")))
    expected = hostile(worktree / ".workbench" / "markers", outside)
    found = {dropped.name: dropped for dropped in folders.scan(worktree)}
    assert set(found) == set(expected)
    for name, dropped in found.items():
        assert dropped.marker is None
        assert expected[name] in dropped.problem
        assert name.isprintable()
        folders.settle(worktree, name, accepted=False, reason=dropped.problem)
    assert list((worktree / ".workbench" / "markers").iterdir()) == []
    kept = {path.name.partition("-")[2]: path for path in (worktree / ".workbench/quarantine").iterdir()}
    assert set(kept) == {*expected, *(f"{name}.reason" for name in expected)}
    assert kept["link.json"].is_symlink()
    assert "not JSON" in kept["broken.json.reason"].read_text()
    assert outside.exists()
    assert folders.scan(worktree) == []


def test_settling_a_directory_as_accepted_does_not_lose_it(folders: MarkerFolders, worktree: Path) -> None:
    (worktree / ".workbench" / "markers" / "d.json").mkdir()
    (found,) = folders.scan(worktree)
    folders.settle(worktree, found.name, accepted=True)
    assert list((worktree / ".workbench" / "markers").iterdir()) == []


def test_settling_what_its_sender_took_back(folders: MarkerFolders, worktree: Path) -> None:
    drop(worktree, "1.json").unlink()
    folders.settle(worktree, "1.json", accepted=True)
    drop(worktree, "2.json")
    folders.scan(worktree)
    shutil.rmtree(worktree)
    folders.settle(worktree, "2.json", accepted=False, reason="late")
    assert folders.scan(worktree) == []


@pytest.mark.parametrize("removed", [".workbench", ".workbench/markers"])
async def test_a_folder_its_teammate_removed_is_watched_again(
    folders: MarkerFolders, worktree: Path, removed: str
) -> None:
    async with watching(folders) as got:
        drop(worktree, "1.json")
        await got.get()
        shutil.rmtree(worktree / removed)
        while not (worktree / ".workbench" / "markers").is_dir():  # noqa: ASYNC110 - what is awaited
            await asyncio.sleep(0.005)
        drop(worktree, "2.json")
        assert (await got.get()).name == "2.json"


async def test_a_worktree_that_is_removed_stops_nothing(
    folders: MarkerFolders, worktree: Path, tmp_path: Path
) -> None:
    other = tmp_path / "bob"
    other.mkdir()
    folders.add(other)
    async with watching(folders) as got:
        drop(worktree, "1.json")
        assert (await got.get()).worktree == worktree
        shutil.rmtree(worktree)
        drop(other, "2.json")
        assert (await got.get()).worktree == other
        worktree.mkdir()
        folders.add(worktree)
        drop(worktree, "1.json")
        assert (await got.get()).worktree == worktree


async def test_a_folder_turned_into_a_link_leads_nowhere(
    folders: MarkerFolders, worktree: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.json").write_text("{}")
    shutil.rmtree(worktree / ".workbench")
    (worktree / ".workbench").symlink_to(outside)
    (outside / "markers").symlink_to(outside)
    assert folders.scan(worktree) == []
    folders.settle(worktree, "precious.json", accepted=True)
    assert {path.name for path in outside.iterdir()} == {"precious.json", "markers"}


async def test_without_watches_the_folders_are_listed_and_it_is_said_once(
    worktree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise OSError(errno.ENOSPC, "OS file watch limit reached")

    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", exhausted)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    said: list[str] = []
    folders = MarkerFolders(warn=said.append)
    folders.add(worktree)
    async with watching(folders) as got:
        drop(worktree, "1.json")
        assert (await got.get()).name == "1.json"
        other = tmp_path / "bob"
        other.mkdir()
        folders.add(other)
        drop(other, "2.json")
        assert (await got.get()).name == "2.json"
    assert len(said) == 1
    assert "max_user_watches" in said[0]


async def test_watching_can_begin_again_and_gives_nothing_twice(
    folders: MarkerFolders, worktree: Path
) -> None:
    async with watching(folders) as got:
        drop(worktree, "1.json")
        await got.get()
    async with watching(folders) as got:
        drop(worktree, "2.json")
        assert (await got.get()).name == "2.json"


async def test_watching_nothing_until_something_is_added(worktree: Path) -> None:
    folders = MarkerFolders()
    async with watching(folders) as got:
        await asyncio.sleep(0)
        folders.add(worktree)
        drop(worktree, "1.json")
        assert (await got.get()).name == "1.json"


def test_a_worktree_that_is_gone_is_said(folders: MarkerFolders, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="cannot be made"):
        folders.add(tmp_path / "gone")
