"""A command that is printed as the next step works when it is pasted into a shell."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine

pytestmark = pytest.mark.e2e

PLAN = '---\ngates: ["true"]\n---\n# Größe\n\n## Tasks\n\n### one: One\n- files: one.txt\n\nDo it.\n'
AGENT = ("--agent", "command:echo one > one.txt")


@pytest.fixture
def spaced(repo: Path) -> Path:
    path = repo / "mein Plän.md"
    path.write_text(PLAN)
    return path


def steps(said: str) -> list[list[str]]:
    """The words of each workbench command that was given as something to do."""
    quoted = re.findall(r"`(workbench [^`]+)`", said)
    bare = re.findall(r"^  next: (workbench .+)$", said, re.MULTILINE)
    return [shlex.split(command)[1:] for command in quoted + bare]


def test_the_path_of_a_plan_is_quoted(workbench: CommandLine, spaced: Path) -> None:
    refused = workbench("run", spaced.name, *AGENT)
    assert refused.returncode == 2 and steps(refused.stderr) == [["approve", spaced.name]]
    checked = workbench("check", spaced.name)
    assert checked.returncode == 0 and steps(checked.stderr) == [["approve", spaced.name]]
    assert workbench(*steps(checked.stderr)[0]).returncode == 0
    spaced.write_text("1. Do it\n2. Do that\n")
    assert ["run", spaced.name] in steps(workbench("check", spaced.name).stderr)
    assert ["run", spaced.name] in steps(workbench("approve", spaced.name).stderr)


def test_the_first_commit_of_an_empty_folder(workbench: CommandLine, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    git(fresh, "init", "-q")
    said = workbench("status", cwd=fresh).stderr
    command = said.partition("Make one: ")[2].strip()
    subprocess.run(command, shell=True, cwd=fresh, check=True, capture_output=True)
    assert "no commits" not in workbench("status", cwd=fresh).stderr


def test_no_repository_is_told_by_its_path(workbench: CommandLine, tmp_path: Path) -> None:
    said = workbench("status", cwd=tmp_path)
    assert said.returncode == 2 and f"{tmp_path} is not inside a git repository" in said.stderr


def test_a_folder_is_no_plan(workbench: CommandLine) -> None:
    said = workbench("check", ".")
    assert said.returncode == 2 and "a folder, not a plan" in said.stderr and "next:" in said.stderr


def test_a_run_that_landed_nowhere_yet_names_the_branch_to_be_chosen(
    workbench: CommandLine, repo: Path, spaced: Path
) -> None:
    git(repo, "checkout", "-q", "--detach")
    done = workbench("run", spaced.name, *AGENT, "--yes")
    assert done.returncode == 0 and "grosse-1" in done.stdout, (
        "the title's letters are kept in the run's name"
    )
    cleaned = workbench("clean")
    assert "workbench land grosse-1 --into BRANCH" in cleaned.stdout + cleaned.stderr


def test_nobody_joins_a_run_that_is_over_and_none_is_told_to_resume_it(
    workbench: CommandLine, spaced: Path
) -> None:
    assert workbench("run", spaced.name, *AGENT, "--yes").returncode == 0
    refused = workbench("join")
    assert refused.returncode == 2 and "is over, so nobody can join it" in refused.stderr
    assert steps(refused.stderr) == [["report", "grosse-1"]]
