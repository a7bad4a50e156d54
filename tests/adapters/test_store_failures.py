"""The event log where the system refuses: what is said, that nothing is half written, and trying again."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.adapters.store.failures import UnwritableLog, explained
from workbench.adapters.store.sqlite import SqliteStore
from workbench.core.events import Record, StopRequested
from workbench.errors import StoreError


def record(seq: int, reason: str = "why") -> Record:
    return Record(seq, 1.5, StopRequested(reason=reason))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "events.db"


HEAD = """
import asyncio, os, resource, sys
from pathlib import Path
from workbench.adapters.store.sqlite import SqliteStore
from workbench.core.events import Record, StopRequested
from workbench.errors import StoreError
path = Path(sys.argv[1])
def record(seq, size=3): return Record(seq, 1.5, StopRequested(reason="x" * size))
def refused(doing):
    try:
        doing()
    except StoreError as error:
        print(type(error).__name__, error, "|", error.hint)
    else:
        raise SystemExit("not refused")
"""


def by_itself(path: Path, body: str) -> str:
    """Run a program with limits of its own; gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + body, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_too_many_open_files(path: Path) -> None:
    said = by_itself(
        path,
        """
SqliteStore(path).close()
files = len(os.listdir("/dev/fd"))
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
for more in range(4):
    resource.setrlimit(resource.RLIMIT_NOFILE, (files - 1 + more, hard))
    try:
        SqliteStore(path).close()
    except StoreError as error:
        print(type(error).__name__, error, "|", error.hint)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
with SqliteStore(path) as store:
    asyncio.run(store.append("r", [record(1)]))
""",
    ).splitlines()
    assert said and all("UnwritableLog" in line for line in said)
    assert "too many open files" in said[0] and "ulimit -n" in said[0]


def test_a_file_that_may_not_grow(path: Path) -> None:
    said = by_itself(
        path,
        """
store = SqliteStore(path)
asyncio.run(store.append("r", [record(1)]))
size = path.with_name(path.name + "-wal").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
refused(lambda: asyncio.run(store.append("r", [record(2, 50_000), record(3)])))
assert [it.seq for it in store.read("r")] == [1]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
asyncio.run(store.append("r", [record(2, 50_000), record(3)]))
assert store.verify("r").records == 3
store.close()
""",
    )
    assert "UnwritableLog" in said and "nothing was written (run r, from event 2 on)" in said


async def test_an_append_that_found_no_room_can_be_tried_again(path: Path) -> None:
    with SqliteStore(path) as store, SqliteStore.reading(path) as reader:
        await store.append("r", [record(1)])
        pages = store._write_connection.execute("PRAGMA page_count").fetchone()[0]
        store._write_connection.execute(f"PRAGMA max_page_count = {pages}")
        records = [record(2), record(3, "x" * 100_000), record(4)]
        for _ in range(3):
            with pytest.raises(UnwritableLog, match=r"is full; nothing was written .run r, from event 2 on"):
                await store.append("r", records)
            assert reader.verify("r").records == 1
        store._write_connection.execute("PRAGMA max_page_count = 100000")
        await store.append("r", records)
        assert reader.verify("r").records == 4


async def test_a_log_that_became_read_only(path: Path) -> None:
    with SqliteStore(path) as store:
        await store.append("r", [record(1)])
        store._write_connection.execute("PRAGMA query_only = ON")
        with pytest.raises(UnwritableLog, match="cannot be written"):
            await store.append("r", [record(2)])
        assert [it.seq for it in store.read("r")] == [1]


@pytest.mark.parametrize(
    ("code", "sentence", "step"),
    [
        (errno.ENOSPC, "is full", "Free some space"),
        (errno.EDQUOT, "quota", "Free some space"),
        (errno.EROFS, "mounted for reading only", "Mount it for writing"),
        (errno.EMFILE, "too many open files", "ulimit -n"),
        (errno.ENFILE, "too many open files", "ulimit -n"),
        (errno.EIO, "failed to read or write", "system's log"),
        (errno.EACCES, "cannot be opened", "owner"),
    ],
)
def test_what_the_system_says_is_passed_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, sentence: str, step: str
) -> None:
    """SQLite only knows that it failed; the reason is found by opening the file once more."""
    with pytest.raises(StoreError, match=sentence) as directly, explained(path):
        raise OSError(code, os.strerror(code))
    assert step in directly.value.hint and str(path) in str(directly.value)

    def refusing(*words: object, **named: object) -> int:
        raise OSError(code, os.strerror(code))

    failed = sqlite3.OperationalError("disk I/O error")
    failed.sqlite_errorname = "SQLITE_IOERR_WRITE" if code != errno.EACCES else "SQLITE_CANTOPEN"
    with monkeypatch.context() as patch, pytest.raises(StoreError, match=sentence) as caught:
        patch.setattr(os, "open", refusing)
        with explained(path):
            raise failed
    assert step in caught.value.hint
