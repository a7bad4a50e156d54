"""The file of the shared notes: its format, connections to it, and what is said when it gives trouble.

The notes of people are nowhere else, so a write is on the disk when it returns. Everything that came from
runs is in their logs, too. A damaged file is set aside whole, never repaired in place.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from workbench.adapters.store.opening import connect, make, reader
from workbench.errors import StoreError

BUSY_SECONDS = 1.0
"""How long somebody else's write is waited for: a run must not be held up by its notes."""

COLUMNS = (
    "id", "namespace", "text", "author", "made", "changed", "kind", "confidence", "ttl_seconds", "paths",
    "task", "attempt", "commit_id", "run", "run_seconds", "strength", "held_at", "settled",
)  # fmt: skip
"""As the fields of ``core.notes.Note``, in their order; ``paths`` is JSON."""


def _tables(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE notes (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL,"
        " text TEXT NOT NULL, author TEXT NOT NULL, made REAL NOT NULL, changed REAL NOT NULL,"
        " kind TEXT NOT NULL, confidence REAL NOT NULL, ttl_seconds REAL, paths TEXT NOT NULL,"
        " task TEXT NOT NULL, attempt INTEGER NOT NULL, commit_id TEXT NOT NULL, run TEXT NOT NULL,"
        " run_seconds REAL NOT NULL, strength REAL NOT NULL, held_at REAL NOT NULL,"
        " settled INTEGER NOT NULL, forgotten INTEGER NOT NULL DEFAULT 0)"
    )
    connection.execute("CREATE INDEX notes_of ON notes (run, task)")
    connection.execute("CREATE INDEX notes_held ON notes (held_at)")
    # Where a note points, one row a path, so that a landing finds the notes that it proves.
    connection.execute(
        "CREATE TABLE places (path TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (path, number))"
        " WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX places_of ON places (number)")
    connection.execute(
        "CREATE TABLE proofs (number INTEGER NOT NULL, by TEXT NOT NULL, PRIMARY KEY (number, by))"
        " WITHOUT ROWID"
    )
    connection.execute("CREATE TABLE clock (run TEXT PRIMARY KEY, seconds REAL NOT NULL)")
    connection.execute(
        "CREATE VIRTUAL TABLE words USING fts5 (text, namespace, paths, content='notes',"
        " content_rowid='number', tokenize='unicode61 remove_diacritics 2')"
    )
    add = "INSERT INTO words (rowid, text, namespace, paths) VALUES (new.number, new.text, new.namespace,"
    drop = (
        "INSERT INTO words (words, rowid, text, namespace, paths) VALUES ('delete', old.number, old.text,"
        " old.namespace, old.paths);"
    )
    connection.execute(f"CREATE TRIGGER notes_in AFTER INSERT ON notes BEGIN {add} new.paths); END")
    connection.execute(f"CREATE TRIGGER notes_out AFTER DELETE ON notes BEGIN {drop} END")
    connection.execute(
        "CREATE TRIGGER notes_other AFTER UPDATE OF text, namespace, paths ON notes"
        f" BEGIN {drop} {add} new.paths); END"
    )


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_tables,)
"""The step at place N makes format N + 1 of format N. A step, once released, is never changed."""

SCHEMA = len(MIGRATIONS)


class DamagedNotes(StoreError):
    """The file is damaged, by SQLite's word. ``set_aside`` moves it away."""


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn whatever the database or the file system raises inside into a StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(path, error) from error
    except OSError as error:
        raise StoreError(
            f"The shared notes {path} cannot be used: {error.strerror}.", "Look at the disk and the owner."
        ) from error
    except (OverflowError, ValueError) as error:  # a number or text that SQLite cannot hold, or no JSON
        raise StoreError(
            f"Something in the shared notes {path} cannot be read or written: {error}."
        ) from error


def _explained(path: Path, error: sqlite3.Error) -> StoreError:
    name = getattr(error, "sqlite_errorname", "") or ""
    # An index that does not fit its table, or a table that is gone, is damage as well.
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")) or "no such table" in str(error):
        return DamagedNotes(
            f"The shared notes {path} are damaged.",
            "The next run that keeps a note sets the file aside and begins a new one. To do so now, move it "
            "away; `workbench note restore FILE` brings a backup in.",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(f"Another process keeps the shared notes {path} locked.", "Try again in a moment.")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreError(
            f"The shared notes {path} cannot be opened.", "Check the owner and the mode of this file."
        )
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return StoreError(f"The disk that holds {path} is full or fails.", "See `df`, and the system's log.")
    return StoreError(f"The shared notes {path} could not be used: {error} ({name or 'no code'}).")


def set_aside(path: Path) -> Path:
    """Move a damaged file, and what SQLite keeps beside it, out of the way; where it is now."""
    kept = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    for end in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(kept.with_name(kept.name + end))
    return kept


def _connected(path: Path) -> sqlite3.Connection:
    """A connection that writes. Of several that make the file at once SQLite refuses some without waiting."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return connect(path, "rw", BUSY_SECONDS)
        except sqlite3.OperationalError as refused:
            if not refused.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in one transaction: on the disk when the context ends, undone when it raises."""
    make(path)
    with closing(_connected(path)) as connection:
        _migrate(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, also where nothing can be written beside the file."""
    with reader(path, BUSY_SECONDS) as connection:
        connection.text_factory = str
        _version(connection, path)
        yield connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > SCHEMA:
        raise StoreError(
            f"The shared notes {path} are of format {found}; this workbench knows {SCHEMA}.",
            "A newer workbench wrote them: use that one.",
        )
    return found


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    while _version(connection, path) < SCHEMA:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if (version := _version(connection, path)) < SCHEMA:
                MIGRATIONS[version](connection)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
