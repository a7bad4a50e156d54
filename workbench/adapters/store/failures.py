"""What SQLite and the file system complain about, said in a sentence with the next step."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.errors import StoreError

DAMAGED = "The file {path} is damaged or is not an event log."
DAMAGED_HINT = (
    "Move it aside (keep it) and start again: every branch and everything under refs/workbench/ "
    "is in git and stays as it is."
)
FULL_HINT = "Free some space and run `workbench resume`; everything up to the last event is kept."
OWNER_HINT = "Check the owner and the mode of this file and its directory; both must be writable by you."

# By the start of SQLite's error name, the first match counts.
SENTENCES: tuple[tuple[str, str, str], ...] = (
    ("SQLITE_NOTADB", DAMAGED, DAMAGED_HINT),
    ("SQLITE_CORRUPT", DAMAGED, DAMAGED_HINT),
    ("SQLITE_FULL", "The disk that holds {path} is full; nothing was written.", FULL_HINT),
    ("SQLITE_IOERR_SHMSIZE", "The disk that holds {path} is full; nothing was written.", FULL_HINT),
    ("SQLITE_READONLY", "The event log {path} cannot be written.", OWNER_HINT),
    ("SQLITE_PERM", "The event log {path} cannot be opened.", OWNER_HINT),
    ("SQLITE_CANTOPEN", "The event log {path} cannot be opened.", OWNER_HINT),
    ("SQLITE_AUTH", "The event log {path} cannot be opened.", OWNER_HINT),
    (
        "SQLITE_BUSY",
        "Another process kept the event log {path} locked for too long.",
        "See `workbench status` for who is running here, and try again.",
    ),
    (
        "SQLITE_CONSTRAINT",
        "An event with this number is already in the event log {path}.",
        "Two processes wrote to one run. Stop both, then run `workbench resume`.",
    ),
    (
        "SQLITE_IOERR",
        "The disk that holds {path} failed to read or write.",
        "Look at the system's log for disk trouble; then run `workbench resume`.",
    ),
)


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
        raise StoreError(f"The event log {path} cannot be opened: {error.strerror}.", OWNER_HINT) from error
    except (OverflowError, ValueError) as error:  # a number or text that SQLite cannot hold
        raise StoreError(f"An event does not fit into the event log {path}: {error}.") from error


def _from_sqlite(
    path: Path, error: sqlite3.Error, rows: Sequence[tuple[str, int, float, str, str]]
) -> StoreError:
    name = getattr(error, "sqlite_errorname", "") or ""
    where = f" (run {rows[0][0]}, from event {rows[0][1]} on)" if rows else ""
    for start, sentence, hint in SENTENCES:
        if name.startswith(start):
            return StoreError(sentence.format(path=path).removesuffix(".") + where + ".", hint)
    return StoreError(f"The event log {path} could not be used: {error} ({name or 'no code'}){where}.")


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
