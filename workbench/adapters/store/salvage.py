"""A log whose file SQLite calls damaged: kept under another name, what can be read of it in a new one.

Steps, each safe to be killed in: the new log is built and synced beside the old one; the old one and its
side files get names with the time; the new one takes its place. While a built one waits (``RECOVERED``) no
log opens, so whoever comes next finishes this first. Call it while no other process can have the log open.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.adapters.store.damage import synced
from workbench.adapters.store.failures import BROKEN, explained
from workbench.adapters.store.migrations import CHAINED, SCHEMA, migrate
from workbench.adapters.store.opening import make

RECOVERED = "-recovered"
SIDES = ("-wal", "-shm", "")

MISSES = 5_000
"""Row numbers in a row under which nothing can be read before the rest is given up: a page holds fewer, and
what lies past so many bad pages is found from the other end."""


@dataclass(frozen=True, slots=True)
class Salvage:
    """``kept`` is the damaged file under its new name; ``events`` how many were read out of it, by run."""

    kept: Path
    events: dict[str, int]

    def __str__(self) -> str:
        told = f"The event log was damaged; it is kept as {self.kept}, "
        if not self.events:
            return told + "and nothing could be read out of it."
        runs = ", ".join(f"{count} of run {run}" for run, count in list(self.events.items())[:8])
        return (
            told
            + f"and what could be read of it is in a new log: {sum(self.events.values())} events ({runs})."
        )


def waiting(path: Path) -> bool:
    """Whether a salvage was killed half way: until it is finished the log must not be opened."""
    return _recovered(path).exists()


def salvage(path: Path) -> Salvage:
    """Set the damaged log at ``path`` aside, with a new one of what can be read in its place. Raises
    StoreError when that cannot be written; then nothing was changed."""
    with explained(path):
        recovered = _recovered(path)
        if not recovered.exists():
            _build(path, recovered)
        # Of the new file, so that whoever finishes this uses the same name.
        stamp = datetime.fromtimestamp(recovered.stat().st_mtime, UTC).strftime("%Y%m%dT%H%M%S%fZ")
        kept = path.with_name(f"{path.name}.damaged-{stamp}")
        for side in SIDES:
            with contextlib.suppress(FileNotFoundError):  # a side file that was not there, or is moved
                path.with_name(path.name + side).rename(kept.with_name(kept.name + side))
        synced(path.parent)
        recovered.replace(path)
        synced(path.parent)
        return Salvage(kept, _counted(path))


def _recovered(path: Path) -> Path:
    return path.with_name(path.name + RECOVERED)


def _build(path: Path, recovered: Path) -> None:
    part = recovered.with_name(recovered.name + f"-{time.time_ns()}")
    make(part)
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as new:
            _fill(path, new, part)
        part.replace(recovered)
        synced(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _fill(path: Path, new: sqlite3.Connection, at: Path) -> None:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as old:
        version = _opened(old)
        migrate(new, at, version or SCHEMA)
        if not version:
            return
        old.text_factory = bytes
        columns = ["run", "seq", "at", "type", "body", *(["hash"] if version >= CHAINED else [])]
        new.execute("BEGIN")
        for table, names in (("events", columns), ("approvals", ["sha256", "path", "at"])):
            marks = ", ".join("?" * len(names))
            fill = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
            for row in _rows(old, table, names):
                new.execute(fill, [_text(value, name) for name, value in zip(names, row, strict=True)])
        new.execute("COMMIT")


def _opened(old: sqlite3.Connection) -> int:
    """The format of a damaged log, or 0 where nothing can be read of it."""
    try:
        old.execute("PRAGMA writable_schema = ON")  # else a file that was cut short is not read at all
        version = int(old.execute("PRAGMA user_version").fetchone()[0])
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        if not _name(error).startswith(BROKEN):
            raise  # locked, or no more files: it may be read another time
        return 0
    return version if 0 < version <= SCHEMA else SCHEMA


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or ""


def _text(value: object, column: str) -> object:
    """Texts were read as bytes; they go back as texts where they are some, else as they are."""
    if isinstance(value, bytes) and column != "hash":
        with contextlib.suppress(UnicodeDecodeError):
            return value.decode()
    return value


def _rows(old: sqlite3.Connection, table: str, names: list[str]) -> Iterator[tuple[Any, ...]]:
    """Every row that can be read, in the order of writing: on past bad pages by row number, up to the last
    that is found from the end."""
    query = f"SELECT rowid, {', '.join(names)} FROM {table}"  # noqa: S608 - our own names
    last = 0
    with _unreadable():
        for rowid, *row in old.execute(f"{query} ORDER BY rowid"):
            last = rowid
            yield tuple(row)
        return
    end = last
    with _unreadable():
        found = old.execute(f"{query} WHERE rowid > ? ORDER BY rowid DESC LIMIT 1", (last,)).fetchone()
        end = found[0] if found else last
    missed = 0
    while last < end or missed < MISSES:
        last += 1
        missed += 1
        with _unreadable():
            for _, *row in old.execute(f"{query} WHERE rowid = ?", (last,)):
                missed = 0
                yield tuple(row)


@contextlib.contextmanager
def _unreadable() -> Iterator[None]:
    """Pass over what cannot be read; whatever else goes wrong is not passed over."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if not _name(error).startswith((*BROKEN, "SQLITE_IOERR", "SQLITE_ERROR")):
            raise


def _counted(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as new:
        new.text_factory = lambda text: text.decode(errors="replace")
        return dict(
            new.execute("SELECT run, count(*) FROM events GROUP BY run ORDER BY min(rowid)").fetchall()
        )
