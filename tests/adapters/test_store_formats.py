"""Logs that earlier formats wrote: opened, brought up to date, read as they were, and gone on with.

``logs/vN.db`` was written by the last workbench of format N, by a real run with a command as the agent, and
``logs/vN.bundle`` holds the repository as it was then: run ``whole`` is over (a conflict, a red gate, strange
markers, one landing undone), run ``cut`` was killed in the middle of its second task.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.adapters import logs
from workbench.adapters.store.migrations import SCHEMA
from workbench.adapters.store.sqlite import SqliteStore
from workbench.core.apply import fold
from workbench.core.events import Record, StopRequested
from workbench.core.state import RunState

FORMATS = [1]
"""Every format that was released before the one of now."""

WHOLE = {
    "one": ("landed", 2, "addd16d66b46b2b4d3f00a1c65531bf68afa7adc"),
    "two": ("landed", 1, "34037d7f01b2cc31221274b4a8d1c09df0101f6a"),
    "three": ("undone", 2, None),
}
CUT = {
    "left": ("landed", 1, "10ad798cc8871198d12d65c18676fdffc58cb1d0"),
    "right": ("running", 1, None),
}


def standing(state: RunState) -> dict[str, tuple[str, int, str | None]]:
    return {name: (str(task.status), task.attempt, task.landed) for name, task in state.tasks.items()}


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as other:
        return int(other.execute("PRAGMA user_version").fetchone()[0])


def rows(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as other:
        return other.execute("SELECT rowid, run, seq, at, type, body FROM events ORDER BY rowid").fetchall()


@pytest.fixture(params=FORMATS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A log of an earlier format, as it was written."""
    path = tmp_path / "state" / "events.db"
    path.parent.mkdir()
    shutil.copy(logs.LOGS / f"v{request.param}.db", path)
    assert version(path) == request.param
    return path


def test_every_earlier_format_is_tested() -> None:
    assert list(range(1, SCHEMA)) == FORMATS, "a log of each format before this one belongs into logs/"


def test_an_old_log_is_brought_up_to_date_and_says_the_same(old: Path) -> None:
    before, was = rows(old), version(old)
    with SqliteStore(old) as store:
        assert store.runs() == ["whole", "cut"]
        assert standing(fold(store.read("whole"))) == WHOLE
        assert standing(fold(store.read("cut"))) == CUT
        assert (store.verify("whole").records, store.verify("cut").records) == (92, 20)
        assert store.approved("cc3b4830ebed9ca2e822997ab88c2fae9a05f7edb5571f397dc9b8fdcc8da6d1")
    assert version(old) == SCHEMA and rows(old) == before
    kept = old.with_name(f"events.db.v{was}")
    assert version(kept) == was and rows(kept) == before
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_an_old_log_is_gone_on_with(old: Path) -> None:
    with SqliteStore(old) as store:
        await store.append("cut", [Record(21, 5.0, StopRequested(reason="enough"))])
        assert store.verify("cut").records == 21


def test_an_old_log_is_read_without_being_changed(old: Path) -> None:
    was = old.read_bytes()
    with SqliteStore.reading(old) as reader:
        assert standing(fold(reader.read("whole"))) == WHOLE
        assert [it.seq for it in reader.read("cut", after=18)] == [19, 20]
        assert reader.verify("cut").records == 20
    assert old.read_bytes() == was and not list(old.parent.glob("*.v*"))


async def test_a_reader_goes_on_while_somebody_brings_the_log_up_to_date(old: Path) -> None:
    with SqliteStore.reading(old) as reader:
        assert len(reader.read("cut")) == 20
        with SqliteStore(old) as store:
            await store.append("cut", [Record(21, 5.0, StopRequested(reason="enough"))])
        assert [it.seq for it in reader.read("cut", after=19)] == [20, 21]


def test_a_step_that_fails_leaves_the_log_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, was = rows(old), version(old)

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM events")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("workbench.adapters.store.migrations.MIGRATIONS", (broken,) * SCHEMA)
        SqliteStore(old)
    assert version(old) == was and rows(old) == before
    SqliteStore(old).close()
    assert version(old) == SCHEMA
    assert len(list(old.parent.glob("events.db.v*"))) == 2, "no copy is written over"


def test_a_new_log_needs_no_copy(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "events.db").close()
    assert [file.name for file in tmp_path.glob("events.db*")] == ["events.db"]


# -- what is written in the log is an interface --------------------------------------------------------------


def test_no_event_and_no_field_was_taken_away() -> None:
    """Logs are read for years, and programs read ``--json``: add, never rename or remove."""
    now = logs.have()
    for name, fields in logs.known().items():
        assert name in now, f"{name} is gone: put it back; a log that has it could not be read any more"
        gone = set(fields) - set(now[name])
        assert not gone, f"{name} lost {gone}: put it back, with a default when it is not written any more"
    assert now == logs.known(), "there is more in the log than before: run python -m tests.adapters.logs"


def test_what_was_added_to_an_event_has_a_default(old: Path) -> None:
    """Each event of an old log still loads, with every field that it had."""
    with SqliteStore.reading(old) as reader:
        read = {(run, it.seq): it.event for run in reader.runs() for it in reader.read(run)}
    kinds = set()
    for _, run, seq, _, kind, body in rows(old):
        kinds.add(kind)
        had, has = json.loads(body), read[run, seq].model_dump(mode="json")
        assert type(read[run, seq]).__name__ == kind
        for name, value in had.items():
            assert contains(has[name], value), f"{kind}.{name} of event {seq} of {run}"
    assert len(kinds) >= 25


def contains(has: Any, had: Any) -> bool:
    """Whether all of ``had`` is in ``has``, which may know more fields."""
    if isinstance(had, dict):
        return isinstance(has, dict) and all(key in has and contains(has[key], had[key]) for key in had)
    if isinstance(had, list):
        return len(has) == len(had) and all(map(contains, has, had))
    return bool(has == had)
