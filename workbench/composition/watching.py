"""A run's records as they come, for a viewer: from the log, whoever writes it, or from a recorded file."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from workbench.adapters.store.damage import DamagedRun
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.place import Place
from workbench.composition.remains import going_on
from workbench.core.events import Record, load
from workbench.core.story.words import short
from workbench.errors import StoreError, UsageError, WorkbenchError

PIECE = 2_000
"""Records that are given at once, at most."""

POLL_SECONDS = 0.05
ALIVE_SECONDS = 0.5
AGAIN_SECONDS = 1.0
"""How long after a failure the log is looked at again."""

SLOW_SECONDS = 2.0
"""A log that says nothing for so long is in trouble itself."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Records in order, and how the run stands beside them: ``last`` is the number of the newest that is
    known of, ``caught_up`` whether all up to that have been given, ``live`` whether a process is at work on
    the run, ``trouble`` why the log cannot be read now. With ``anew`` all that was given before is to be
    forgotten: the log was set back, and is told from its beginning."""

    records: tuple[Record, ...]
    last: int
    live: bool
    caught_up: bool = True
    trouble: str = ""
    anew: bool = False


class Source(Protocol):
    """Where a viewer gets a run from."""

    run: str

    def pieces(self) -> AsyncIterator[Piece]:
        """All records from the first on, then those that come; a piece without records comes when how the
        run stands has changed. Never raises for what is wrong with the log: ``trouble`` says it. Runs until
        it is closed or cancelled."""
        ...


class LogSource:
    """A run of ``place`` by its log. Reading happens in a thread: a slow disk does not hold up the viewer,
    nor its end."""

    def __init__(self, place: Place, run: str) -> None:
        self.run = run
        self._place = place
        self._store: SqliteStore | None = None
        self._file: tuple[int, int] | None = None
        self._after = 0
        self._live = False
        self._looked = float("-inf")
        self._left = False

    async def pieces(self) -> AsyncIterator[Piece]:
        """See ``Source.pieces``."""
        stood = Piece((), -1, live=False)
        reading: asyncio.Future[Piece] | None = None
        try:
            while True:
                reading = reading or asyncio.ensure_future(asyncio.to_thread(self._read))
                done, _ = await asyncio.wait({reading}, timeout=SLOW_SECONDS)
                if done:
                    piece, reading = reading.result(), None
                else:
                    said = "The event log does not answer. What is shown may be old."
                    piece = replace(stood, caught_up=False, trouble=said)
                if piece.records or piece != stood:
                    stood = replace(piece, records=(), caught_up=not piece.trouble, anew=False)
                    yield piece
                if not done:
                    continue
                if piece.trouble:
                    await asyncio.sleep(AGAIN_SECONDS)
                elif not piece.records:
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            self._left = True
            if reading is None or reading.done():
                self._close()
            else:  # the thread lets go of the log when it comes back, which nobody waits for
                reading.cancel()

    def _read(self) -> Piece:
        try:
            return self._piece()
        finally:
            if self._left:
                self._close()

    def _piece(self) -> Piece:
        records: list[Record] = []
        trouble, anew, last = "", False, self._after
        try:
            self._look()
            if self._store is None:
                self._store = self._place.reading()
            last = self._store.last(self.run)
            if 0 < last < self._after:
                anew, self._after = True, 0
            if last > self._after:
                for record in islice(self._store.history(self.run, self._after), PIECE):
                    records.append(record)  # noqa: PERF402  # what came before a failure is kept
            elif not last:
                trouble = f"There is no run {self.run} in the event log {self._place.log_path} any more."
        except DamagedRun as damaged:
            trouble = str(damaged)
        except (StoreError, OSError) as error:
            trouble = str(error)
            self._close()
        if records:
            self._after = records[-1].seq
            last = max(last, self._after)
        trouble = trouble.replace(str(self._place.log_path), self._place.log_path.name)  # paths are long
        return Piece(tuple(records), last, self._live, self._after >= last and not trouble, trouble, anew)

    def _look(self) -> None:
        """See now and then who is at work, and whether the file that is read is the one that is written.
        Raises OSError."""
        if time.monotonic() - self._looked < ALIVE_SECONDS:
            return
        self._looked = time.monotonic()
        self._live = False
        with contextlib.suppress(WorkbenchError):  # the log tells more about what is wrong
            self._live = going_on(self._place) == self.run
        path = self._place.log_path
        try:
            found = path.stat()
        except FileNotFoundError:
            raise StoreError(f"The event log {path} is gone. What is shown was read before.") from None
        if self._file not in (None, (found.st_dev, found.st_ino)):
            self._close()
        self._file = found.st_dev, found.st_ino

    def _close(self) -> None:
        if self._store is not None:
            store, self._store = self._store, None
            store.close()


class FileSource:
    """A run that was recorded: the lines that ``workbench run --json`` prints. Followed as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self.run = self._first()

    async def pieces(self) -> AsyncIterator[Piece]:
        """See ``Source.pieces``."""
        stood: Piece | None = None
        while True:
            piece = await asyncio.to_thread(self._read, stood.last if stood else 0)
            if piece.records or piece != stood:
                yield piece
                stood = replace(piece, records=(), caught_up=not piece.trouble, anew=False)
            if not piece.records:
                await asyncio.sleep(AGAIN_SECONDS if piece.trouble else 4 * POLL_SECONDS)

    def _read(self, after: int) -> Piece:
        records: list[Record] = []
        trouble, ended, anew = "", False, False
        try:
            with self._path.open("rb") as file:
                if file.seek(0, os.SEEK_END) < self._at:
                    self._at, after, anew = 0, 0, True
                file.seek(self._at)
                while len(records) < PIECE:
                    line = file.readline()
                    if not line.endswith(b"\n"):  # nothing, or a line that is still being written
                        ended = True
                        break
                    records.extend(record for _, record in parsed([line]))
                    self._at += len(line)
        except OSError as error:
            trouble = f"{self._path.name} cannot be read: {error.strerror}."
        except KeyError as error:
            trouble = f"{self._path.name} has an event that this workbench does not know: {error}."
        except NO_EVENT as error:
            trouble = f"{self._path.name} holds what is no event: {short(str(error))}."
        last = records[-1].seq if records else after
        return Piece(tuple(records), last, live=False, caught_up=ended, trouble=trouble, anew=anew)

    def _first(self) -> str:
        try:
            with self._path.open("rb") as lines:
                return next(parsed(lines))[0]
        except OSError as error:
            raise UsageError(f"{self._path} cannot be read: {error.strerror}.") from error
        except (*NO_EVENT, KeyError, StopIteration) as error:
            raise UsageError(
                f"{self._path} is no recorded run.", "`workbench run PLAN --json > FILE` records one."
            ) from error


NO_EVENT = (ValueError, TypeError, AttributeError)
"""What ``parsed`` raises for a line that is none of ours."""


def parsed(lines: Iterable[str | bytes]) -> Iterator[tuple[str, Record]]:
    """The run and the record of each line that ``as_json`` wrote. Raises KeyError for what another version
    wrote, and what NO_EVENT has."""
    for line in lines:
        if not line.strip():
            continue
        said = json.loads(line)
        at = datetime.datetime.fromisoformat(said.pop("at")).timestamp()
        seq, run, kind = said.pop("seq"), said.pop("run"), said.pop("type")
        yield run, Record(seq, at, load(kind, json.dumps(said)))
