"""Damage to the event log: found, named, set aside beside the log, and nothing dropped."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from workbench.adapters.store import salvage as salvaging
from workbench.adapters.store.damage import DamagedRun
from workbench.adapters.store.failures import DamagedLog
from workbench.adapters.store.salvage import salvage
from workbench.adapters.store.sqlite import SqliteStore
from workbench.core.events import Record, StopRequested
from workbench.errors import StoreError


def record(seq: int, reason: str = "why", at: float = 1.5) -> Record:
    return Record(seq, at + seq, StopRequested(reason=reason))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "events.db"


async def written(path: Path, *runs: str, events: int = 6, size: int = 3) -> None:
    """A log with so many events of each run, written turn by turn."""
    with SqliteStore(path) as store:
        for seq in range(1, events + 1):
            for run in runs:
                await store.append(run, [record(seq, "x" * size)])


def edit(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)


def seqs(path: Path, run: str = "r") -> list[int]:
    with SqliteStore.reading(path) as reader:
        return [it.seq for it in reader.read(run)]


# -- the chain ---------------------------------------------------------------------------------------


async def test_a_whole_log_is_verified_and_its_head_stands_for_all_of_it(path: Path) -> None:
    await written(path, "r", "s")
    with SqliteStore(path) as store:
        one = store.verify("r")
        assert (one.records, store.verify("nothing").records) == (6, 0)
        assert one.head != store.verify("s").head, "a run is part of its chain"
        await store.append("r", [record(7)])
        assert store.verify("r").records == 7 and store.verify("r").head != one.head
        assert store.set_aside("r") is None


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (
            "UPDATE events SET body = '{\"reason\":\"no\"}' WHERE run = 'r' AND seq = 4",
            "not what was written",
        ),
        ("UPDATE events SET at = at + 0.001 WHERE run = 'r' AND seq = 4", "not what was written"),
        ("UPDATE events SET type = 'Noticed' WHERE run = 'r' AND seq = 4", "not what was written"),
        ("UPDATE events SET body = x'ff00fe' WHERE run = 'r' AND seq = 4", "not what was written"),
        ("UPDATE events SET at = 'noon' WHERE run = 'r' AND seq = 4", "not what was written"),
        (
            "UPDATE events SET body = CAST(x'ff41' AS TEXT) WHERE run = 'r' AND seq = 4",
            "not what was written",
        ),
        ("UPDATE events SET hash = x'' WHERE run = 'r' AND seq = 4", "not what was written"),
        ("DELETE FROM events WHERE run = 'r' AND seq = 4", "it is missing"),
        ("DELETE FROM events WHERE run = 'r' AND seq IN (4, 5)", "it and all up to 5 are missing"),
    ],
)
async def test_damage_is_found_named_and_set_aside(path: Path, damage: str, problem: str) -> None:
    await written(path, "r", "s")
    edit(path, damage)

    with SqliteStore.reading(path) as reader:
        with pytest.raises(DamagedRun, match=f"Event 4 of run r .*{problem}") as caught:
            reader.read("r")
        assert caught.value.damage.good == 3
        came: list[int] = []
        with pytest.raises(DamagedRun):
            came.extend(it.seq for it in reader.history("r"))
        assert came == [1, 2, 3], "all that is good has come"
        assert "workbench resume r" in caught.value.hint
        with pytest.raises(DamagedRun):
            reader.verify("r")
        with pytest.raises(DamagedRun):
            reader.read("r", after=2)
        with pytest.raises(StoreError, match="reading only"):
            reader.set_aside("r")
        assert len(reader.read("s")) == 6, "another run is not concerned"
    assert [file.name for file in path.parent.glob("*.jsonl")] == [], "a reader writes nothing"

    with closing(sqlite3.connect(path)) as other:
        lying = other.execute(
            "SELECT seq, hex(hash) FROM events WHERE run = 'r' AND seq > 3 ORDER BY seq"
        ).fetchall()
    with SqliteStore(path) as store:
        aside = store.set_aside("r")
        assert aside is not None and aside.file is not None
        assert (aside.seq, aside.rows, aside.good) == (4, len(lying), 3)
        assert str(aside.file) in str(aside) and "set aside" in str(aside)
        assert [it.seq for it in store.read("r")] == [1, 2, 3]
        await store.append("r", [record(4, "anew")])
        assert store.verify("r").records == 4
    kept = [json.loads(line) for line in aside.file.read_text().splitlines()]
    assert [(row["seq"], row["hash"].upper()) for row in kept] == lying
    assert {row["run"] for row in kept} == {"r"} and all(row["body"] for row in kept)
    assert stat.S_IMODE(aside.file.stat().st_mode) == 0o600


async def test_what_was_put_in_afterwards_does_not_fit(path: Path) -> None:
    await written(path, "r")
    edit(path, "INSERT INTO events VALUES ('r', 7, 9.0, 'StopRequested', '{\"reason\":\"me\"}', x'00')")
    edit(path, "INSERT INTO events VALUES ('r', 0, 9.0, 'StopRequested', '{\"reason\":\"me\"}', x'00')")
    with SqliteStore(path) as store:
        with pytest.raises(DamagedRun, match="Event 1 of run r"):
            store.read("r")
        edit(path, "DELETE FROM events WHERE seq = 0")
        with pytest.raises(DamagedRun, match="Event 7 of run r"):
            store.read("r")


async def test_rows_in_each_others_place_do_not_fit(path: Path) -> None:
    await written(path, "r")
    edit(path, "UPDATE events SET seq = CASE seq WHEN 3 THEN 40 ELSE 30 END WHERE seq IN (3, 4)")
    edit(path, "UPDATE events SET seq = seq / 10 WHERE seq >= 30")
    with SqliteStore(path) as store, pytest.raises(DamagedRun, match="Event 3 of run r"):
        store.read("r")


async def test_nothing_is_taken_out_of_the_log_that_could_not_be_written_aside(path: Path) -> None:
    await written(path, "r")
    edit(path, "DELETE FROM events WHERE seq = 4")
    path.parent.joinpath("x").mkdir()
    with SqliteStore(path) as store:
        store.path = path.parent / "gone" / "events.db"
        with pytest.raises(StoreError):
            store.set_aside("r")
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM events").fetchone() == (5,)


async def test_following_stops_at_damage(path: Path) -> None:
    await written(path, "r")
    edit(path, "UPDATE events SET body = '{}' WHERE seq = 5")
    with SqliteStore.reading(path) as reader:
        following = reader.follow("r")
        with pytest.raises(DamagedRun, match="Event 5"):
            async for _ in following:
                pass


# -- the file ----------------------------------------------------------------------------------------


def torn(path: Path, page: int, pages: int = 1) -> None:
    """Zero some pages of a log that nobody has open."""
    edit(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(bytes(4096 * pages))


def pages_of(path: Path, name: str) -> list[int]:
    """The leaf pages of a table or index, going by their first byte and by where its rows lie."""
    with closing(sqlite3.connect(path)) as other:
        (root,) = other.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        count = other.execute("PRAGMA page_count").fetchone()[0]
    data = path.read_bytes()
    return [page for page in range(root + 1, count + 1) if data[4096 * (page - 1)] == 13]


async def test_a_zeroed_page_in_the_middle_costs_only_the_rows_on_it(path: Path) -> None:
    await written(path, "r", "s", events=200, size=200)
    leaves = pages_of(path, "events")
    torn(path, leaves[len(leaves) // 2])

    with pytest.raises(DamagedLog, match="damaged") as caught:
        SqliteStore(path)
    assert "workbench resume" in caught.value.hint and "refs/workbench/" in caught.value.hint
    whole = path.read_bytes()
    done = salvage(path)

    assert done.kept.read_bytes() == whole, "what was set aside is as it was"
    assert str(done.kept) in str(done) and 350 < sum(done.events.values()) < 400
    with SqliteStore(path) as store:
        assert store.runs() == ["r", "s"]
        with pytest.raises(DamagedRun, match="missing") as lost:
            store.read("r")
        assert 80 < lost.value.damage.good < 120
        aside = store.set_aside("r")
        assert aside is not None and aside.rows > 80 and aside.file is not None
        assert len(aside.file.read_text().splitlines()) == aside.rows
        await store.append("r", [record(aside.seq)])
        assert store.verify("r").records == aside.seq
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_cut_short_gives_what_is_left_of_it(path: Path) -> None:
    await written(path, "r", events=200, size=200)
    edit(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 4096 // 2 * 4096)
    with pytest.raises(DamagedLog):
        SqliteStore(path)
    done = salvage(path)
    assert 20 < done.events["r"] < 200 and done.kept.exists()
    with SqliteStore(path) as store:
        aside = store.set_aside("r")
        assert store.verify("r").records == (aside.good if aside else done.events["r"])


async def test_approvals_are_read_out_too(path: Path) -> None:
    await written(path, "r", events=200, size=200)
    with SqliteStore(path) as store:
        store.approve("abc", "plan.md", 1.0)
    torn(path, pages_of(path, "events")[5])
    salvage(path)
    with SqliteStore(path) as store:
        assert store.approved("abc")


@pytest.mark.parametrize("content", [b"no database at all" * 300, bytes(8192)])
def test_what_is_no_database_is_set_aside_and_a_new_log_begins(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DamagedLog):
        SqliteStore(path)
    path.with_name("events.db-wal").write_bytes(b"its log")
    done = salvage(path)
    assert done.kept.read_bytes() == content and not done.events
    assert done.kept.with_name(done.kept.name + "-wal").read_bytes() == b"its log"
    assert "nothing could be read" in str(done)
    with SqliteStore(path) as store:
        assert store.runs() == []


async def test_a_salvage_that_was_killed_half_way_is_finished_by_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its file a log looks like one that never was: no run may begin in that moment."""
    await written(path, "r", events=200, size=200)
    torn(path, pages_of(path, "events")[5])
    whole = path.read_bytes()

    def killed(folder: Path) -> None:
        if not path.exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(salvaging, "synced", killed)
        salvage(path)
    assert not path.exists()
    for opened in (SqliteStore, SqliteStore.reading):
        with pytest.raises(DamagedLog, match="not finished"):
            opened(path)

    done = salvage(path)
    assert done.events["r"] > 100 and seqs(path, "s") == []
    (kept,) = path.parent.glob("events.db.damaged-*Z")
    assert kept.read_bytes() == whole and done.kept == kept
