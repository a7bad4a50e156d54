"""What a viewer says when its log, its run, its repository or its terminal is in trouble: never a crash, and
all is well again when the cause is gone. The real application, over real stores."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import LOGS, Opened, recorded, screen_text
from workbench.adapters.lock import RepositoryLock
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition import watching
from workbench.composition.place import Place, open_place
from workbench.composition.watching import FileSource, LogSource
from workbench.core.events import EVENTS, Record, as_json
from workbench.tui.app import WorkbenchApp

RUN, RECORDS = recorded("quiet")
HALF = len(RECORDS) // 2
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("SLOW", 0.15), ("AGAIN", 0.02), ("ALIVE", 0.01)):
        monkeypatch.setattr(watching, f"{name}_SECONDS", seconds)


@pytest.fixture
async def place(repo: Path) -> Place:
    """A repository whose log has the first half of a run."""
    it = await open_place(repo)
    await written(it, RECORDS[:HALF])
    return it


async def written(place: Place, records: tuple[Record, ...]) -> None:
    with place.store() as store:
        await store.append(RUN, records)


@asynccontextmanager
async def viewing(source: LogSource | FileSource, place: Place | None = None) -> AsyncIterator[Pilot[None]]:
    app = WorkbenchApp(place, source)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        yield pilot
        assert app.failure is None


async def until(pilot: Pilot[None], wanted: str | Callable[[], bool]) -> None:
    """Until the header says so, or it is so."""
    deadline = time.monotonic() + PATIENCE
    while not (wanted in " ".join(screen_text(pilot)[:600].split()) if isinstance(wanted, str) else wanted()):
        assert time.monotonic() < deadline, screen_text(pilot)
        await asyncio.sleep(0.01)


def seen(pilot: Pilot[None]) -> int:
    return cast("WorkbenchApp", pilot.app).watched.state.seq


def all_seen(pilot: Pilot[None], count: int = HALF) -> Callable[[], bool]:
    return lambda: seen(pilot) == count


def quiet(pilot: Pilot[None]) -> bool:
    return not cast("WorkbenchApp", pilot.app).watched.trouble


@contextmanager
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A log that answers once this is set."""
    answers = threading.Event()
    read = SqliteStore.last

    def slowly(store: SqliteStore, run: str) -> int:
        answers.wait(PATIENCE)
        return read(store, run)

    with monkeypatch.context() as patched:
        patched.setattr(SqliteStore, "last", slowly)
        try:
            yield answers
        finally:
            answers.set()


async def test_a_log_that_does_not_answer_holds_up_no_key(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with viewing(LogSource(place, RUN), place) as pilot:
        await until(pilot, all_seen(pilot))
        with stuck(monkeypatch) as answers:
            await until(pilot, "does not answer. What is shown may be old.")
            for key, mode in (("1", "home"), ("3", "merge"), ("2", "team")):
                await pilot.press(key)
                assert pilot.app.current_mode == mode
            answers.set()
            await until(pilot, lambda: quiet(pilot))
        await written(place, RECORDS[HALF:])
        await until(pilot, all_seen(pilot, len(RECORDS)))


async def test_a_log_that_does_not_answer_holds_up_no_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stuck(monkeypatch):
        began = time.monotonic()
        async with viewing(LogSource(place, RUN), place) as pilot:
            await until(pilot, "does not answer")
            await pilot.press("q")
        assert time.monotonic() - began < PATIENCE / 2


async def test_a_log_that_is_locked(place: Place) -> None:
    """By a program that wants it for itself, as backups and database browsers may."""
    locked = contextlib.closing(sqlite3.connect(place.log_path, isolation_level=None))
    with locked as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        async with viewing(LogSource(place, RUN), place) as pilot:
            await until(pilot, "does not answer")
            other.execute("ROLLBACK")
            other.close()
            await until(pilot, all_seen(pilot))
            assert quiet(pilot)


async def test_a_log_that_is_damaged_in_the_middle(place: Place) -> None:
    with contextlib.closing(sqlite3.connect(place.log_path)) as other:
        (body,) = other.execute("SELECT body FROM events WHERE seq = 30").fetchone()
        other.execute("UPDATE events SET body = '{}' WHERE seq = 30")
        other.commit()
        async with viewing(LogSource(place, RUN), place) as pilot:
            await until(pilot, f"Event 30 of run {RUN}")
            assert seen(pilot) == 29
            await pilot.press("1", "2")
            other.execute("UPDATE events SET body = ? WHERE seq = 30", (body,))
            other.commit()
            await until(pilot, all_seen(pilot))
            await until(pilot, lambda: quiet(pilot))


async def test_a_log_that_is_no_log(place: Place) -> None:
    for end in ("-wal", "-shm"):
        place.log_path.with_name(place.log_path.name + end).unlink(missing_ok=True)
    place.log_path.write_text("nothing of ours\n" * 100)
    async with viewing(LogSource(place, RUN), place) as pilot:
        await until(pilot, "is damaged or is not an event log")
        await pilot.press("1", "2", "question_mark")


async def test_a_log_that_goes_and_comes_back(place: Place, tmp_path: Path) -> None:
    async with viewing(LogSource(place, RUN), place) as pilot:
        await until(pilot, all_seen(pilot))
        place.state_dir.rename(tmp_path / "away")
        await until(pilot, "is gone. What is shown was read before.")
        assert seen(pilot) == HALF
        (tmp_path / "away").rename(place.state_dir)
        await until(pilot, lambda: quiet(pilot))
        await written(place, RECORDS[HALF:])
        await until(pilot, all_seen(pilot, len(RECORDS)))


async def test_a_log_that_is_another_now_is_told_anew(place: Place) -> None:
    """What was damaged is set aside by a resume, which may have been seen before it was."""
    async with viewing(LogSource(place, RUN), place) as pilot:
        await until(pilot, all_seen(pilot))
        shutil.rmtree(place.state_dir)
        await written(place, RECORDS[:10])
        await until(pilot, all_seen(pilot, 10))
        assert quiet(pilot)
        await written(place, RECORDS[10:20])
        await until(pilot, all_seen(pilot, 20))


async def test_events_of_a_newer_version(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = next(it for it in RECORDS[:HALF] if it.type == "TaskDelivered")
    with monkeypatch.context() as patched:
        patched.delitem(cast("dict[str, Any]", EVENTS), strange.type)
        async with viewing(LogSource(place, RUN), place) as pilot:
            await until(pilot, "which this workbench does not know")
            assert seen(pilot) == strange.seq - 1
            patched.undo()
            for name, seconds in (("SLOW", 0.15), ("AGAIN", 0.02), ("ALIVE", 0.01)):
                monkeypatch.setattr(watching, f"{name}_SECONDS", seconds)
            await until(pilot, all_seen(pilot))


async def test_a_run_that_ends_in_another_process(place: Place) -> None:
    with RepositoryLock(place.state_dir).acquire(RUN):
        async with viewing(LogSource(place, RUN), place) as pilot:
            await until(pilot, "● live")
            await written(place, RECORDS[HALF:])
            await until(pilot, "Every task landed. `workbench land")
            assert "■ landed" in screen_text(pilot)


HOLD = """\
import sys, time
from pathlib import Path
from workbench.adapters.lock import RepositoryLock
with RepositoryLock(Path(sys.argv[1])).acquire(sys.argv[2]):
    print("held", flush=True)
    time.sleep(60)
"""


async def test_a_run_whose_process_is_killed(place: Place) -> None:
    words = [sys.executable, "-c", HOLD, str(place.state_dir), RUN]
    held = subprocess.Popen(words, stdout=subprocess.PIPE)  # noqa: ASYNC220
    with held:
        try:
            assert held.stdout is not None and held.stdout.readline() == b"held\n"
            async with viewing(LogSource(place, RUN), place) as pilot:
                await until(pilot, "● live")
                held.kill()
                await until(pilot, "Nobody is at work on this run: `workbench resume")
                assert "○ not running" in screen_text(pilot)
        finally:
            held.kill()


async def test_worktrees_that_are_gone(place: Place) -> None:
    """None of those that the log names is there."""
    async with viewing(LogSource(place, RUN), place) as pilot:
        await until(pilot, all_seen(pilot))
        app = cast("WorkbenchApp", pilot.app)
        for name in app.watched.state.teammates:
            app.open_teammate(name)
            await pilot.pause()
            assert RUN in screen_text(pilot)
            await pilot.press("j", "tab", "l", "h", "G", "escape", "escape")
        for name in app.watched.state.tasks:
            app.open_task(name)
            await pilot.pause()
            await pilot.press("j", "tab", "l", "h", "G", "escape", "escape")
        await until(pilot, lambda: quiet(pilot))


async def test_a_repository_that_is_gone(place: Place, repo: Path) -> None:
    async with viewing(LogSource(place, RUN), place) as pilot:
        await until(pilot, all_seen(pilot))
        shutil.rmtree(repo)
        await until(pilot, "is gone. What is shown was read before.")
        await pilot.press("p")
        await until(pilot, lambda: "No run was started" in screen_text(pilot))
        for key in "12345":
            await pilot.press(key)
            assert RUN in screen_text(pilot).splitlines()[0]


async def test_a_tiny_terminal_and_back(opened: Opened) -> None:
    async with opened("busy", size=(120, 40)) as pilot:
        for key in "12345":
            await pilot.press(key)
            before = screen_text(pilot)
            await pilot.resize_terminal(20, 5)
            await pilot.pause()
            assert len(screen_text(pilot).splitlines()) == 5
            await pilot.press("j", "k")
            await pilot.resize_terminal(120, 40)
            await pilot.pause()
            assert screen_text(pilot).splitlines()[0] == before.splitlines()[0]


async def test_a_picture_that_cannot_be_saved(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "state" / "workbench"
    folder.mkdir(parents=True)
    (folder / "screenshots").write_text("in the way")
    async with viewing(FileSource(LOGS / "quiet.jsonl")) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: "could not be saved" in screen_text(pilot))


async def test_a_recording_with_a_line_that_is_no_event(tmp_path: Path) -> None:
    lines = [as_json(RUN, record) for record in RECORDS[:HALF]]
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join([*lines[:20], "{" + " " * (len(lines[20]) - 1), *lines[21:], ""]))
    async with viewing(FileSource(path)) as pilot:
        await until(pilot, "holds what is no event")
        assert seen(pilot) == 20
        path.write_text("\n".join([*lines, ""]))
        await until(pilot, all_seen(pilot))
        assert quiet(pilot)


async def test_a_failure_of_the_viewer_is_kept_and_not_shown(place: Place) -> None:
    app = WorkbenchApp(place, LogSource(place, RUN))
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:

            def fail() -> None:
                raise ZeroDivisionError

            app.call_later(fail)
            await pilot.pause()
    assert isinstance(app.failure, ZeroDivisionError)
