"""The format of the log, and how older ones are brought up to it.

``user_version`` holds the format. Every step is one transaction, and a file with events in it is copied
first (``events.db.v1``), and the copy kept. A step, once released, is never changed: a newer format is a
new step, and a log that the release before wrote joins ``tests/adapters/logs``.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from workbench.adapters.store.chain import START, link
from workbench.adapters.store.failures import damaged, stale_schema
from workbench.errors import StoreError


def _tables(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE events (run TEXT NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, type TEXT NOT NULL,"
        " body TEXT NOT NULL, PRIMARY KEY (run, seq))"
    )
    connection.execute(
        "CREATE TABLE approvals (sha256 TEXT PRIMARY KEY, path TEXT NOT NULL, at REAL NOT NULL)"
    )


def _chain(connection: sqlite3.Connection) -> None:
    """Every row gets its hash: see ``chain``."""
    connection.execute("ALTER TABLE events ADD COLUMN hash BLOB NOT NULL DEFAULT x''")
    texts, connection.text_factory = connection.text_factory, bytes
    try:
        rows = connection.execute("SELECT rowid, run, seq, at, type, body FROM events ORDER BY run, seq")
        hashes, of, head = [], b"", START
        for rowid, run, *fields in rows:
            of, head = run, link(head if run == of else START, run, *fields)
            hashes.append((head, rowid))
    finally:
        connection.text_factory = texts
    connection.executemany("UPDATE events SET hash = ? WHERE rowid = ?", hashes)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_tables, _chain)
"""The step at place N makes format N + 1 of format N; format 0 is an empty file."""

SCHEMA = len(MIGRATIONS)
"""The format that this workbench writes. A newer one is refused, never guessed at."""

CHAINED = 2
"""The format since which rows have hashes."""


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The log's format. Raises StoreError when it is newer than ours."""
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > SCHEMA:
        raise stale_schema(path, found, SCHEMA)
    return found


def migrate(connection: sqlite3.Connection, path: Path, to: int = SCHEMA) -> None:
    """Bring the log to format ``to``, one transaction a step. Whoever else migrates meanwhile is waited
    for. Raises StoreError for a newer log, leaving everything as it was."""
    while version_of(connection, path) < to:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection, path)
            if version < to:
                if version and connection.execute("SELECT 1 FROM events LIMIT 1").fetchone():
                    _copy(path, version)
                try:
                    MIGRATIONS[version](connection)
                except (TypeError, ValueError, struct.error) as error:
                    raise damaged(path, "holds what no workbench wrote") from error
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def readable(connection: sqlite3.Connection, path: Path) -> int:
    """The format of a log that is only read. Raises StoreError when there is none yet."""
    version = version_of(connection, path)
    if not version:
        raise StoreError(
            f"The file {path} holds no event log yet.",
            "A run that is just starting may still be making it: try again in a moment.",
        )
    return version


def _copy(path: Path, version: int) -> None:
    """Keep the log as it is beside it, whole and synced, while nobody can write to it."""
    kept = path.with_name(f"{path.name}.v{version}")
    if kept.exists():
        kept = path.with_name(f"{kept.name}-{time.time_ns()}")
    part = kept.with_name(f"{kept.name}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    with (
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(part)) as copy,
    ):
        source.backup(copy)
    part.replace(kept)
