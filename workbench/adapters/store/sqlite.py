"""The event log in SQLite: one file a repository, written by one process, read by any number.

Write-ahead logging with ``synchronous=FULL``: an append has reached the disk when it returns, and
readers never wait for the writer. All appends that are pending when the writing thread looks share
one transaction, hence one fsync. Tables stay without STRICT, which long-lived distributions'
SQLite (before 3.37) can neither make nor read.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from workbench.adapters.store import damage
from workbench.adapters.store.chain import START, Stored, Verified, Walk, link
from workbench.adapters.store.damage import Damage, DamagedRun
from workbench.adapters.store.failures import damaged, explained, unreadable
from workbench.adapters.store.migrations import CHAINED, SCHEMA, migrate, readable
from workbench.adapters.store.opening import QUICK_BYTES, connect, look_over, make, reader
from workbench.adapters.store.salvage import waiting
from workbench.adapters.store.statements import ASIDE, COUNT, HEAD, INSERT, LEFT, LOWEST, PLAIN, ROWS, RUNS
from workbench.adapters.store.waiting import Pending, Row, tell
from workbench.core.events import Record, dump, load
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import StoreError

__all__ = ["SCHEMA", "SqliteStore", "Verified"]

POLL_SECONDS = 0.05
"""How often ``follow`` looks for news from another process; looking costs a few microseconds."""

PIECE = 256
"""So many rows of a run are in memory at once while it is read, however long it is."""


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
        if waiting(path):
            raise damaged(path, "was damaged, and its recovery was not finished")
        with explained(path), ExitStack() as opened:
            if not readonly:
                make(path)
                self._write_connection = opened.enter_context(closing(connect(path, "rw")))
                migrate(self._write_connection, path)
                if path.stat().st_size <= QUICK_BYTES:
                    look_over(self._write_connection, path)
            reading = reader(path) if readonly else closing(connect(path, "ro"))
            self._read_connection = opened.enter_context(reading)
            self._format = readable(self._read_connection, path)
            self._open = opened.pop_all()  # all is well: they are closed in ``close``

    @classmethod
    def reading(cls, path: Path) -> Self:
        """Open for reading only, while a writer lives or after it was killed.

        Raises StoreError when there is no log yet.
        """
        if not path.exists() and not waiting(path):
            raise StoreError(
                f"No run was started in this repository yet: there is no event log at {path}.",
                "`workbench run PLAN` starts one.",
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

    def set_aside(self, run: str) -> Damage | None:
        """Move what is damaged of ``run``, from the first bad event on, out of the log into a file beside
        it; None when all is whole. For whoever is about to go on with the run, and holds its lock."""
        self._writable()
        connection = self._write_connection
        with explained(self.path), self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                way = Walk(run, self._rows(ROWS, run, LOWEST))  # nobody else can write now
                good = sum(1 for _ in way)
                if way.broken is None:
                    return None
                found = damage.found(self.path, run, way.broken, self._bad(run, way))
                with self._reading, closing(self._read_connection.execute(LEFT, (run, good))) as bad:
                    aside = damage.written_aside(found, bad)
                connection.execute(ASIDE, (run, good))
                connection.execute("COMMIT")
                return aside
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def look_over(self) -> None:
        """See that no page of the file is torn or lost, however large it is. Raises DamagedLog."""
        if self.path.stat().st_size > QUICK_BYTES:  # a smaller one was looked over when it was opened
            with explained(self.path), self._reading:
                look_over(self._read_connection, self.path)

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
            tell(batch, self._write(batch))
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
                connection.executemany(INSERT, _chained(connection, rows))
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
        """Every record of ``run`` after ``seq`` ``after``, in order, its chain verified from there on.

        Raises DamagedRun where the chain does not hold.
        """
        return list(self.history(run, after))

    def history(self, run: str, after: int = 0) -> Iterator[Record]:
        """As ``read``, one record after the other, so that a long run takes no more memory than a short one.
        No lock and no transaction is held between two of them: what is written meanwhile comes too. All that
        is good has come when it raises DamagedRun."""
        if self._verifiable():
            yield from self._verified(run, self._walk(run, after))
            return
        for row in self._rows(PLAIN, run, after + 1):
            yield self._record(run, *row)

    def verify(self, run: str) -> Verified:
        """Read all of ``run`` and see that it is what was written. Raises as ``read`` does."""
        if not self._verifiable():
            return Verified(sum(1 for _ in self.history(run)), "")
        way = self._walk(run, 0)
        return Verified(sum(1 for _ in self._verified(run, way)), way.head.hex())

    def rows(self, run: str) -> Iterator[Stored]:
        """Every row of ``run`` as it lies in the log, its hash with it, verified. Raises as ``read`` does."""
        way = self._walk(run, 0)
        yield from way
        if way.broken is not None:
            raise DamagedRun(damage.found(self.path, run, way.broken, self._bad(run, way)))

    def _verifiable(self) -> bool:
        """Whether there are hashes; an older log that is only read has none."""
        if self._format < CHAINED:  # somebody else may have brought it up to date by now
            self._format = int(self._select("PRAGMA user_version")[0][0])
        return self._format >= CHAINED

    def _walk(self, run: str, after: int) -> Walk:
        rows = self._rows(ROWS, run, after or LOWEST)
        if not after or (first := next(rows, None)) is None:
            return Walk(run, rows)
        if first[0] == after:  # it was verified when it was read
            return Walk(run, rows, after, first[4])
        return Walk(run, chain([first], rows))

    def _verified(self, run: str, way: Walk) -> Iterator[Record]:
        for row in way:
            yield self._record(run, *row[:4])
        if way.broken is not None:
            raise DamagedRun(damage.found(self.path, run, way.broken, self._bad(run, way)))

    def _bad(self, run: str, way: Walk) -> int:
        """How many rows lie from there on where ``way`` broke off."""
        return int(self._select(COUNT, run, way.seq)[0][0])

    def _rows(self, query: str, run: str, start: int) -> Iterator[Any]:
        """What ``query`` gives from the number ``start`` on, a piece at a time. Who goes on past a piece has
        found its numbers to be numbers."""
        while piece := self._select(f"{query} LIMIT {PIECE}", run, start):
            yield from piece
            if len(piece) < PIECE:
                return
            start = piece[-1][0] + 1

    def runs(self) -> list[str]:
        """Ids of all runs in the order in which they began."""
        return [run.decode(errors="replace") for (run,) in self._select(RUNS)]

    def last(self, run: str) -> int:
        """The number of the latest event of ``run``; 0 when it has none."""
        found = self._select("SELECT max(seq) FROM events WHERE run = ?", run)
        return int(found[0][0] or 0)

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
                for record in self.history(run, after):
                    yield record
                    after = record.seq
            else:
                await asyncio.sleep(POLL_SECONDS)

    def _select(self, query: str, *values: str | int) -> list[Any]:
        with explained(self.path), self._reading:
            return self._read_connection.execute(query, values).fetchall()

    def _record(self, run: str, seq: int, at: float, kind: bytes, body: bytes) -> Record:
        type_name = kind.decode(errors="replace")
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
        with self._reading, self._writing:
            self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


Chained = tuple[str, int, float, str, str, bytes]


def _chained(connection: sqlite3.Connection, rows: list[Row]) -> list[Chained]:
    """``rows`` with their hashes, going on from what lies in the log: asked inside the transaction, so that
    whoever else wrote to the run meanwhile is taken into account."""
    heads: dict[str, tuple[int, bytes]] = {}
    chained: list[Chained] = []
    for run, seq, at, kind, body in rows:
        last, head = heads.get(run) or connection.execute(HEAD, (run,)).fetchone() or (0, START)
        if seq > last + 1:
            raise StoreError(
                f"Event {seq} of run {run} cannot follow event {last}: what is between them is missing."
            )
        head = link(head, run.encode(), seq, at, kind.encode(), body.encode())
        heads[run] = (seq, head)
        chained.append((run, seq, at, kind, body, head))
    return chained
