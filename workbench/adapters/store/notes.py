"""The shared notes in SQLite with full-text search: one file a repository, beside the event log.

Each call has a connection of its own, in a thread: calls are few, and whatever is wrong with the file
concerns one of them. While there is no note there is no file, and a run without notes pays nothing.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.adapters.store.noting import COLUMNS, DamagedNotes, explained, reading, set_aside, writing
from workbench.core.notes import Fading, Note, lineage, newer, note_of, proven
from workbench.core.recall import WILD, Query, Recalled, asked_words, ranked, words_of
from workbench.core.traces import Noted, Proof, Trace
from workbench.crashpoints import crashpoint
from workbench.errors import StoreError

LATEST = 150
BY_WORDS = 100
"""Among how many notes an answer is looked for: the latest, and those that the words lead to."""

SELECT = f"SELECT {', '.join(COLUMNS)} FROM notes"  # noqa: S608 - names of ours
LIVE = f"{SELECT} WHERE NOT forgotten"
OPEN = "AND NOT settled"
PUT = (
    f"INSERT INTO notes ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{it} = excluded.{it}' for it in COLUMNS[1:])}"
    " WHERE NOT forgotten"
)
CLOCK = (
    "INSERT INTO clock VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET seconds = max(seconds, excluded.seconds)"
)
SOME = 400
"""Values in one statement."""


class SqliteNotes:
    """The shared notes at ``path``: ``engine.ports.Notes``, and what people do with them. ``wall`` is the
    clock that times to live go by. Everything raises StoreError for whatever is wrong with the file."""

    def __init__(
        self, path: Path, fading: Fading | None = None, wall: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self.fading = fading or Fading()
        self._wall = wall

    # -- what a run does ------------------------------------------------------------------------

    async def keep(self, run: str, traces: Sequence[Trace], seconds: float) -> None:
        """See the port. A damaged file is set aside, and the error says where it is now."""
        await asyncio.to_thread(self._keep, run, traces, seconds)

    async def recall(self, query: Query, run: str = "", seconds: float = 0.0) -> list[Recalled]:
        """See the port."""
        return await asyncio.to_thread(self.search, query, run, seconds)

    def _keep(self, run: str, traces: Sequence[Trace], seconds: float) -> None:
        if not self.path.exists() and not any(isinstance(trace, Noted) for trace in traces):
            return
        try:
            with explained(self.path), writing(self.path) as connection:
                others = _others(connection, run)
                connection.execute(CLOCK, (run, seconds))
                for trace in traces:
                    now = others + trace.seconds
                    if isinstance(trace, Noted):
                        self._take(connection, note_of(trace, run, now))
                    else:
                        self._prove(connection, trace, run, now)
                crashpoint("notes.commit")
        except DamagedNotes as damage:
            with explained(self.path):
                kept = set_aside(self.path)
            raise StoreError(
                f"The shared notes were damaged; they are set aside as {kept.name}, and begun anew.",
                "`workbench note restore FILE` brings a backup in.",
            ) from damage

    def _take(self, connection: sqlite3.Connection, come: Note) -> None:
        there = _one(connection, come.id)
        if come.expired(self._wall()) or (there is not None and not newer(there, come)):
            return
        _put(connection, come)

    def _prove(self, connection: sqlite3.Connection, proof: Proof, run: str, now: float) -> None:
        own = "SELECT number FROM notes WHERE (run, task) = (?, ?)"
        concerned = set(connection.execute(own, (run, proof.task)))
        paths = sorted({place for file in proof.files for place in lineage(file)})
        for some in _in_parts(paths):
            marks = ", ".join("?" * len(some))
            concerned |= set(
                connection.execute(f"SELECT number FROM places WHERE path IN ({marks})", some)  # noqa: S608
            )
        for (number,) in sorted(concerned):
            row = connection.execute(f"{LIVE} AND number = ?", (number,)).fetchone()
            after = proven(_note(row), proof, run, now, self.fading) if row is not None else None
            if after is None:
                continue
            known = connection.execute("INSERT OR IGNORE INTO proofs VALUES (?, ?)", (number, proof.commit))
            if known.rowcount:
                _put(connection, after)

    # -- what people do ---------------------------------------------------------------------------

    def search(self, query: Query, run: str = "", seconds: float = 0.0) -> list[Recalled]:
        """Notes that answer ``query``, best first; see the port."""
        if not self.path.exists():
            return []
        with explained(self.path), reading(self.path) as connection:
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                return []  # somebody is just making it
            now = _others(connection, run) + max(seconds, _clock_of(connection, run))
            notes = _candidates(connection, query, self._wall())
        return ranked(notes, query, now, self._wall(), self.fading)

    def every(self) -> tuple[list[Note], float]:
        """All notes that are neither forgotten nor expired, oldest first, and the run time it is now."""
        if not self.path.exists():
            return [], 0.0
        with explained(self.path), reading(self.path) as connection:
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                return [], 0.0
            rows = connection.execute(f"{LIVE} ORDER BY made, id").fetchall()
            now = _others(connection, "")
        wall = self._wall()
        return [note for note in map(_note, rows) if not note.expired(wall)], now

    def add(self, note: Note) -> Note:
        """Keep a person's note, durable on return; as it was kept, at the run time of now."""
        with explained(self.path), writing(self.path) as connection:
            come = replace(note, held_at=_others(connection, ""))
            _put(connection, come)
            crashpoint("notes.commit")
        return come

    def forget(self, note_id: str) -> bool:
        """Forget a note for good: its text is gone, and no log or backup brings it back. False when there is
        none of that id."""
        if not self.path.exists():
            return False
        with explained(self.path), writing(self.path) as connection:
            row = connection.execute(
                "SELECT number FROM notes WHERE id = ? AND NOT forgotten", (note_id,)
            ).fetchone()
            if row is None:
                return False
            connection.execute("DELETE FROM places WHERE number = ?", row)
            connection.execute(
                "UPDATE notes SET forgotten = 1, text = '', paths = '[]', changed = ? WHERE number = ?",
                (self._wall(), *row),
            )
        return True

    def restore(self, notes: Iterable[Note]) -> tuple[int, int]:
        """Bring notes of a backup in, all or none: how many came, and how many were left alone, because what
        is there is the same, newer, or forgotten."""
        came = left = 0
        with explained(self.path), writing(self.path) as connection:
            now = _others(connection, "")
            for note in notes:
                known = "SELECT changed, forgotten FROM notes WHERE id = ?"
                row = connection.execute(known, (note.id,)).fetchone()
                if row is not None and (row[1] or row[0] >= note.changed):
                    left += 1
                    continue
                _put(connection, replace(note, held_at=now))
                came += 1
            crashpoint("notes.commit")
        return came, left


def _others(connection: sqlite3.Connection, run: str) -> float:
    """The run time of all runs but ``run``."""
    return float(connection.execute("SELECT total(seconds) FROM clock WHERE run <> ?", (run,)).fetchone()[0])


def _clock_of(connection: sqlite3.Connection, run: str) -> float:
    row = connection.execute("SELECT seconds FROM clock WHERE run = ?", (run,)).fetchone()
    return float(row[0]) if row is not None else 0.0


def _candidates(connection: sqlite3.Connection, query: Query, wall: float) -> list[Note]:
    """The notes among which the best are chosen. What cannot be one takes nobody's place."""
    live = f"{LIVE} AND (ttl_seconds IS NULL OR made + ttl_seconds > ?) {'' if query.settled else OPEN}"
    rows = set(connection.execute(f"{live} ORDER BY held_at DESC, number DESC LIMIT {LATEST}", (wall,)))
    if match := _match(query):
        words = "number IN (SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?)"
        rows |= set(connection.execute(f"{live} AND {words}", (wall, match, BY_WORDS)))
    exact = sorted({place for file in query.files if not WILD.search(file) for place in lineage(file)})
    for some in _in_parts(exact):
        marks = ", ".join("?" * len(some))
        places = f"number IN (SELECT number FROM places WHERE path IN ({marks}) LIMIT {BY_WORDS})"  # noqa: S608
        rows |= set(connection.execute(f"{live} AND {places}", (wall, *some)))
    return [_note(row) for row in rows]


def _match(query: Query) -> str:
    """The question as FTS5 reads it. Each word is a string of its own, which has letters and digits only, so
    nothing that anybody asks is ever read as syntax."""
    parts = [part for glob in query.files for part in words_of(WILD.sub(" ", glob))]
    words = dict.fromkeys([*asked_words(query), *parts[: len(COLUMNS)]])
    return " OR ".join(f'"{word}"*' if len(word) > 2 else f'"{word}"' for word in words)


def _in_parts(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[at : at + SOME] for at in range(0, len(values), SOME))


def _one(connection: sqlite3.Connection, note_id: str) -> Note | None:
    row = connection.execute(f"{SELECT} WHERE id = ?", (note_id,)).fetchone()
    return None if row is None else _note(row)


def _put(connection: sqlite3.Connection, note: Note) -> None:
    values = [getattr(note, "commit" if name == "commit_id" else name) for name in COLUMNS]
    values[COLUMNS.index("paths")] = json.dumps(note.paths, ensure_ascii=False)
    if not connection.execute(PUT, values).rowcount:
        return  # it was forgotten
    (number,) = connection.execute("SELECT number FROM notes WHERE id = ?", (note.id,)).fetchone()
    connection.execute("DELETE FROM places WHERE number = ?", (number,))
    connection.executemany("INSERT INTO places VALUES (?, ?)", [(path, number) for path in note.paths])


def _note(row: Sequence[object]) -> Note:
    fields = dict(zip(COLUMNS, row, strict=True))
    fields["commit"] = fields.pop("commit_id")
    fields["paths"] = tuple(json.loads(str(fields["paths"])))
    fields["settled"] = bool(fields["settled"])
    return Note(**fields)  # type: ignore[arg-type]
