"""Rows about locks: git's own that were left behind or are held, and ours on the repository."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, until
from tests.faults.conftest import Run, hostile, landed, run_words
from workbench.adapters.lock import boot_id

pytestmark = pytest.mark.e2e


def test_index_lock_and_ref_locks_left_by_a_killed_git_are_removed(run: Run, repo: Path) -> None:
    done = run("locks")

    assert done.returncode == 0, done.stderr
    assert landed(repo, "more.txt") == "uncommitted"
    assert not list((repo / ".git").rglob("*.lock"))


@contextmanager
def _typing_a_message(where: Path, typed: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A person's ``git commit -a`` whose editor is open: git keeps index.lock, though it has closed it."""
    editor = f"touch {typed}.open; while [ ! -e {typed} ]; do sleep 0.02; done; echo theirs >"
    committing = subprocess.Popen(
        ["git", "commit", "-q", "-a", "--allow-empty"], cwd=where, env=os.environ | {"GIT_EDITOR": editor},
        start_new_session=True, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        while not Path(f"{typed}.open").exists():
            assert committing.poll() is None, committing.communicate()
            time.sleep(0.01)
        yield committing
    finally:
        typed.touch()
        committing.communicate(timeout=30)


def test_index_lock_of_a_living_git_is_never_removed(repo: Path, outside: Path) -> None:
    (repo / "README.md").write_text("changed\n")
    lock = repo / ".git" / "index.lock"
    with _typing_a_message(repo, outside / "typed") as committing:
        assert lock.exists() and not _removed(lock, repo) and lock.exists()
    assert committing.returncode == 0 and git(repo, "log", "-1", "--format=%s") == "theirs"

    lock.touch()
    reading = subprocess.Popen(["git", "cat-file", "--batch"], cwd=repo, stdin=subprocess.PIPE)
    other = outside / "other"
    git(outside, "init", "-q", str(other))
    with _typing_a_message(other, outside / "also"):  # at work elsewhere, and here only to read
        assert _removed(lock, repo) and not lock.exists()
    reading.communicate()


def _removed(lock: Path, repo: Path) -> bool:
    """What a process that started none of these gits makes of a lock."""
    ask = (
        "import asyncio, sys; from pathlib import Path\n"
        "from workbench.adapters.git.locks import remove_if_abandoned, work_trees\n"
        "print(asyncio.run(remove_if_abandoned(Path(sys.argv[1]), work_trees(Path(sys.argv[2]) / '.git'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask, str(lock), str(repo)], capture_output=True, text=True, check=True
    )
    return done.stdout == "True\n"


def test_index_lock_of_a_living_git_in_the_users_checkout_is_waited_for_by_land(
    workbench: CommandLine, repo: Path, plan: Path, outside: Path
) -> None:
    assert workbench(*run_words(plan, hostile("good"))).returncode == 0
    lock = repo / ".git" / "index.lock"
    lock.touch()

    refused = workbench("land")
    assert refused.returncode == 2 and "index.lock" in refused.stderr and "next:" in refused.stderr
    assert lock.exists(), "a lock of the user's was removed"
    assert git(repo, "rev-parse", "main") != git(repo, "rev-parse", "workbench/r/integration")

    landing = workbench.start("land")
    lock.unlink()  # while it is being waited for
    _, said = landing.communicate(timeout=60)
    assert landing.returncode == 0, said
    assert (repo / "one.txt").read_text() == "fine\n"


def test_two_runs_at_once_the_second_is_refused_naming_the_owner_whatever_it_is_asked(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    """``run`` itself: tests/e2e/test_trouble.py."""
    process = workbench.start(*run_words(plan, hostile("waits", str(tmp_path / "go"))))
    until(process, lambda event: event["type"] == "MarkerReceived")

    for words in (("resume", "r"), ("undo",), ("land",)):
        refused = workbench(*words)
        assert refused.returncode == 2 and "Traceback" not in refused.stderr, (words, refused)
        assert str(process.pid) in refused.stderr or "going on" in refused.stderr, (words, refused.stderr)
    (tmp_path / "go").touch()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_two_runs_stale_lock_of_a_killed_owner_is_no_obstacle(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    process = workbench.start(*run_words(plan, hostile("waits", str(tmp_path / "go"))))
    until(process, lambda event: event["type"] == "MarkerReceived")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (tmp_path / "go").touch()

    resumed = workbench("resume")
    assert resumed.returncode == 0, resumed.stderr


def test_two_runs_stale_lock_whose_pid_lives_on_as_something_else_is_no_obstacle(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    """Its text names a process that lives: this one. Only the kernel's lock counts."""
    state = repo / ".git" / "workbench"
    state.mkdir(mode=0o700)
    owner = {"pid": os.getpid(), "run": "old", "host": os.uname().nodename, "boot": boot_id(), "since": 1.0}
    (state / "lock").write_text(json.dumps(owner))

    assert "old" not in workbench("status").stdout
    done = workbench(*run_words(plan, hostile("good")))
    assert done.returncode == 0, done.stderr
