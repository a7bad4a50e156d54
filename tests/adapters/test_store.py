"""The event log: real SQLite files, real second processes, real kills."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from workbench.adapters.store.chain import START, link
from workbench.adapters.store.opening import connect
from workbench.adapters.store.sqlite import SCHEMA, SqliteStore
from workbench.core.events import Record, StopRequested
from workbench.errors import StoreError


def record(seq: int, reason: str = "why", at: float = 1.5) -> Record:
    return Record(seq, at, StopRequested(reason=reason))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state" / "events.db"


async def test_gives_back_what_was_written_in_order(path: Path) -> None:
    with SqliteStore(path) as store:
        await store.append("r", [record(1), record(2, "naïve\n“two”")])
        await store.append("other", [record(1, "elsewhere")])
        assert store.read("r") == [record(1), record(2, "naïve\n“two”")]
        assert store.read("r", after=1) == [record(2, "naïve\n“two”")]
        assert store.read("nothing") == []
    with SqliteStore(path) as again:
        assert [r.seq for r in again.read("r")] == [1, 2]


async def test_runs_are_listed_as_they_began_whatever_the_clock_said(path: Path) -> None:
    with SqliteStore(path) as store:
        await store.append("z", [record(1, at=900)])
        await store.append("a", [record(1, at=100)])
        await store.append("m", [record(1, at=500)])
        await store.append("a", [record(2, at=50)])
        assert store.runs() == ["z", "a", "m"]


async def test_no_runs_in_a_new_log(path: Path) -> None:
    with SqliteStore(path) as store:
        assert store.runs() == []


async def test_file_and_directory_are_for_the_owner_only(path: Path) -> None:
    with SqliteStore(path) as store:
        await store.append("r", [record(1)])
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_doubled_seq_writes_nothing_of_its_append(path: Path) -> None:
    with SqliteStore(path) as store:
        await store.append("r", [record(1)])
        with pytest.raises(StoreError, match=r"already in the event log.*run r, from event 2 on"):
            await store.append("r", [record(2), record(1)])
        assert [r.seq for r in store.read("r")] == [1]
        await store.append("r", [record(2)])


async def test_one_bad_append_fails_alone_among_many_at_once(path: Path) -> None:
    with SqliteStore(path) as store:
        answers = await asyncio.gather(
            *(store.append("r", [record(seq)]) for seq in (1, 2, 2, 9, 3, 4)), return_exceptions=True
        )
        assert [str(a).split(" in ")[0][:35] for a in answers if isinstance(a, StoreError)] == [
            "An event with this number is alread",
            "Event 9 of run r cannot follow even",
        ]
        assert [r.seq for r in store.read("r")] == [1, 2, 3, 4]


async def test_a_hundred_appends_at_once_keep_their_order(path: Path) -> None:
    with SqliteStore(path) as store:
        async with asyncio.TaskGroup() as group:
            for seq in range(1, 101):
                group.create_task(store.append("r", [record(seq)]))
        with closing(sqlite3.connect(path)) as other:
            rows = other.execute("SELECT seq FROM events ORDER BY rowid").fetchall()
        assert rows == [(seq,) for seq in range(1, 101)]


async def test_cancelling_the_caller_does_not_lose_the_records(path: Path) -> None:
    store = SqliteStore(path)
    waiting = asyncio.ensure_future(store.append("r", [record(1)]))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    store.close()
    with SqliteStore.reading(path) as reader:
        assert [r.seq for r in reader.read("r")] == [1]


async def test_two_readers_see_what_a_living_writer_appends(path: Path) -> None:
    with SqliteStore(path) as store, SqliteStore.reading(path) as one, SqliteStore.reading(path) as two:
        await store.append("r", [record(1)])
        assert one.read("r") == two.read("r") == [record(1)]
        assert one.runs() == two.runs() == ["r"]
        with pytest.raises(StoreError, match="reading only"):
            await one.append("r", [record(2)])
        with pytest.raises(StoreError, match="reading only"):
            one.approve("sha", "plan.md", 1.0)


async def test_following_gives_old_and_new_records_once(path: Path) -> None:
    with SqliteStore(path) as store, SqliteStore.reading(path) as reader:
        await store.append("r", [record(1), record(2)])
        following = reader.follow("r", after=1)
        assert (await anext(following)).seq == 2
        next_one = asyncio.ensure_future(anext(following))
        await store.append("other", [record(1)])
        await store.append("r", [record(3)])
        assert (await next_one).seq == 3


WRITER = """
import asyncio, sys
from pathlib import Path
from workbench.adapters.store.sqlite import SqliteStore
from workbench.core.events import Record, StopRequested
async def main():
    store = SqliteStore(Path(sys.argv[1]))
    seq = 0
    while True:
        batch = [Record(seq + n, 1.0, StopRequested(reason="x" * 500)) for n in range(1, 4)]
        await store.append("r", batch)
        seq += 3
        print(seq, flush=True)
asyncio.run(main())
"""


def test_everything_acknowledged_survives_kill_9_of_the_writer(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = 0
    with writer.stdout:
        for line in writer.stdout:
            acknowledged = int(line)
            if acknowledged == 300:
                writer.kill()
            if acknowledged == 150:
                with SqliteStore.reading(path) as beside:
                    assert len(beside.read("r")) >= 150
    assert writer.wait() == -signal.SIGKILL
    assert acknowledged >= 300
    with SqliteStore.reading(path) as reader:
        found = [r.seq for r in reader.read("r")]
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= acknowledged
    assert len(found) % 3 == 0, "half a transaction was read"
    with SqliteStore(path) as store:
        asyncio.run(store.append("r", [record(len(found) + 1)]))


def test_approvals_are_by_hash_and_durable(path: Path) -> None:
    with SqliteStore(path) as store:
        assert not store.approved("abc")
        store.approve("abc", "plan.md", 10.0)
        store.approve("abc", "moved.md", 11.0)
        assert store.approved("abc")
        assert not store.approved("abcd")
    with SqliteStore.reading(path) as reader:
        assert reader.approved("abc")


async def test_approving_from_another_process_while_a_run_writes(path: Path) -> None:
    with SqliteStore(path) as running, SqliteStore(path) as approving:
        await running.append("r", [record(1)])
        approving.approve("abc", "plan.md", 1.0)
        await running.append("r", [record(2)])
        assert running.approved("abc")


def test_reading_where_nothing_was_ever_run(path: Path) -> None:
    with pytest.raises(StoreError, match="no event log") as caught:
        SqliteStore.reading(path)
    assert "workbench run" in caught.value.hint
    assert not path.exists()


async def test_a_log_on_a_disk_that_nobody_can_write_to_is_read(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with SqliteStore(path) as store:
        await store.append("r", [record(1)])
        wal = path.with_name("events.db-wal").read_bytes()
    path.with_name("events.db-wal").write_bytes(wal)

    def refusing(where: Path, mode: str, *patience: float) -> sqlite3.Connection:
        if where == path:  # SQLite would have to make a file beside it
            problem = sqlite3.OperationalError("unable to open database file")
            problem.sqlite_errorname = "SQLITE_CANTOPEN"
            raise problem
        return connect(where, mode, *patience)

    for module in ("opening", "sqlite"):
        monkeypatch.setattr(f"workbench.adapters.store.{module}.connect", refusing)
    before = sorted(path.parent.iterdir())
    with SqliteStore.reading(path) as store:
        assert store.read("r") == [record(1)]
    assert sorted(path.parent.iterdir()) == before and not list(tmp_path.glob("workbench-log-*"))


def test_an_empty_file_is_not_yet_a_log_for_a_reader(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(StoreError, match="holds no event log yet"):
        SqliteStore.reading(path)


@pytest.mark.parametrize("readonly", [False, True])
def test_a_newer_format_is_refused_by_name(path: Path, readonly: bool) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    other.close()
    with pytest.raises(StoreError, match=f"newer workbench .format {SCHEMA + 1}") as caught:
        SqliteStore(path, readonly=readonly)
    assert "Upgrade" in caught.value.hint


@pytest.mark.parametrize("readonly", [False, True])
def test_a_file_that_is_no_database(path: Path, readonly: bool) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"these are not the bytes you are looking for" * 200)
    with pytest.raises(StoreError, match="damaged") as caught:
        SqliteStore(path, readonly=readonly)
    assert "refs/workbench/" in caught.value.hint


async def test_pages_torn_in_the_middle(path: Path) -> None:
    with SqliteStore(path) as store:
        await store.append("r", [record(seq, "x" * 900) for seq in range(1, 60)])
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    with SqliteStore.reading(path) as reader, pytest.raises(StoreError, match="damaged"):
        reader.read("r")


def _rewritten(path: Path, kind: str, body: str) -> None:
    """The one event of run r as a workbench of another version would have written it."""
    hashed = link(START, b"r", 1, 1.5, kind.encode(), body.encode())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE events SET type = ?, body = ?, hash = ?", (kind, body, hashed))


async def test_an_unknown_event_type_is_named(path: Path) -> None:
    with SqliteStore(path) as store:
        await store.append("r", [record(1)])
        _rewritten(path, "MoonPhaseChanged", "{}")
        with pytest.raises(StoreError, match=r"Event 1 of run r .*'MoonPhaseChanged'"):
            store.read("r")
        assert store.set_aside("r") is None, "what another version wrote is not damage"


async def test_a_body_that_does_not_fit_is_named(path: Path) -> None:
    with SqliteStore(path) as store:
        await store.append("r", [record(1)])
        _rewritten(path, "StopRequested", '{"reason": 5}')
        with pytest.raises(StoreError, match=r"Event 1 of run r .*StopRequested.* fields"):
            store.read("r")


async def test_a_full_disk_is_said_and_what_was_written_stays_readable(path: Path) -> None:
    with SqliteStore(path) as store:
        await store.append("r", [record(1)])
        pages = store._write_connection.execute("PRAGMA page_count").fetchone()[0]
        store._write_connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="is full") as caught:
            await store.append("r", [record(2, "x" * 100_000)])
        assert "Free some space" in caught.value.hint
        assert [r.seq for r in store.read("r")] == [1]
        store._write_connection.execute("PRAGMA max_page_count = 100000")
        await store.append("r", [record(2)])


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        SqliteStore(tmp_path / "file" / "state" / "events.db")
    assert caught.value.hint


def test_a_directory_where_the_file_should_be(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(path)


async def test_a_closed_store_says_so(path: Path) -> None:
    store = SqliteStore(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.append("r", [record(1)])


async def test_a_write_that_waits_too_long_for_another_process(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.adapters.store.opening.BUSY_SECONDS", 0.05)
    with SqliteStore(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked for too long"):
            await store.append("r", [record(1)])
        other.execute("ROLLBACK")
        other.close()
        await store.append("r", [record(1)])
