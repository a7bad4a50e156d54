"""Rows about the machine: too many open files, a state folder that cannot be written, the clock."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of, until
from tests.faults.conftest import hostile, landed, run_words
from workbench.adapters.limits import APART, EACH, allow_files
from workbench.errors import SetupError

pytestmark = pytest.mark.e2e


def _limited(workbench: CommandLine, limit: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = f"ulimit {limit} && exec {shlex.join([sys.executable, '-m', 'workbench', *words])}"
    return subprocess.run(
        ["sh", "-c", command], cwd=workbench.cwd, capture_output=True, text=True, check=False, timeout=60,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def _wide(plan: Path, tasks: int) -> None:
    heads = "".join(f"### t{number}: T\n- attempts: 1\n\nDo it.\n\n" for number in range(tasks))
    plan.write_text(f"# P\n\n## Tasks\n\n{heads}")


def test_too_many_files_soft_limit_is_raised_by_the_run(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    """64 open files (macOS starts with 256), and twelve teammates at once."""
    _wide(plan, 12)
    done = _limited(workbench, "-S -n 64", *run_words(plan, hostile("good"), "--team", "12"))

    assert done.returncode == 0, done.stderr
    assert not of("AttemptFailed", events(done.stdout))


def test_too_many_files_hard_limit_is_a_sentence_before_anything_starts(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    _wide(plan, 12)
    refused = _limited(workbench, "-n 64", *run_words(plan, hostile("good"), "--team", "12"))

    assert refused.returncode == 2, refused.stderr
    assert "64 files" in refused.stderr and "ulimit -n" in refused.stderr and "`team` to 2" in refused.stderr
    assert not git(repo, "for-each-ref", "refs/heads/workbench")
    small = _limited(workbench, "-n 64", *run_words(plan, hostile("good"), "--team", "2"))
    assert small.returncode == 0, small.stderr


@pytest.mark.parametrize("limit", [16, 24])
def test_too_many_files_even_for_a_command_is_no_bug_of_ours(
    workbench: CommandLine, plan: Path, limit: int
) -> None:
    refused = _limited(workbench, f"-n {limit}", *run_words(plan, hostile("good")))
    assert refused.returncode == 2, refused.stderr
    assert "bug" not in refused.stderr and "files" in refused.stderr and "ulimit" in refused.stderr


@pytest.fixture
def _limits() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("_limits")
def test_too_many_files_a_limit_that_is_high_enough_stays() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (APART + EACH, hard))
    allow_files(1)
    raised, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raised > APART + EACH
    allow_files(1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == raised
    if hard != resource.RLIM_INFINITY:
        with pytest.raises(SetupError, match="files"):
            allow_files(hard)


def _bound_by_modes(workbench: CommandLine, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody who may not write where a mode says so; root may, unless it gives that up."""
    prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []
    if prefix and shutil.which("setpriv") is None:
        pytest.skip("root, and nothing to become less with")
    return subprocess.run(
        [*prefix, sys.executable, "-m", "workbench", *words], cwd=workbench.cwd, capture_output=True,
        text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Takes the right to write from a folder and all in it, until the test is over."""
    taken: list[Path] = []

    def take(folder: Path) -> None:
        taken.append(folder)
        subprocess.run(["chmod", "-R", "a-w", str(folder)], check=True)

    yield take
    for folder in taken:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)


@pytest.mark.parametrize("fresh", [True, False], ids=["first run", "later run"])
def test_read_only_state_folder_is_refused_in_a_sentence(
    workbench: CommandLine, repo: Path, plan: Path, read_only: Callable[[Path], None], fresh: bool
) -> None:
    state = repo / ".git" / "workbench"
    if not fresh:
        assert workbench(*run_words(plan, hostile("good"))).returncode == 0
    read_only(repo / ".git" if fresh else state)

    refused = _bound_by_modes(workbench, *run_words(plan, hostile("good"), "--run-id", "again"))

    assert refused.returncode == 2, refused.stderr
    assert str(state) in refused.stderr and "writable" in refused.stderr and "bug" not in refused.stderr
    assert not git(repo, "for-each-ref", "refs/heads/workbench/again")


def test_read_only_state_folder_leaves_the_last_state_readable(
    workbench: CommandLine, repo: Path, plan: Path, read_only: Callable[[Path], None]
) -> None:
    assert workbench(*run_words(plan, hostile("good"))).returncode == 0
    before = workbench("report", "--json").stdout
    read_only(repo / ".git" / "workbench")

    said = _bound_by_modes(workbench, "status")
    assert said.returncode == 0, said.stderr
    assert "landed" in said.stdout
    assert _bound_by_modes(workbench, "report", "--json").stdout == before


def test_read_only_refs_stop_the_run_at_once_with_the_reason(
    workbench: CommandLine, repo: Path, plan: Path, read_only: Callable[[Path], None]
) -> None:
    (repo / ".git" / "workbench").mkdir()
    read_only(repo / ".git" / "refs")

    stopped = _bound_by_modes(workbench, *run_words(plan, hostile("good")))

    assert stopped.returncode == 1, stopped.stderr
    story = events(stopped.stdout)
    assert story[-1]["outcome"] == "stopped" and "refs/heads/workbench/r" in story[-1]["reason"]
    assert "Another git" not in story[-1]["reason"] and not of("AttemptStarted", story)
    subprocess.run(["chmod", "-R", "u+w", str(repo / ".git" / "refs")], check=True)
    assert workbench("resume").returncode == 0
    assert landed(repo, "one.txt") == "fine"


JUMPS = """
import itertools, time
real = time.time
jumps = itertools.cycle((0.0, -7_200.0, 86_400.0, -86_400.0, 3_600.0))
time.time = lambda: real() + next(jumps)
"""


def test_clock_jump_breaks_no_order_no_duration_and_no_deadline(
    workbench: CommandLine, repo: Path, plan: Path, outside: Path
) -> None:
    """The wall clock of the whole process, each time it is read: hours back, a day on."""
    (outside / "sitecustomize.py").write_text(JUMPS)
    path = os.pathsep.join([str(outside), os.environ.get("PYTHONPATH", "")])
    (repo / "workbench.toml").write_text("gate_seconds = 30\n")

    done = workbench(*run_words(plan, hostile("good"), "--gate", "sleep 0.1"), PYTHONPATH=path)

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert [event["at"] for event in story] == sorted(event["at"] for event in story)
    undone = workbench("undo", PYTHONPATH=path)
    assert undone.returncode == 0, undone.stderr
    shown = json.loads(workbench("report", "--json", PYTHONPATH=path).stdout)
    assert 0 < shown["seconds"] < 60 and all(0 <= task["seconds"] < 60 for task in shown["tasks"])


def test_clock_jump_set_back_between_a_kill_and_its_resume(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path, outside: Path
) -> None:
    process = workbench.start(*run_words(plan, hostile("waits", str(tmp_path / "go"))))
    before = until(process, lambda event: event["type"] == "MarkerReceived")
    process.kill()
    process.communicate()
    (outside / "sitecustomize.py").write_text(
        "import time; real = time.time; time.time = lambda: real() - 1e6"
    )
    (tmp_path / "go").touch()

    path = os.pathsep.join([str(outside), os.environ.get("PYTHONPATH", "")])
    resumed = workbench("resume", "--json", PYTHONPATH=path)

    assert resumed.returncode == 0, resumed.stderr
    times = [event["at"] for event in before + events(resumed.stdout)]
    assert times == sorted(times)
    shown = json.loads(workbench("report", "--json").stdout)
    assert 0 <= shown["seconds"] < 60 and 0 <= shown["tasks"][0]["seconds"] < 60
