"""The shared notes on real files: kills, locks, damage, and what people do with them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.adapters.store.notes import SqliteNotes
from workbench.adapters.store.noting import SCHEMA
from workbench.core.notelines import line_of, read_lines
from workbench.core.notes import Note
from workbench.core.recall import Query
from workbench.core.traces import Noted
from workbench.errors import StoreError


@pytest.fixture
def notes(tmp_path: Path) -> SqliteNotes:
    return SqliteNotes(tmp_path / "state" / "notes.db", wall=lambda: 1_000.0)


def note(text: str, **fields: str) -> Note:
    return Note(
        id=fields.pop("id", text), namespace="general", text=text, author="a person", made=5.0, changed=5.0
    )


def noted(text: str) -> Noted:
    return Noted("t", 1, text, text, "ada", 5.0, 1.0, paths=("src/a.py",))


def all_texts(notes: SqliteNotes) -> set[str]:
    return {it.text for it in notes.every()[0]}


def test_a_note_is_on_the_disk_for_its_owner_only(notes: SqliteNotes) -> None:
    notes.add(note("one"))
    assert notes.path.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(notes.path)) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        other.execute("INSERT INTO words (words) VALUES ('integrity-check')")


async def test_without_a_note_there_is_no_file(notes: SqliteNotes) -> None:
    await notes.keep("r", [], 5.0)
    assert notes.search(Query("x")) == [] and notes.every() == ([], 0.0) and not notes.forget("x")
    assert not notes.path.exists()


async def test_what_was_forgotten_never_comes_back(notes: SqliteNotes) -> None:
    await notes.keep("r", [noted("secret")], 1.0)
    (it,), now = notes.every()
    lines = [line_of(it, now, notes.fading)]
    assert notes.forget(it.id) and not notes.forget(it.id)
    await notes.keep("r", [noted("secret"), replace(noted("secret"), made=6.0, seconds=2.0)], 2.0)
    assert notes.restore(read_lines(lines)[0]) == (0, 1)
    assert notes.every()[0] == [] and notes.search(Query("secret")) == []
    with closing(sqlite3.connect(notes.path)) as other:
        assert other.execute("SELECT text, paths FROM notes").fetchall() == [("", "[]")]


def test_a_backup_brings_back_what_is_gone_and_nothing_older(notes: SqliteNotes, tmp_path: Path) -> None:
    notes.add(note("one"))
    notes.add(note("two"))
    every, now = notes.every()
    lines = [line_of(it, now, notes.fading) for it in every]
    other = SqliteNotes(tmp_path / "other" / "notes.db", wall=lambda: 1_000.0)
    other.add(replace(note("newer", id="one"), changed=50.0))
    restored = read_lines(lines)[0]
    assert other.restore(restored) == (1, 1)
    assert other.restore(restored) == (0, 2), "a second time changes nothing"
    assert all_texts(other) == {"newer", "two"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(words=st.text(max_size=80), path=st.text(min_size=1, max_size=30))
def test_any_question_is_answered(notes: SqliteNotes, words: str, path: str) -> None:
    notes.add(note("one"))
    notes.search(Query(words, (path,)))
    notes.search(Query(words, (path,), strict=False))


async def test_what_is_over_takes_nobodys_place(notes: SqliteNotes) -> None:
    notes.add(note("worth it"))
    gone = [replace(noted(f"gone {n}"), ttl_seconds=994.5, seconds=9.0, paths=()) for n in range(400)]
    SqliteNotes(notes.path, wall=lambda: 6.0)._keep("r", gone, 9.0)
    assert [it.note.text for it in notes.search(Query(limit=500))] == ["worth it"]


async def test_a_locked_file_is_told_soon_and_reading_goes_on(notes: SqliteNotes) -> None:
    notes.add(note("one"))
    with closing(sqlite3.connect(notes.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreError, match="locked"):
            await notes.keep("r", [noted("two")], 1.0)
        assert time.monotonic() - began < 4.0
        assert all_texts(notes) == {"one"}
        other.execute("ROLLBACK")
    await notes.keep("r", [noted("two")], 1.0)
    assert all_texts(notes) == {"one", "two"}


@pytest.mark.parametrize("data", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5_000])
async def test_a_damaged_file_is_set_aside_whole_and_begun_anew(notes: SqliteNotes, data: bytes) -> None:
    notes.path.parent.mkdir()
    notes.path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        notes.search(Query("x"))
    with pytest.raises(StoreError, match=r"set aside as notes\.db\.damaged-"):
        await notes.keep("r", [noted("one")], 1.0)
    (kept,) = notes.path.parent.glob("notes.db.damaged-*")
    assert kept.read_bytes() == data
    await notes.keep("r", [noted("one")], 1.0)
    assert all_texts(notes) == {"one"}


async def test_a_torn_page_is_damage_too(notes: SqliteNotes) -> None:
    for number in range(200):
        notes.add(note(f"{number} " + "x" * 500))
    with closing(sqlite3.connect(notes.path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = notes.path.stat().st_size
    with notes.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 8192))
    with pytest.raises(StoreError, match="damaged"):
        await notes.keep("r", [noted("one")], 1.0)
    await notes.keep("r", [noted("one")], 1.0)
    assert all_texts(notes) == {"one"}


def test_a_newer_format_is_refused_and_left_alone(notes: SqliteNotes) -> None:
    notes.add(note("one"))
    with closing(sqlite3.connect(notes.path)) as other:
        other.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    for act in (lambda: notes.add(note("two")), notes.every):
        with pytest.raises(StoreError, match="format"):
            act()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_read_all_the_same(notes: SqliteNotes) -> None:
    notes.add(note("one"))
    notes.path.parent.chmod(0o500)
    try:
        assert all_texts(notes) == {"one"}
    finally:
        notes.path.parent.chmod(0o700)


def test_several_write_at_once(notes: SqliteNotes) -> None:
    def write(name: str) -> None:
        for number in range(10):
            notes.add(note(f"{name}{number}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(all_texts(notes)) == 30


KEEPER = """
import asyncio, os, sys
from pathlib import Path
from workbench.adapters.store.notes import SqliteNotes
from workbench.core.traces import Noted
async def main():
    notes = SqliteNotes(Path(sys.argv[1]))
    for n in range(100_000):
        await notes.keep("r", [Noted("t", 1, str(n), f"number {n}", "ada", 5.0, 1.0, paths=("src",))], 1.0)
        os.write(1, b"%d\\n" % n)
asyncio.run(main())
"""


def killed(path: Path) -> int:
    """Have a process keep notes and kill it; the last that it knew to be kept."""
    process = subprocess.Popen([sys.executable, "-c", KEEPER, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    last = [int(process.stdout.readline()) for _ in range(20)][-1]
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split()
    process.stdout.close()
    process.wait()
    return int(rest[-1]) if rest else last


async def test_what_was_kept_survives_kill_9_and_the_log_again_doubles_nothing(notes: SqliteNotes) -> None:
    last = killed(notes.path)
    there = {it.text for it in notes.every()[0]}
    assert {f"number {n}" for n in range(last + 1)} <= there and len(there) <= last + 2
    again = [Noted("t", 1, str(n), f"number {n}", "ada", 5.0, 1.0, paths=("src",)) for n in range(last + 2)]
    await notes.keep("r", again, 1.0)
    await notes.keep("r", again, 1.0)
    assert len(notes.every()[0]) == last + 2
    with closing(sqlite3.connect(notes.path)) as other:
        other.execute("INSERT INTO words (words) VALUES ('integrity-check')")
