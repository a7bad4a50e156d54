"""The log's file and connections to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from workbench.adapters.store.failures import damaged

BUSY_SECONDS = 5.0
"""How long a write waits for another process's write (an approval during a run) to finish."""


def make(path: Path) -> None:
    """The file and its directory, for the owner's eyes only; SQLite gives its side files the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection in which each statement is its own transaction unless BEGIN says otherwise. One that
    reads gives texts as bytes, which may be anything in a damaged file."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if mode == "ro":
            connection.text_factory = bytes
        else:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # Without this a macOS checkpoint may reach the disk out of order, which could damage the file.
            connection.execute("PRAGMA checkpoint_fullfsync = ON")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def readers_place(path: Path) -> Iterator[Path]:
    """Where a log can be read: its own place, or where nothing can be written there, a copy that lasts as
    long as the context. SQLite's readers write, too: they make the file in which they say what they read."""
    try:
        with closing(connect(path, "ro")) as connection:
            connection.execute("PRAGMA user_version").fetchone()
        yield path
        return
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
            raise
        refused = error
    with tempfile.TemporaryDirectory(prefix="workbench-log-") as folder:
        copy = Path(folder) / path.name
        try:
            for end in ("", "-wal"):
                source = path.with_name(path.name + end)
                if source.exists():
                    shutil.copyfile(source, copy.with_name(copy.name + end))
        except OSError:  # not even readable
            raise refused from None
        yield copy


QUICK_BYTES = 64_000_000
"""Up to this size a log is looked over whole whenever it is opened for writing: 30 ms for 100,000 events."""


def look_over(connection: sqlite3.Connection, path: Path) -> None:
    """Find torn and lost pages before anything relies on them. Raises DamagedLog."""
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] not in ("ok", b"ok"):
        raise damaged(path, "is damaged")
