"""The repository lock, between real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from workbench.adapters.lock import RepositoryLock, boot_id, owner
from workbench.errors import LockedError, StoreError

HOLDER = """
import subprocess, sys
from pathlib import Path
from workbench.adapters.lock import RepositoryLock
with RepositoryLock(Path(sys.argv[1])).acquire("far-away-1"):
    if len(sys.argv) > 2:
        child = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
        print(child.pid, flush=True)
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(state: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def let_go(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_nobody_owns_what_was_never_locked(tmp_path: Path) -> None:
    assert owner(tmp_path / "state") is None
    assert not (tmp_path / "state").exists()


def test_owner_while_held_and_nobody_after(tmp_path: Path) -> None:
    with RepositoryLock(tmp_path / "state").acquire("plan-1") as mine:
        assert owner(tmp_path / "state") == mine
        assert (mine.pid, mine.run, mine.host) == (os.getpid(), "plan-1", socket.gethostname())
        assert mine.boot == boot_id()
    assert owner(tmp_path / "state") is None
    with RepositoryLock(tmp_path / "state").acquire("plan-2") as again:
        assert again.run == "plan-2"


def test_released_when_the_run_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RepositoryLock(tmp_path).acquire("plan-1"):
        raise ZeroDivisionError
    assert owner(tmp_path) is None


def test_a_second_holder_in_this_process_is_refused(tmp_path: Path) -> None:
    lock = RepositoryLock(tmp_path)
    with lock.acquire("plan-1"), pytest.raises(LockedError, match="plan-1"), lock.acquire("plan-2"):
        pass


def test_the_error_names_the_owner_and_the_next_step(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    try:
        assert line(holder) == "held"
        with pytest.raises(LockedError) as caught, RepositoryLock(tmp_path).acquire("mine"):
            pass
        assert "far-away-1" in str(caught.value)
        assert f"process {holder.pid}" in str(caught.value)
        assert "since 20" in str(caught.value)
        assert "workbench status far-away-1" in caught.value.hint
        found = owner(tmp_path)
        assert found is not None
        assert found.pid == holder.pid
    finally:
        let_go(holder)


def test_kill_9_releases_it_even_while_a_child_lives(tmp_path: Path) -> None:
    holder = hold(tmp_path, "with child")
    child = int(line(holder))
    try:
        assert line(holder) == "held"
        let_go(holder)
        assert (tmp_path / "lock").stat().st_size > 0, "the text of a killed owner stays"
        os.kill(child, 0)
        assert owner(tmp_path) is None
        with RepositoryLock(tmp_path).acquire("next") as mine:
            assert mine.run == "next"
    finally:
        os.kill(child, signal.SIGKILL)


def test_asking_never_makes_a_starting_run_fail(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text('{"left": "by a killed owner"}')
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            owner(tmp_path)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for number in range(50):
            with RepositoryLock(tmp_path).acquire(f"run-{number}"):
                pass
            (tmp_path / "lock").write_text('{"left": "by a killed owner"}')
    finally:
        stop.set()
        asking.join()


def test_a_lock_file_that_was_removed_under_its_owner(tmp_path: Path) -> None:
    with RepositoryLock(tmp_path).acquire("plan-1"):
        (tmp_path / "lock").unlink()
        assert owner(tmp_path) is None
    with RepositoryLock(tmp_path).acquire("plan-2") as mine:
        assert owner(tmp_path) == mine


def test_a_link_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="cannot be opened"), RepositoryLock(tmp_path).acquire("plan-1"):
        pass
    assert (tmp_path / "elsewhere").read_text() == "precious"
