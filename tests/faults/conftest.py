"""The command line, a plan of one task, and the hostile teammate."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, Event, workbench

__all__ = ["workbench"]

PLAN = "# P\n\n## Tasks\n\n### one: One\n- attempts: 1\n\nDo it.\n"

PYTHON = str(Path(sys.executable).resolve())
"""The interpreter itself: an environment's own takes longer to start, and the deeds need no package."""

INTEGRATION = "workbench/r/integration"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.md"
    path.write_text(PLAN)
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the user's that nobody has business with."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("keep\n")
    return folder


def hostile(*words: str) -> str:
    """The agent that does a deed: see ``hostile.py``."""
    program = Path(__file__).with_name("hostile.py")
    return f"command:{shlex.join([PYTHON, '-I', '-S', str(program), *words])}"


def run_words(plan: Path, agent: str, *more: str) -> tuple[str, ...]:
    """The words of a run called ``r`` that prints JSON; its gate is green unless ``more`` has one."""
    gate = () if "--gate" in more else ("--gate", "true")
    name = () if "--run-id" in more else ("--run-id", "r")
    return ("run", str(plan), "--agent", agent, *gate, *name, "--yes", "--json", *more)


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(workbench: CommandLine, plan: Path) -> Run:
    """Run the plan with the hostile teammate doing a deed, to the end."""

    def call(*deed: str, more: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
        done = workbench(*run_words(plan, hostile(*deed), *more), cwd=None, **env)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return call


def landed(repo: Path, path: str) -> str:
    """A file on the integration branch."""
    return git(repo, "show", f"{INTEGRATION}:{path}")


def kept(repo: Path, path: str) -> set[str]:
    """What ``path`` holds in every commit that a ref of the run keeps."""
    refs = git(repo, "for-each-ref", "--format=%(refname)", "refs/workbench/r", "refs/heads/workbench/r")
    found = set()
    for ref in refs.splitlines():
        shown = subprocess.run(
            ["git", "show", f"{ref}:{path}"], cwd=repo, capture_output=True, text=True, check=False
        )
        if shown.returncode == 0:
            found.add(shown.stdout)
    return found


def untouched(repo: Path) -> tuple[str, ...]:
    """What must be the same before and after: the user's branch, HEAD, index, files and configuration."""
    words = (("rev-parse", "HEAD", "main"), ("symbolic-ref", "-q", "HEAD"), ("status", "--porcelain"),
             ("ls-files", "-s"), ("config", "--local", "--list"))  # fmt: skip
    return tuple(git(repo, *some) for some in words)


def last(story: list[Event]) -> Event:
    """How a run ended."""
    assert story[-1]["type"] == "RunFinished", story[-3:]
    return story[-1]
