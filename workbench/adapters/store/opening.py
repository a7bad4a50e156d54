"""The log's file and connections to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from workbench.adapters.store.failures import damaged

BUSY_SECONDS = 5.0
"""How long a write waits for another process's write (an approval during a run) to finish."""

CACHE_KILOBYTES = 256
"""Pages of the log that a connection keeps. It goes through the log from one end to the other, or writes at
the end: SQLite's 2 MB would only fill up while a run goes on."""


def make(path: Path) -> None:
    """The file and its directory, for the owner's eyes only; SQLite gives its side files the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def connect(path: Path, mode: str, patience: float = BUSY_SECONDS) -> sqlite3.Connection:
    """A connection in which each statement is its own transaction unless BEGIN says otherwise. One that
    reads gives texts as bytes, which may be anything in a damaged file. A lock is waited for ``patience``
    seconds."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute(f"PRAGMA cache_size = -{CACHE_KILOBYTES}")
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
def reader(path: Path, patience: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
    """A connection that reads the log, or where nothing can be written beside it, a copy that lasts as long
    as the context. SQLite's readers write, too: they make the file in which they say what they read."""
    with ExitStack() as opened:
        try:
            with ExitStack() as trying:
                connection = trying.enter_context(closing(connect(path, "ro", patience)))
                connection.execute("PRAGMA user_version").fetchone()
                opened.push(trying.pop_all())
        except sqlite3.OperationalError as refused:
            if not refused.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                raise
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="workbench-log-"))
            connection = opened.enter_context(closing(connect(_copied(path, Path(folder), refused), "ro")))
        yield connection


def _copied(path: Path, folder: Path, refused: sqlite3.OperationalError) -> Path:
    copy = folder / path.name
    try:
        for end in ("", "-wal"):
            source = path.with_name(path.name + end)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + end))
    except OSError:  # not even readable
        raise refused from None
    return copy


QUICK_BYTES = 64_000_000
"""Up to this size a log is looked over whole whenever it is opened for writing: 30 ms for 100,000 events."""


def look_over(connection: sqlite3.Connection, path: Path) -> None:
    """Find torn and lost pages before anything relies on them. Raises DamagedLog."""
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] not in ("ok", b"ok"):
        raise damaged(path, "is damaged")
