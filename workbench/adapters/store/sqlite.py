"""The event log in SQLite: one file a repository, written by one process, read by any number.

Write-ahead logging with ``synchronous=FULL``: an append has reached the disk when it returns, and
readers never wait for the writer. All appends that are pending when the writing thread looks share
one transaction, hence one fsync. Tables stay without STRICT, which long-lived distributions'
SQLite (before 3.37) can neither make nor read.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from workbench.adapters.store.failures import explained, stale_schema, unreadable
from workbench.core.events import Record, dump, load
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import StoreError

SCHEMA = 1
"""Version of the tables, kept in ``user_version``. A newer one is refused, never guessed at."""

POLL_SECONDS = 0.05
"""How often ``follow`` looks for news from another process; looking costs a few microseconds."""

BUSY_SECONDS = 5.0
"""How long a write waits for another process's write (an approval during a run) to finish."""

TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS events (
  run TEXT NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (run, seq));
CREATE TABLE IF NOT EXISTS approvals (sha256 TEXT PRIMARY KEY, path TEXT NOT NULL, at REAL NOT NULL);
PRAGMA user_version = {SCHEMA};
COMMIT;
"""

# Distinct runs by skipping through the index, ordered by their first row: the order in which they
# began, whatever the clock did.
RUNS = """
WITH RECURSIVE found(run) AS (
  SELECT min(run) FROM events
  UNION ALL
  SELECT (SELECT min(run) FROM events WHERE run > found.run) FROM found WHERE found.run IS NOT NULL)
SELECT run FROM found WHERE run IS NOT NULL
ORDER BY (SELECT rowid FROM events WHERE events.run = found.run ORDER BY seq LIMIT 1)
"""

Row = tuple[str, int, float, str, str]


class Pending:
    """One caller's rows, waiting for the writing thread."""

    __slots__ = ("done", "loop", "rows")

    def __init__(self, rows: list[Row], loop: asyncio.AbstractEventLoop) -> None:
        self.rows = rows
        self.loop = loop
        self.done: asyncio.Future[None] = loop.create_future()


class SqliteStore:
    """The event log at ``path``, made (with its directory, mode 0600) when it is not there.

    Reading and approving are synchronous and take microseconds to milliseconds; they may be called
    from any thread. ``close`` writes what is pending first. Raises StoreError for whatever goes
    wrong with the file, with the next step in its hint.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self.readonly = readonly
        self._pending: SimpleQueue[Pending | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._closed = False
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        with explained(path), ExitStack() as opened:
            if not readonly:
                _make(path)
                self._write_connection = opened.enter_context(closing(_connect(path, "rw")))
                _migrate(self._write_connection, path)
            self._read_connection = opened.enter_context(closing(_connect(path, "ro")))
            _known_schema(self._read_connection, path)
            opened.pop_all()  # all is well: they are closed in ``close``

    @classmethod
    def reading(cls, path: Path) -> Self:
        """Open for reading only, while a writer lives or after it was killed.

        Raises StoreError when there is no log yet.
        """
        if not path.exists():
            raise StoreError(
                f"There is no event log at {path}.",
                "No run was started in this repository yet; `workbench run PLAN` starts one.",
            )
        return cls(path, readonly=True)

    # -- writing --------------------------------------------------------------------------------

    async def append(self, run: str, records: Sequence[Record]) -> None:
        """See ``Store.append``. Cancelling the caller does not take its records out of the queue."""
        if not records:
            return
        self._writable()
        rows = [(run, record.seq, record.at, record.type, dump(record.event)) for record in records]
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_pending, name="event-log", daemon=True)
            self._writer.start()
        pending = Pending(rows, asyncio.get_running_loop())
        self._pending.put(pending)
        await pending.done

    def approve(self, sha256: str, path: str, at: float) -> None:
        """Record that the plan text with this hash was approved, durable on return."""
        self._writable()
        with explained(self.path), self._writing:
            crashpoint("log.approve")
            self._write_connection.execute(
                "INSERT INTO approvals VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET path = excluded.path, at ="
                " excluded.at",
                (sha256, path, at),
            )

    def _writable(self) -> None:
        if self.readonly or self._closed:
            state = "closed" if self._closed else "open for reading only"
            raise StoreError(f"The event log at {self.path} is {state}.")

    def _write_pending(self) -> None:
        """The writing thread: take everything that waits, write it in one transaction, tell."""
        while (first := self._pending.get()) is not None:
            batch = [first]
            last = False
            while not self._pending.empty():
                following = self._pending.get()
                if following is None:
                    last = True
                    break
                batch.append(following)
            _tell(batch, self._write(batch))
            if last:
                return

    def _write(self, batch: list[Pending]) -> list[StoreError | None]:
        """Write ``batch`` and say for each whether it failed. One bad append fails alone."""
        try:
            self._transact([row for pending in batch for row in pending.rows])
        except StoreError as error:
            if len(batch) == 1:
                return [error]
            return [self._write([pending])[0] for pending in batch]
        return [None] * len(batch)

    def _transact(self, rows: list[Row]) -> None:
        connection = self._write_connection
        with explained(self.path, rows), self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
                crashpoint("log.commit")
                connection.execute("COMMIT")
                killpoint("log.committed")
            except BaseException:
                # SQLite has already rolled back by itself after some errors, a full disk among them.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    # -- reading --------------------------------------------------------------------------------

    def read(self, run: str, after: int = 0) -> list[Record]:
        """Every record of ``run`` after ``seq`` ``after``, in order."""
        rows = self._select(
            "SELECT seq, at, type, body FROM events WHERE run = ? AND seq > ? ORDER BY seq", run, after
        )
        return [self._record(run, *row) for row in rows]

    def runs(self) -> list[str]:
        """Ids of all runs in the order in which they began."""
        return [run for (run,) in self._select(RUNS)]

    def approved(self, sha256: str) -> bool:
        """Whether exactly this plan text was approved."""
        return bool(self._select("SELECT 1 FROM approvals WHERE sha256 = ?", sha256))

    async def follow(self, run: str, after: int = 0) -> AsyncIterator[Record]:
        """Records of ``run`` after ``after`` as they come, whoever writes them. Runs until cancelled."""
        version = None
        while True:
            seen = version
            version = self._select("PRAGMA data_version")[0][0]
            if version != seen:
                for record in self.read(run, after):
                    yield record
                    after = record.seq
            else:
                await asyncio.sleep(POLL_SECONDS)

    def _select(self, query: str, *values: str | int) -> list[Any]:
        with explained(self.path), self._reading:
            return self._read_connection.execute(query, values).fetchall()

    def _record(self, run: str, seq: int, at: float, type_name: str, body: str) -> Record:
        try:
            return Record(seq, at, load(type_name, body))
        except (KeyError, ValueError) as error:
            raise unreadable(self.path, run, seq, type_name, error) from error

    # -- ending ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Write what is pending, then let go of the file. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            self._pending.put(None)
            self._writer.join()
        with self._reading:
            self._read_connection.close()
        if not self.readonly:
            with self._writing:
                self._write_connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _tell(batch: list[Pending], errors: list[StoreError | None]) -> None:
    """Wake the callers, each in its own loop, with one hop per loop."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[Pending, StoreError | None]]] = {}
    for pending, error in zip(batch, errors, strict=True):
        loops.setdefault(pending.loop, []).append((pending, error))
    for loop, answers in loops.items():
        # A loop that closed has nobody left to tell; its records are written all the same.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: list[tuple[Pending, StoreError | None]]) -> None:
    for pending, error in answers:
        if pending.done.done():  # its caller was cancelled
            continue
        if error is None:
            pending.done.set_result(None)
        else:
            pending.done.set_exception(error)


def _make(path: Path) -> None:
    """The file and its directory, for the owner's eyes only; SQLite gives its side files the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    if mode == "rw":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # Without this a macOS checkpoint may reach the disk out of order, which could damage the file.
            connection.execute("PRAGMA checkpoint_fullfsync = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version > SCHEMA:
        raise stale_schema(path, version, SCHEMA)
    if version < SCHEMA:
        connection.executescript(TABLES)


def _known_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version > SCHEMA:
        raise stale_schema(path, version, SCHEMA)
    if version < SCHEMA:
        raise StoreError(
            f"The file {path} holds no event log yet.",
            "A run that is just starting may still be making it: try again in a moment.",
        )
