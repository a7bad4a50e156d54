"""A log that is old, damaged or cannot be written, and the real command line on it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, leftovers, of
from workbench.adapters.lock import owner
from workbench.adapters.store.sqlite import SqliteStore

pytestmark = pytest.mark.e2e

LOGS = Path(__file__).parents[1] / "adapters" / "logs"
BRANCH = "workbench/cut/integration"
LANDED = ["Land right: Right", "Land left: Left", "first"]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """The repository of ``logs/v1.bundle`` with its log, in which the run ``cut`` was killed."""
    where = tmp_path / "repo"
    git(tmp_path, "init", "-q", "-b", "main", str(where))
    git(where, "fetch", "-q", "--update-head-ok", str(LOGS / "v1.bundle"), "+refs/*:refs/*")
    git(where, "reset", "-q", "--hard")
    (where / ".git/workbench").mkdir()
    shutil.copy(LOGS / "v1.db", where / ".git/workbench/events.db")
    return where


def log_of(repo: Path) -> Path:
    return repo / ".git/workbench/events.db"


def edit(repo: Path, statement: str) -> None:
    """Change the log behind the back of workbench, once it has the format of now."""
    SqliteStore(log_of(repo)).close()
    with closing(sqlite3.connect(log_of(repo), isolation_level=None)) as other:
        other.execute(statement)
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def place_of(repo: Path, kind: str) -> int:
    """The number of the first event of a type in the run ``cut``."""
    with closing(sqlite3.connect(log_of(repo))) as other:
        query = "SELECT min(seq) FROM events WHERE run = 'cut' AND type = ?"
        return int(other.execute(query, (kind,)).fetchone()[0])


def landed(repo: Path) -> list[str]:
    return git(repo, "log", "--first-parent", "--format=%s", BRANCH).splitlines()


# -- old ---------------------------------------------------------------------------------------------------


def test_runs_of_an_older_workbench_are_shown_and_gone_on_with(workbench: CommandLine, repo: Path) -> None:
    report = json.loads(workbench("report", "whole", "--format", "json").stdout)
    assert [task["status"] for task in report["tasks"]] == ["landed", "landed", "undone"]
    assert "right" in workbench("status", "cut").stdout

    resumed = workbench("resume", "cut", "--json")

    assert resumed.returncode == 0, resumed.stderr
    assert landed(repo) == LANDED
    assert workbench("report", "cut").returncode == 0
    assert workbench("report", "whole").returncode == 1, "the one that was undone has not landed"
    assert log_of(repo).with_name("events.db.v1").read_bytes()[:15] == b"SQLite format 3"


# -- damaged ---------------------------------------------------------------------------------------------


def test_a_damaged_tail_is_shown_set_aside_and_the_run_goes_on(workbench: CommandLine, repo: Path) -> None:
    edit(repo, "UPDATE events SET body = body || ' ' WHERE run = 'cut' AND seq = 17")

    for command in ("status", "report"):
        shown = workbench(command, "cut")
        assert shown.returncode == 2 and "left" in shown.stdout, "what is good of it is shown"
        assert "Event 17 of run cut" in shown.stderr and "workbench resume cut" in shown.stderr
    refused = workbench("land", "cut")
    assert refused.returncode == 2 and "Event 17 of run cut" in refused.stderr
    assert not list(log_of(repo).parent.glob("*.jsonl")), "who only looks changes nothing"
    resumed = workbench("resume", "cut", "--json")

    assert resumed.returncode == 0, resumed.stderr
    (aside,) = log_of(repo).parent.glob("events-damaged-cut-*.jsonl")
    assert [json.loads(line)["seq"] for line in aside.read_text().splitlines()] == [17, 18, 19, 20]
    assert str(aside) in resumed.stderr
    story = events(resumed.stdout)
    assert any(str(aside) in event["sentence"] for event in of("Noticed", story))
    assert landed(repo) == LANDED
    assert workbench("report", "cut").returncode == 0


def test_a_landing_whose_record_was_lost_is_found_in_git(workbench: CommandLine, repo: Path) -> None:
    edit(repo, f"DELETE FROM events WHERE run = 'cut' AND seq >= {place_of(repo, 'TaskLanded')}")

    resumed = workbench("resume", "cut", "--json")

    assert resumed.returncode == 0, resumed.stderr
    assert landed(repo) == LANDED, "nothing landed twice"


@pytest.mark.parametrize("last_kept", ["AttemptStarted", "TaskDelivered", "LandingStarted"])
def test_what_git_has_and_the_log_lost_is_never_landed_again(
    workbench: CommandLine, repo: Path, last_kept: str
) -> None:
    before = git(repo, "rev-parse", BRANCH)
    edit(repo, f"DELETE FROM events WHERE run = 'cut' AND seq > {place_of(repo, last_kept)}")

    for _ in range(2):
        resumed = workbench("resume", "cut", "--json")
        assert resumed.returncode == 2
        assert "ahead of the log" in resumed.stderr and "Land left: Left" in resumed.stderr
        assert git(repo, "rev-parse", BRANCH) == before
    assert owner(repo / ".git/workbench") is None

    # What the hint says: put it back, and have it made again.
    assert "git branch cut-before" in resumed.stderr
    git(repo, "branch", "cut-before", BRANCH)
    git(repo, "branch", "-f", BRANCH, "main")
    assert workbench("resume", "cut").returncode == 0
    assert landed(repo) == LANDED and git(repo, "rev-parse", "cut-before") == before


def test_an_undoing_that_the_log_lost_is_not_taken_for_landed(workbench: CommandLine, repo: Path) -> None:
    undone = workbench("undo", "left", "--run", "cut")
    assert undone.returncode == 0, undone.stderr
    edit(repo, f"DELETE FROM events WHERE run = 'cut' AND seq >= {place_of(repo, 'UndoStarted')}")

    resumed = workbench("resume", "cut")

    assert resumed.returncode == 2 and "Undo left: Left" in resumed.stderr
    assert workbench("undo", "left", "--run", "cut").returncode == 2


def test_a_run_of_which_nothing_is_left(workbench: CommandLine, repo: Path) -> None:
    edit(repo, "UPDATE events SET type = 'X' WHERE run = 'cut' AND seq = 1")
    assert workbench("status", "cut").returncode == 2
    resumed = workbench("resume", "cut")
    assert resumed.returncode == 2 and "Nothing is left" in resumed.stderr
    (aside,) = log_of(repo).parent.glob("events-damaged-cut-*.jsonl")
    assert len(aside.read_text().splitlines()) == 20
    assert workbench("status", "whole").returncode == 0, "other runs are not concerned"


def zeroed(repo: Path, page: int) -> bytes:
    """Lose one page of the log, as a bad disk does; gives the file as it is then."""
    data = bytearray(log_of(repo).read_bytes())
    data[4096 * (page - 1) : 4096 * page] = bytes(4096)
    log_of(repo).write_bytes(data)
    return bytes(data)


def test_a_file_with_a_lost_page_of_its_index_loses_no_event(workbench: CommandLine, repo: Path) -> None:
    edit(repo, "ANALYZE")
    with closing(sqlite3.connect(log_of(repo))) as other:
        query = "SELECT rootpage FROM sqlite_master WHERE name LIKE 'sqlite_autoindex_events%'"
        damaged = zeroed(repo, other.execute(query).fetchone()[0])

    for words in (("status", "cut"), ("undo", "left", "--run", "cut")):
        refused = workbench(*words)
        assert refused.returncode == 2, words
    assert log_of(repo).read_bytes() == damaged
    resumed = workbench("resume", "cut", "--json")

    assert resumed.returncode == 0, resumed.stderr
    (kept,) = log_of(repo).parent.glob("events.db.damaged-*Z")
    assert kept.read_bytes() == damaged and str(kept) in resumed.stderr
    assert "92 of run whole, 20 of run cut" in resumed.stderr
    assert any(str(kept) in event["sentence"] for event in of("Noticed", events(resumed.stdout)))
    assert landed(repo) == LANDED
    assert "undone" in workbench("status", "whole").stdout


def test_a_file_with_a_lost_page_of_events_lands_nothing_twice(workbench: CommandLine, repo: Path) -> None:
    before = git(repo, "rev-parse", BRANCH)
    edit(repo, "ANALYZE")
    data = log_of(repo).read_bytes()
    lost = data.index(f'{{"task":"left","attempt":1,"commit":"{before}"'.encode()) // 4096 + 1  # TaskLanded
    damaged = zeroed(repo, lost)

    resumed = workbench("resume", "cut")

    assert resumed.returncode == 2, resumed.stdout
    assert "ahead of the log" in resumed.stderr or "Nothing is left" in resumed.stderr
    (kept,) = log_of(repo).parent.glob("events.db.damaged-*Z")
    assert kept.read_bytes() == damaged and str(kept) in resumed.stderr
    assert git(repo, "rev-parse", BRANCH) == before, "what had landed was not touched"


def test_what_is_no_log_at_all_is_kept_and_the_next_run_starts(
    workbench: CommandLine, repo: Path, tmp_path: Path
) -> None:
    log_of(repo).write_bytes(b"\0" * 50_000)
    plan = tmp_path / "plan.md"
    plan.write_text("# P\n\n## Tasks\n\n### one: One\n\nx\n")
    words = ("run", str(plan), "--agent", "command:touch it", "--gate", "true", "--yes", "--run-id", "new")

    refused = workbench(*words)
    assert refused.returncode == 2 and "workbench resume" in refused.stderr
    resumed = workbench("resume")
    assert resumed.returncode == 2 and "nothing could be read" in resumed.stderr
    (kept,) = log_of(repo).parent.glob("events.db.damaged-*Z")
    assert kept.stat().st_size == 50_000 and str(kept) in resumed.stderr
    assert workbench(*words).returncode == 0


# -- not to be written -----------------------------------------------------------------------------------

FULL = """\
import resource, sys
from workbench.adapters.store.sqlite import SqliteStore

append, how, kind = SqliteStore.append, sys.argv.pop(1), sys.argv.pop(1)

async def appending(self, run, records):
    if any(record.type == kind for record in records):
        if how == "full":
            to = self._write_connection.execute
            to("CREATE TABLE filler (content BLOB)")
            pages = to("PRAGMA page_count").fetchone()[0]
            to(f"PRAGMA max_page_count = {pages}")
            to("CREATE TEMP TRIGGER fill AFTER INSERT ON events BEGIN"
               " INSERT INTO filler VALUES (zeroblob(100000)); END")
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    await append(self, run, records)

SqliteStore.append = appending
from workbench.cli.app import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("full", "AttemptStarted"),
        ("full", "MarkerReceived"),
        ("full", "TaskLanded"),
        ("limit", "WorkCollected"),
    ],
)
def test_disk_full_pauses_the_run_which_goes_on_once_there_is_room(
    workbench: CommandLine, repo: Path, tmp_path: Path, how: str, kind: str
) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text("# P\n\n## Tasks\n\n### one: One\n\nx\n\n### two: Two\n\nx\n")
    agent = (
        'command:echo half > "$WORKBENCH_TASK"; workbench mark progress half; echo done > "$WORKBENCH_TASK"'
    )
    words = ("run", str(plan), "--agent", agent, "--gate", "true", "--yes", "--run-id", "full")

    ended = subprocess.run(
        [sys.executable, "-c", FULL, how, kind, *words],
        cwd=repo, capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip

    assert ended.returncode == 2, ended.stderr
    said = [line for line in ended.stderr.splitlines() if line.startswith("workbench: ")]
    assert len(said) == 1 and "nothing was written" in said[0] and "run full" in said[0], ended.stderr
    assert "workbench resume" in ended.stderr and "Traceback" not in ended.stderr
    assert owner(repo / ".git/workbench") is None and not leftovers(repo)
    status = workbench("status", "full")
    assert (
        status.returncode == 0 and "cut short" in status.stdout and "workbench resume full" in status.stderr
    )
    with SqliteStore.reading(log_of(repo)) as reader:
        assert kind not in [it.type for it in reader.read("full")], "nothing half written"
        assert reader.verify("full").records

    resumed = workbench("resume", "full")

    assert resumed.returncode == 0, resumed.stderr
    way = git(repo, "log", "--first-parent", "--format=%s", "main..workbench/full/integration").splitlines()
    assert sorted(way) == ["Land one: One", "Land two: Two"]
    for task in ("one", "two"):
        assert git(repo, "show", f"workbench/full/integration:{task}") == "done"
