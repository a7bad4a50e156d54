"""Rows about stopping: signals at every stage, a closed terminal, a reader that went away."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, leftovers, of, until
from tests.faults.conftest import INTEGRATION, hostile, landed, run_words

pytestmark = pytest.mark.e2e


@pytest.fixture
def waiting(tmp_path: Path) -> tuple[str, ...]:
    """A deed that works, then hangs until the file ``go`` is there."""
    return ("waits", str(tmp_path / "go"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_signals_first_stops_gracefully_and_resume_goes_on(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path, waiting: tuple[str, ...], number: int
) -> None:
    """SIGINT is in tests/e2e/test_command_agent.py."""
    process = workbench.start(*run_words(plan, hostile(*waiting)))
    until(process, lambda event: event["type"] == "MarkerReceived")
    process.send_signal(number)
    rest, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    (ended,) = of("AttemptEnded", events(rest))
    assert ended["interrupted"] and git(repo, "show", f"{ended['commit']}:one.txt") == "fine"
    assert not leftovers(repo)
    _resumes(workbench, repo, tmp_path)


def _signalled_twice(
    workbench: CommandLine, plan: Path, tmp_path: Path, number: signal.Signals
) -> tuple[subprocess.Popen[str], Path, str]:
    """A run whose agent ignores SIGTERM, after it ended: told to stop, and told again. With the file that the
    agent's last seconds are counted in, and what else it said on stderr."""
    ticks = tmp_path / "ticks"
    process = workbench.start(*run_words(plan, hostile("stubborn", str(tmp_path / "go"), str(ticks))))
    until(process, lambda event: event["type"] == "MarkerReceived")
    process.send_signal(number)
    _said(process, b"stopping")
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    return process, ticks, said


def test_signals_second_ends_at_once_and_resume_goes_on(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    """The agent ignores SIGTERM: gracefully would take three seconds of its time, at once does not."""
    process, ticks, _ = _signalled_twice(workbench, plan, tmp_path, signal.SIGINT)

    assert process.returncode == 130
    assert not ticks.exists() or ticks.stat().st_size < 20
    assert not leftovers(repo)
    _resumes(workbench, repo, tmp_path)


def _said(process: subprocess.Popen[str], wanted: bytes) -> None:
    """Read what the process says to people until it holds ``wanted``."""
    assert process.stderr is not None
    said = b""
    while wanted not in said:
        assert select.select([process.stderr], [], [], 30)[0], said
        more = os.read(process.stderr.fileno(), 65_536)
        assert more, said
        said += more


def _resumes(workbench: CommandLine, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    resumed = workbench("resume", "r", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert landed(repo, "one.txt") == "fine"
    log = git(repo, "log", "--first-parent", "--format=%s", INTEGRATION).splitlines()
    assert log == ["Land one: One", "first"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_during_start_up(
    workbench: CommandLine, repo: Path, plan: Path, outside: Path, number: signal.Signals
) -> None:
    """A git that hangs stands for a slow start: nothing is half made, and the same words work again."""
    (outside / "bin").mkdir()
    slow = outside / "bin" / "git"
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *status*) touch {outside}/asked; exec sleep 60;; esac\nexec git "$@"\n'
    )
    slow.chmod(0o755)
    slow.write_text(slow.read_text().replace("exec git", f"exec {_git()}"))
    path = f"{slow.parent}:{os.environ['PATH']}"
    process = workbench.start(*run_words(plan, hostile("good")), PATH=path)
    _exists(outside / "asked", process)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)

    assert process.returncode == 130, said
    assert "interrupted" in said and "Traceback" not in said
    again = workbench(*run_words(plan, hostile("good")))
    assert again.returncode == 0, again.stderr


def _git() -> str:
    import shutil

    found = shutil.which("git")
    assert found
    return found


def _exists(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_signals_during_the_base_gate(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path, outside: Path, number: int
) -> None:
    gate = f"touch {outside}/asked; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    process = workbench.start(*run_words(plan, hostile("good"), "--gate", gate))
    _exists(outside / "asked", process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert not leftovers(repo)
    _resumes(workbench, repo, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_during_land(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path, outside: Path, number: signal.Signals
) -> None:
    """In the middle of the gate on the merge: nothing has moved, no gate is left, and again works."""
    wait = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    gate = f"test ! -e user.txt || {{ touch {outside}/asked; {wait}; }}"
    assert workbench(*run_words(plan, hostile("good"), "--gate", gate)).returncode == 0
    (repo / "user.txt").write_text("mine\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "the user's")
    before = git(repo, "rev-parse", "main")
    process = workbench.start("land")
    _exists(outside / "asked", process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert "Traceback" not in said and not leftovers(repo)
    assert git(repo, "rev-parse", "main") == before and git(repo, "status", "--porcelain") == ""
    (tmp_path / "go").touch()
    done = workbench("land")
    assert done.returncode == 0, done.stderr
    assert (repo / "one.txt").read_text() == "fine\n" and (repo / "user.txt").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_signals_during_resume(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path, waiting: tuple[str, ...], number: int
) -> None:
    first = workbench.start(*run_words(plan, hostile(*waiting)))
    until(first, lambda event: event["type"] == "MarkerReceived")
    first.kill()
    first.communicate()
    second = workbench.start("resume", "r", "--json")
    until(second, lambda event: event["type"] == "MarkerReceived")
    second.send_signal(number)
    _, said = second.communicate(timeout=60)

    assert second.returncode == 130, said
    assert not leftovers(repo)
    _resumes(workbench, repo, tmp_path)


def test_terminal_closed_in_the_middle_stops_gracefully_and_resume_goes_on(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path, waiting: tuple[str, ...]
) -> None:
    """A real terminal, with the live table on it: closing it hangs up, and writing to it fails then."""
    words = [word for word in run_words(plan, hostile(*waiting)) if word != "--json"]
    process, screen = _on_a_terminal(workbench, *words, "--headless")
    _drawn(screen, b"half")
    os.close(screen)

    assert process.wait(timeout=60) == 130
    assert not leftovers(repo)
    assert not (repo / ".git" / "index.lock").exists()
    status = workbench("status")
    assert "stopped" in status.stdout and "workbench resume r" in status.stderr
    _resumes(workbench, repo, tmp_path)


def test_terminal_closed_under_a_shell_that_passes_the_hangup_on_stops_gracefully(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    """The kernel and the shell hang up, one after the other: that is one request to stop, not two."""
    process, _, said = _signalled_twice(workbench, plan, tmp_path, signal.SIGHUP)

    assert process.returncode == 130, said
    assert "at once" not in said
    assert not leftovers(repo)
    assert "stopped" in workbench("status").stdout
    _resumes(workbench, repo, tmp_path)


def _on_a_terminal(workbench: CommandLine, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    screen, keyboard = pty.openpty()
    termios.tcsetwinsize(screen, (40, 120))

    def own_terminal() -> None:
        import fcntl

        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", *words],
        cwd=workbench.cwd, env=os.environ | {"TERM": "xterm"}, preexec_fn=own_terminal,
        stdin=keyboard, stdout=keyboard, stderr=keyboard,
    )  # fmt: skip
    os.close(keyboard)
    return process, screen


def _drawn(screen: int, wanted: bytes) -> None:
    drawn = b""
    while wanted not in drawn:
        assert select.select([screen], [], [], 30)[0], drawn
        drawn += os.read(screen, 65_536)


def test_stdout_closed_and_the_run_goes_on_to_its_end(workbench: CommandLine, repo: Path, plan: Path) -> None:
    """``workbench run … | head -1``."""
    process = workbench.start(*run_words(plan, hostile("good")))
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()

    assert process.wait(timeout=60) == 0, said
    assert "Traceback" not in said and "Broken pipe" not in said
    assert landed(repo, "one.txt") == "fine"


def test_stdout_closed_and_the_exit_code_is_still_the_runs(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    words = [word for word in run_words(plan, hostile("crash")) if word != "--json"]
    process = workbench.start(*words, "--headless")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()

    assert process.wait(timeout=60) == 1, said
    assert "workbench resolve one" in said and "Traceback" not in said


@pytest.mark.parametrize("command", ["report", "status", "doctor --json", "check"])
def test_stdout_closed_and_nothing_is_said(
    workbench: CommandLine, repo: Path, plan: Path, command: str
) -> None:
    workbench(*run_words(plan, hostile("good")))
    words = command.split() + ([str(plan)] if command == "check" else [])
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "workbench", *words], cwd=repo, stdout=writer, stderr=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    os.close(writer)
    assert "Traceback" not in done.stderr and "bug" not in done.stderr and "Errno" not in done.stderr
