"""The log's file and connections to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
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


QUICK_BYTES = 64_000_000
"""Up to this size a log is looked over whole whenever it is opened for writing: 30 ms for 100,000 events."""


def look_over(connection: sqlite3.Connection, path: Path) -> None:
    """Find torn and lost pages before anything relies on them. Raises DamagedLog."""
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] not in ("ok", b"ok"):
        raise damaged(path, "is damaged")


def frozen(path: Path) -> bool:
    """Whether a file is on a file system that nobody can write to just now."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def thawed(path: Path, folder: Path) -> Path:
    """A copy in ``folder`` of a log that is ``frozen``: SQLite reads none without writing beside it, unless
    it was closed in good order."""
    copy = folder / path.name
    shutil.copyfile(path, copy)
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(path.with_name(f"{path.name}-wal"), copy.with_name(f"{copy.name}-wal"))
    return copy
