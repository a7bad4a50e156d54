"""What Store promises, kept alike in memory and in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.adapters.store.sqlite import SqliteStore
from workbench.core import events as e
from workbench.engine.ports import Store
from workbench.errors import StoreError
from workbench.testing import MemoryStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    made = SqliteStore(tmp_path / "state" / "log.db")
    yield made
    made.close()


def record(seq: int, task: str = "a") -> e.Record:
    return e.Record(seq, 1000.5 + seq, e.LandingStarted(tasks=(task,)))


async def test_what_was_appended_is_read_in_order_and_from_a_place_on(store: Store) -> None:
    await store.append("r", [record(1), record(2)])
    await store.append("r", [record(3)])
    assert store.read("r") == [record(1), record(2), record(3)]
    assert store.read("r", after=2) == [record(3)]
    assert store.read("r", after=3) == []


async def test_runs_are_apart_and_listed_oldest_first(store: Store) -> None:
    assert store.runs() == []
    await store.append("zebra", [record(1)])
    await store.append("ant", [record(1, "b")])
    assert store.runs() == ["zebra", "ant"]
    assert store.read("ant") == [record(1, "b")]
    assert store.read("nobody") == []


async def test_a_place_that_is_taken_refuses_the_whole_transaction(store: Store) -> None:
    await store.append("r", [record(1)])
    with pytest.raises(StoreError):
        await store.append("r", [record(2), record(1, "other")])
    assert store.read("r") == [record(1)]


async def test_nothing_to_append_is_nothing_done(store: Store) -> None:
    await store.append("r", [])
    assert store.read("r") == []


async def test_a_gap_is_refused(store: Store) -> None:
    await store.append("r", [record(1)])
    with pytest.raises(StoreError, match="cannot follow"):
        await store.append("r", [record(3)])
    with pytest.raises(StoreError, match="cannot follow"):
        await store.append("other", [record(2)])
    with pytest.raises(StoreError, match="cannot follow"):
        await store.append("r", [record(2), record(4)])
    assert store.read("r") == [record(1)] and store.read("other") == []
    await store.append("r", [record(2)])
