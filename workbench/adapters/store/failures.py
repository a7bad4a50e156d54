"""What SQLite and the file system complain about, said in a sentence with the next step."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.errors import StoreError

ASIDE_HINT = (
    "`workbench resume` sets the file aside (it is kept), takes over what can be read of it, and goes on. "
    "Every branch and everything under refs/workbench/ is in git and stays as it is."
)
ROOM_HINT = (
    "Free some space (`df` tells which disk is full) and run `workbench resume`; everything up to the last "
    "event is kept."
)
OWNER_HINT = "Check the owner and the mode of this file and its directory; both must be writable by you."
DISK_HINT = "Look at the system's log for disk trouble; then run `workbench resume`."
FILES_HINT = "Raise the limit (`ulimit -n 4096`) or make the team smaller; then run `workbench resume`."
LATER = "See `workbench status` for who is running here, and try again."

FULL = "The disk that holds {path} is full; nothing was written."
CLOSED = "The event log {path} cannot be opened."
FAILED = "The disk that holds {path} failed to read or write."

# By the start of SQLite's error name, the first match counts.
SENTENCES: tuple[tuple[str, str, str], ...] = (
    ("SQLITE_FULL", FULL, ROOM_HINT),
    ("SQLITE_IOERR_SHMSIZE", FULL, ROOM_HINT),
    ("SQLITE_READONLY", "The event log {path} cannot be written.", OWNER_HINT),
    ("SQLITE_PERM", CLOSED, OWNER_HINT),
    ("SQLITE_CANTOPEN", CLOSED, OWNER_HINT),
    ("SQLITE_AUTH", CLOSED, OWNER_HINT),
    ("SQLITE_BUSY", "Another process kept the event log {path} locked for too long.", LATER),
    (
        "SQLITE_CONSTRAINT",
        "An event with this number is already in the event log {path}.",
        "Two processes wrote to one run. Stop both, then run `workbench resume`.",
    ),
    ("SQLITE_IOERR", FAILED, DISK_HINT),
)

BROKEN = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
"""How SQLite calls a file that is not what it wrote."""

# What the system says where SQLite only knows that something failed.
ERRNOS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: (FULL, ROOM_HINT),
    errno.EDQUOT: ("The quota on the disk that holds {path} is used up; nothing was written.", ROOM_HINT),
    errno.EFBIG: (
        "The event log {path} may not grow any further (a limit of this process); nothing was written.",
        "Raise the limit (`ulimit -f unlimited`) and run `workbench resume`.",
    ),
    errno.EROFS: (
        "The event log {path} is on a disk that is mounted for reading only.",
        "Mount it for writing (after disk trouble a system does this by itself), then `workbench resume`.",
    ),
    errno.EMFILE: (
        "The event log {path} cannot be opened: this process has too many open files.",
        FILES_HINT,
    ),
    errno.ENFILE: ("The event log {path} cannot be opened: the system has too many open files.", FILES_HINT),
    errno.EIO: (FAILED, DISK_HINT),
}


class DamagedLog(StoreError):
    """The file itself is damaged, by SQLite's word. ``salvage`` sets it aside."""


class UnwritableLog(StoreError):
    """Nothing can be written for now, for want of room or rights; what was written before is whole."""


@contextlib.contextmanager
def explained(path: Path, rows: Sequence[tuple[str, int, float, str, str]] = ()) -> Iterator[None]:
    """Turn whatever the database or the file system raises inside into a StoreError.

    ``rows`` are those being written, for naming the first of them.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _from_sqlite(path, error, rows) from error
    except OSError as error:
        raise _from_system(path, error) from error
    except (OverflowError, ValueError) as error:  # a number or text that SQLite cannot hold
        raise StoreError(f"An event does not fit into the event log {path}: {error}.") from error


def _from_sqlite(
    path: Path, error: sqlite3.Error, rows: Sequence[tuple[str, int, float, str, str]]
) -> StoreError:
    name = getattr(error, "sqlite_errorname", "") or ""
    where = f" (run {rows[0][0]}, from event {rows[0][1]} on)" if rows else ""
    if name.startswith(BROKEN):
        return damaged(path)
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
        sentence, hint = ERRNOS.get(_cause(path), ("", ""))
        if sentence:
            return UnwritableLog(sentence.format(path=path).removesuffix(".") + where + ".", hint)
    for start, sentence, hint in SENTENCES:
        if name.startswith(start):
            kind = StoreError if start == "SQLITE_CONSTRAINT" else UnwritableLog
            return kind(sentence.format(path=path).removesuffix(".") + where + ".", hint)
    return StoreError(f"The event log {path} could not be used: {error} ({name or 'no code'}){where}.")


def _from_system(path: Path, error: OSError) -> StoreError:
    sentence, hint = ERRNOS.get(error.errno or 0, ("", ""))
    if sentence:
        return UnwritableLog(sentence.format(path=path), hint)
    return StoreError(f"The event log {path} cannot be opened: {error.strerror}.", OWNER_HINT)


GROWTH = 1_000_000
"""What one transaction hardly ever exceeds."""


def _cause(path: Path) -> int:
    """The system's error number behind a failure of SQLite's, which keeps it to itself: asked by opening the
    file again. 0 when that works."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    try:
        for file in (path, path.with_name(f"{path.name}-wal")):
            if limit != resource.RLIM_INFINITY and file.exists() and file.stat().st_size + GROWTH > limit:
                return errno.EFBIG
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return error.errno or 0
    return 0


def damaged(path: Path, what: str = "is damaged or is not an event log") -> DamagedLog:
    """The file is not what SQLite wrote."""
    return DamagedLog(f"The file {path} {what}.", ASIDE_HINT)


def stale_schema(path: Path, found: int, known: int) -> StoreError:
    """The log was written by a newer workbench than this one."""
    return StoreError(
        f"The event log {path} was written by a newer workbench (format {found}; this one knows {known}).",
        "Upgrade workbench, or use the one that wrote it.",
    )


def unreadable(path: Path, run: str, seq: int, type_name: str, error: Exception) -> StoreError:
    """One record cannot be understood: an unknown type, or fields that do not fit."""
    if isinstance(error, KeyError):
        return StoreError(
            f"Event {seq} of run {run} in {path} has the type {type_name!r}, which this workbench does"
            " not know.",
            "It was written by another version: use that one for this run, or upgrade.",
        )
    return StoreError(
        f"Event {seq} of run {run} in {path} ({type_name}) cannot be read: its fields do not fit.",
        "It was written by another version or edited by hand: use the workbench that wrote it.",
    )
