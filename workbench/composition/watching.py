"""A run's records as they come, for a viewer: from the log, whoever writes it, or from a recorded file."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol, TextIO

from workbench.adapters.store.damage import DamagedRun
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.place import Place
from workbench.composition.remains import going_on
from workbench.core.events import Record, load
from workbench.errors import StoreError, UsageError, WorkbenchError

PIECE = 2_000
"""Records that are given at once, at most."""

POLL_SECONDS = 0.05
ALIVE_SECONDS = 0.5
AGAIN_SECONDS = 1.0
"""How long after a failure the log is looked at again."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Records in order, and how the run stands beside them: ``last`` is the number of the newest that is
    known of, ``caught_up`` whether all up to that have been given, ``live`` whether a process is at work on
    the run, ``trouble`` why the log cannot be read now."""

    records: tuple[Record, ...]
    last: int
    live: bool
    caught_up: bool = True
    trouble: str = ""


class Source(Protocol):
    """Where a viewer gets a run from."""

    run: str

    def pieces(self) -> AsyncIterator[Piece]:
        """All records from the first on, then those that come; a piece without records comes when how the
        run stands has changed. Never raises for what is wrong with the log: ``trouble`` says it. Runs until
        it is closed or cancelled."""
        ...


class LogSource:
    """A run of ``place`` by its log. Reading happens in a thread: a slow disk does not hold up the viewer."""

    def __init__(self, place: Place, run: str) -> None:
        self.run = run
        self._place = place
        self._store: SqliteStore | None = None
        self._after = 0

    async def pieces(self) -> AsyncIterator[Piece]:
        """See ``Source.pieces``."""
        loop = asyncio.get_running_loop()
        looked, stood = float("-inf"), Piece((), -1, live=False)
        live = False
        try:
            while True:
                if loop.time() - looked >= ALIVE_SECONDS:
                    live, looked = await asyncio.to_thread(self._going_on), loop.time()
                piece = await asyncio.to_thread(self._read, live)
                if piece.records or piece != stood:
                    stood = replace(piece, records=(), caught_up=True)
                    yield piece
                if piece.trouble:
                    await asyncio.sleep(AGAIN_SECONDS)
                elif not piece.records:
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            await asyncio.to_thread(self._close)

    def _going_on(self) -> bool:
        try:
            return going_on(self._place) == self.run
        except (WorkbenchError, OSError):
            return False

    def _read(self, live: bool) -> Piece:
        records: list[Record] = []
        trouble = ""
        last = self._after
        try:
            if self._store is None:
                self._store = self._place.reading()
            last = self._store.last(self.run)
            if last > self._after:
                for record in islice(self._store.history(self.run, self._after), PIECE):
                    records.append(record)  # noqa: PERF402  # what came before a failure is kept
        except DamagedRun as damaged:
            trouble = str(damaged)
        except (StoreError, OSError) as error:
            trouble = str(error)
            self._close()
        if records:
            self._after = records[-1].seq
            last = max(last, self._after)
        return Piece(tuple(records), last, live, self._after >= last, trouble)

    def _close(self) -> None:
        if self._store is not None:
            store, self._store = self._store, None
            store.close()


class FileSource:
    """A run that was recorded: the lines that ``workbench run --json`` prints. Followed as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.run = self._first()

    async def pieces(self) -> AsyncIterator[Piece]:
        """See ``Source.pieces``."""
        try:
            file = self._path.open(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self._path} cannot be read: {error.strerror}.") from error
        with file:
            stood: Piece | None = None
            while True:
                piece = await asyncio.to_thread(self._read, file, stood.last if stood else 0)
                if piece.records or piece != stood:
                    yield piece
                    stood = replace(piece, records=(), caught_up=True)
                if not piece.records:
                    await asyncio.sleep(AGAIN_SECONDS if piece.trouble else 4 * POLL_SECONDS)

    def _read(self, file: TextIO, after: int) -> Piece:
        lines: list[str] = []
        while len(lines) < PIECE:
            begins = file.tell()
            line = file.readline()
            if not line.endswith("\n"):  # nothing, or a line that is still being written
                file.seek(begins)
                break
            lines.append(line)
        try:
            records = tuple(record for _, record in parsed(lines))
        except (ValueError, KeyError) as error:
            said = f"{self._path} holds what is no event: {error}"
            return Piece((), after, live=False, trouble=said)
        last = records[-1].seq if records else after
        return Piece(records, last, live=False, caught_up=len(lines) < PIECE)

    def _first(self) -> str:
        try:
            with self._path.open(encoding="utf-8") as lines:
                return next(parsed(lines))[0]
        except OSError as error:
            raise UsageError(f"{self._path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, StopIteration) as error:
            raise UsageError(
                f"{self._path} is no recorded run.", "`workbench run PLAN --json > FILE` records one."
            ) from error


def parsed(lines: Iterable[str]) -> Iterator[tuple[str, Record]]:
    """The run and the record of each line that ``as_json`` wrote. Raises ValueError or KeyError."""
    for line in lines:
        if not line.strip():
            continue
        said = json.loads(line)
        at = datetime.datetime.fromisoformat(said.pop("at")).timestamp()
        seq, run, kind = said.pop("seq"), said.pop("run"), said.pop("type")
        yield run, Record(seq, at, load(kind, json.dumps(said)))
