"""Rows about being killed: inside the making of a worktree, ours and other people's."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine
from tests.faults.conftest import INTEGRATION, hostile, landed, run_words

pytestmark = pytest.mark.e2e


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def test_kill_9_inside_worktree_creation_is_mended_and_a_foreign_half_made_one_is_left_alone(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path, outside: Path
) -> None:
    """A filter that hangs holds git in the middle of its checkout; both are killed, as by a power loss."""
    foreign = _killed_inside_worktree_add(repo, outside)
    before = _contents(foreign)
    (repo / ".gitattributes").write_text("slow.txt filter=slow\n")
    (repo / "slow.txt").write_text("slow\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a slow file")
    hang = f"touch {outside}/asked; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; cat"
    git(repo, "config", "filter.slow.smudge", hang)
    process = workbench.start(*run_words(plan, hostile("good")), WORKBENCH_TRUST="always")
    while not (outside / "asked").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    everybody = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    for one in everybody:
        with suppress(psutil.NoSuchProcess):  # it went with its parent
            one.kill()
    process.communicate()
    (half,) = (path for path in (repo / ".git" / "worktrees").iterdir() if path != foreign)
    assert (half / "index.lock").exists() and (half / "locked").exists(), "the test did not hit the moment"

    (tmp_path / "go").touch()
    resumed = workbench("resume", "r", "--json")

    assert resumed.returncode == 0, resumed.stderr
    assert landed(repo, "one.txt") == "fine" and landed(repo, "slow.txt") == "slow"
    log = git(repo, "log", "--first-parent", "--format=%s", INTEGRATION).splitlines()
    assert log == ["Land one: One", "a slow file", "attributes", "first"]
    assert not half.exists() and not list((repo / ".git").rglob("workbench*/index.lock"))
    assert _contents(foreign) == before


def _killed_inside_worktree_add(repo: Path, outside: Path) -> Path:
    """Run ``git worktree add`` and kill it in its checkout; gives git's folder about it."""
    (repo / ".gitattributes").write_text("README.md filter=never\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "attributes")
    git(repo, "config", "filter.never.smudge", f"touch {outside}/never; sleep 60")
    adding = subprocess.Popen(
        ["git", "worktree", "add", "-q", "-b", "theirs", str(outside / "theirs")],
        cwd=repo, start_new_session=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (outside / "never").exists() and adding.poll() is None:
        time.sleep(0.01)
    os.killpg(adding.pid, signal.SIGKILL)
    adding.wait()
    git(repo, "config", "--unset", "filter.never.smudge")
    return repo / ".git" / "worktrees" / "theirs"
