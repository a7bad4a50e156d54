"""However long a run was, reading its log takes no more memory than a piece of it."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from workbench.adapters.store.damage import DamagedRun
from workbench.adapters.store.sqlite import PIECE, SqliteStore
from workbench.composition.past import read_from
from workbench.composition.repair import good_state
from workbench.composition.runs import say_nothing
from workbench.core.events import Noticed, Record
from workbench.core.models import RunSettings
from workbench.testing.playbook import started
from workbench.testing.story import task

EVENTS = 5_000
SIZE = 2_000
MOST = 4 * PIECE * SIZE
"""Bytes: a piece of the log as rows, one record of it, and as much again."""


async def written(path: Path) -> Path:
    first = started([task("a")], RunSettings(team=("ada",), gates=("test",)))
    long = [Record(seq, 1.0, Noticed(sentence=f"{seq} {'x' * SIZE}")) for seq in range(2, EVENTS + 1)]
    with SqliteStore(path) as store:
        await store.append("r", [Record(1, 1.0, first), *long])
    assert EVENTS * SIZE > 4 * MOST
    return path


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST, f"{peak} bytes at once of a log of {EVENTS * SIZE}"


async def folded(store: SqliteStore) -> int:
    return read_from(store, "r").seq


async def resumed(store: SqliteStore) -> int:
    return good_state(store, "r", say_nothing).seq


async def verified(store: SqliteStore) -> int:
    return store.verify("r").records


async def followed(store: SqliteStore) -> int:
    async for record in store.follow("r"):
        if record.seq == EVENTS:
            return record.seq
    return 0


READINGS = [folded, resumed, verified, followed]


@pytest.mark.parametrize("reading", READINGS)
async def test_a_long_log_is_read_in_pieces(
    reading: Callable[[SqliteStore], Awaitable[int]], tmp_path: Path
) -> None:
    path = await written(tmp_path / "events.db")
    with SqliteStore(path) as store, little_memory():
        assert await reading(store) == EVENTS


async def test_a_log_that_is_damaged_at_its_beginning_is_set_aside_in_pieces(tmp_path: Path) -> None:
    path = await written(tmp_path / "events.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE events SET body = '{}' WHERE seq = 2")
    with SqliteStore(path) as store:
        with little_memory():
            aside = store.set_aside("r")
        assert aside is not None and (aside.good, aside.rows) == (1, EVENTS - 1)
        assert aside.file is not None
        assert len(aside.file.read_text().splitlines()) == EVENTS - 1
        assert [record.seq for record in store.read("r")] == [1]


@pytest.mark.parametrize("last", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
async def test_nothing_is_lost_between_two_pieces(last: int, tmp_path: Path) -> None:
    path = await written(tmp_path / "events.db")
    with SqliteStore(path) as store:
        for after in (0, 1, EVENTS - PIECE - 1, EVENTS - PIECE, EVENTS - 1, EVENTS):
            assert [it.seq for it in store.history("r", after)] == list(range(after + 1, EVENTS + 1))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("UPDATE events SET body = '{}' WHERE seq = ?", (last + 1,))
        came: list[int] = []
        with pytest.raises(DamagedRun) as caught:
            came.extend(record.seq for record in store.history("r"))
        assert came == list(range(1, last + 1))
        assert (caught.value.damage.good, caught.value.damage.rows) == (last, EVENTS - last)


async def test_what_is_written_while_a_log_is_read_comes_too(tmp_path: Path) -> None:
    path = await written(tmp_path / "events.db")
    with SqliteStore(path) as writer, SqliteStore.reading(path) as reader:
        reading = reader.history("r")
        assert next(reading).seq == 1
        await writer.append("r", [Record(EVENTS + 1, 2.0, Noticed(sentence="late"))])
        assert sum(1 for _ in reading) == EVENTS, "one more than there were"
