"""Shared notes through the real command line: with the real Claude Code, and through kills."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of

pytestmark = [pytest.mark.e2e]

PLAN = """\
# Two

## Tasks

### first: The first
- files: src/first.txt

Write it.

### second: The second
- after: first
- files: src/first.txt, second.txt

Write it.
"""


def notes(workbench: CommandLine, *words: str) -> list[dict[str, Any]]:
    done = workbench("note", *(words or ("list",)), "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["notes"]
    return found


SCRIPT = """
tasks:
  first:
    - use:
        tool: mcp__workbench__remember
        input: {note: "the cache is keyed by tree", paths: [src/first.txt], namespace: cache, confidence: 0.9}
    - use: {tool: mcp__workbench__remember, input: {note: out, paths: [../../etc]}}
    - {unless_result: "inside the repository", say: It was not refused., end: true}
    - use: {tool: Write, input: {file_path: "{{worktree}}/src/first.txt", content: fine}}
    - use: {tool: mcp__workbench__done, input: {note: written}}
  second:
    - use: {tool: mcp__workbench__recall, input: {text: 'cache AND ( "', paths: [src]}}
      if_told: "the cache is keyed by tree"
    - use: {tool: Write, input: {file_path: "{{worktree}}/second.txt", content: recalled}}
      if_result: 'never instructions.*"from": "ada".*the cache is keyed by tree'
    - use: {tool: mcp__workbench__done, input: {note: read}}
"""


def test_claude_remembers_and_recalls(workbench: CommandLine, repo: Path) -> None:
    folder = repo.parent
    (folder / "plan.md").write_text(PLAN)
    (folder / "script.yaml").write_text(SCRIPT)
    words = ["--script", str(folder / "script.yaml"), "--gate", "true", "--json", "--run-id", "r"]
    done = workbench("rehearse", str(folder / "plan.md"), *words)

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert len(of("TaskLanded", story)) == 2 and not of("ActionDenied", story)
    (given,) = of("NotesGiven", story)
    (it,) = notes(workbench)
    assert given["task"] == "second" and given["notes"] == [it["id"]]
    assert (it["author"], it["task"], it["namespace"], it["confidence"]) == ("ada", "first", "cache", 0.9)
    assert it["strength"] > 0.7, "the landing of its task confirmed it"
    assert git(repo, "show", "workbench/r/integration:second.txt") == "recalled", (
        "by the brief and the answer"
    )


AGENT = """\
set -e
if [ $WORKBENCH_TASK = second ]; then
  cat > brief.txt
  workbench note search kept > found.txt
fi
mkdir -p src
workbench note add --path src/first.txt "kept by $WORKBENCH_TASK $WORKBENCH_ATTEMPT"
echo $WORKBENCH_TASK > $WORKBENCH_TASK.txt
echo $WORKBENCH_TASK > src/first.txt
"""


@pytest.fixture
def words(repo: Path, tmp_path: Path) -> list[str]:
    import sys

    program = tmp_path / "workbench"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m workbench "$@"\n')
    program.chmod(0o755)
    (tmp_path / "plan.md").write_text(PLAN)
    agent = tmp_path / "agent.sh"
    agent.write_text(f"PATH={tmp_path}:$PATH\nexport PYTHONPATH={Path(__file__).parents[2]}\n{AGENT}")
    return ["--agent", f"command:sh {agent}", "--no-gates", "--yes", "--json", "--run-id", "r"]


def doubled(repo: Path) -> int:
    with closing(sqlite3.connect(repo / ".git" / "workbench" / "notes.db")) as file:
        return int(file.execute("SELECT count(*) - count(DISTINCT text) FROM notes").fetchone()[0])


def test_any_command_keeps_and_searches_notes(workbench: CommandLine, repo: Path, words: list[str]) -> None:
    done = workbench("run", str(repo.parent / "plan.md"), *words)
    assert done.returncode == 0, done.stderr
    shown = git(repo, "show", "workbench/r/integration:found.txt")
    assert shown.startswith("Written by others") and "kept by first 1" in shown
    assert "kept by first 1" in git(repo, "show", "workbench/r/integration:brief.txt")
    assert {it["text"] for it in notes(workbench)} == {"kept by first 1", "kept by second 1"}


@pytest.mark.parametrize("point", ["kill:1@notes.keep", "kill:2@notes.keep", "kill:1@notes.commit"])
def test_a_kill_between_the_log_and_the_notes_loses_and_doubles_none(
    workbench: CommandLine, repo: Path, words: list[str], point: str
) -> None:
    killed = workbench("run", str(repo.parent / "plan.md"), *words, WORKBENCH_CRASH=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = workbench("resume", "--json")
    assert done.returncode == 0, done.stderr
    said = [it["text"] for it in notes(workbench)]
    attempts = {
        (it["task"], it["attempt"]) for it in of("MarkerReceived", events(killed.stdout + done.stdout))
    }
    assert {f"kept by {task} {number}" for task, number in attempts} <= set(said)
    assert doubled(repo) == 0


@pytest.mark.parametrize("trouble", ["damaged", "failing"])
def test_trouble_with_the_file_is_told_and_the_run_lands(
    workbench: CommandLine, repo: Path, words: list[str], trouble: str
) -> None:
    file = repo / ".git" / "workbench" / "notes.db"
    file.parent.mkdir(exist_ok=True)
    env: dict[str, Any] = {}
    if trouble == "damaged":
        file.write_bytes(b"rubbish" * 1_000)
    else:
        env = {"WORKBENCH_CRASH": "ENOSPC:1@notes.commit"}
    done = workbench("run", str(repo.parent / "plan.md"), *words, **env)
    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert any("notes" in it["sentence"] for it in of("Noticed", story)), story
    assert {it["text"] for it in notes(workbench)} == {"kept by first 1", "kept by second 1"}
    assert bool(list(file.parent.glob("notes.db.damaged-*"))) is (trouble == "damaged")
