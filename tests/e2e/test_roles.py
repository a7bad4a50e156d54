"""Roles in whole runs: the agent files of a repository, as its base has them, reach whoever plays them."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of, until
from workbench.adapters.agents.claude.tools import TOOL_NAMES
from workbench.rehearsal.script import load
from workbench.rehearsal.server import Rehearsal, headers_env, serve

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a repository that nobody trusts, a role has no text."""
    monkeypatch.setenv("WORKBENCH_TRUST", "always")


WRITER = """\
---
name: writer
description: Writes prose, and nothing else
tools: Read, Write
model: haiku
permissionMode: bypassPermissions
---
Short sentences: GREY-OWL.
"""
PLAN = """\
---
model: opus
---
# A plan

## Tasks

### first: The first
- role: writer

Write first.txt.
"""
SCRIPT = {
    "default": [
        {"use": {"tool": "Bash", "input": {"command": "touch by-bash.txt"}}},
        {"use": {"tool": "Write", "input": {"file_path": "{{worktree}}/{{task}}.txt", "content": "x"}}},
        {"use": {"tool": "mcp__workbench__done", "input": {"note": "written"}}},
    ]
}


@pytest.fixture
def plan(repo: Path) -> Path:
    """A plan for a repository with one role; its file was changed since, and another is not committed."""
    folder = repo / ".claude" / "agents"
    folder.mkdir(parents=True)
    (folder / "writer.md").write_text(WRITER)
    (folder / "broken.md").write_text("nothing")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a role")
    (folder / "writer.md").write_text(WRITER.replace("GREY-OWL", "RED-FOX"))
    (folder / "later.md").write_text(WRITER.replace("writer", "later"))
    path = repo.parent / "plan.md"
    path.write_text(PLAN)
    return path


async def asked(rehearsal: Rehearsal, workbench: CommandLine, plan: Path, *words: str) -> list[Any]:
    """The events of a run of the real Claude Code on the scripted model."""
    env = rehearsal.env() | headers_env(task="first", attempt=1, teammate="ada", worktree="{{worktree}}")
    given = ("run", str(plan), "--yes", "--gate", "true", "--json", "--run-id", "r", *words)
    done = await asyncio.to_thread(lambda: workbench(*given, cwd=None, **env))
    assert done.returncode == 0, done.stderr
    return events(done.stdout)


async def test_a_role_reaches_the_model_with_its_text_its_model_and_fewer_tools(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    script = json.loads(json.dumps(SCRIPT).replace("{{worktree}}/", ""))
    async with serve(load(json.dumps(script))) as rehearsal:
        story = await asked(rehearsal, workbench, plan)
    requests = [it for it in rehearsal.requests if not it.side]
    assert requests
    for request in requests:
        assert "GREY-OWL" in request.system and "RED-FOX" not in request.system
        assert "haiku" in request.model
        assert set(request.tools) == {"Read", "Write", *TOOL_NAMES}
    (role,) = story[0]["roles"]
    assert (role["name"], role["model"], role["tools"]) == ("writer", "haiku", ["Read", "Write"])
    said = " ".join(event["sentence"] for event in of("Noticed", story))
    assert "broken.md:1" in said and '"permissionMode" is not used here' in said
    tree = git(repo, "ls-tree", "--name-only", "workbench/r/integration").split()
    assert "first.txt" in tree and "by-bash.txt" not in tree


async def test_a_model_on_the_command_line_goes_over_the_roles(workbench: CommandLine, plan: Path) -> None:
    script = json.loads(json.dumps(SCRIPT).replace("{{worktree}}/", ""))
    async with serve(load(json.dumps(script))) as rehearsal:
        await asked(rehearsal, workbench, plan, "--model", "sonnet")
    assert {"sonnet" in it.model for it in rehearsal.requests if not it.side} == {True}


def test_a_command_is_told_its_role_and_a_resume_means_the_same(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    agent = """
set -e
test "$WORKBENCH_ROLE" = writer && test "$CLAUDE_CODE_AGENT_TYPE" = writer
grep -q GREY-OWL "$WORKBENCH_BRIEF" && grep -q "Writes prose" "$WORKBENCH_BRIEF"
if test ! -e "$FLAG"; then : > "$FLAG"; sleep 60; fi
echo x > first.txt && git add -A && git commit -qm one
"""
    given = ("--agent", f"command:{agent}", "--gate", "true", "--run-id", "r")
    flag = repo.parent / "flag"
    env = {"FLAG": str(flag), "WORKBENCH_ENV": "FLAG"}
    running = workbench.start("run", str(plan), "--yes", "--json", *given, **env)
    until(running, lambda event: event["type"] == "AgentStarted")
    running.send_signal(signal.SIGKILL)
    running.wait()
    flag.touch()  # killed before or after the command got there
    git(repo, "commit", "-qam", "the role is another now")

    done = workbench("resume", "r", "--json", cwd=None, **env)

    assert done.returncode == 0, done.stderr + done.stdout
    assert git(repo, "show", "workbench/r/integration:first.txt") == "x"
    told = json.loads(workbench("status", "r", "--json").stdout)
    assert told["tasks"][0]["role"] == "writer"


@pytest.mark.parametrize("words", [("check",), ("run", "--yes", "--gate", "true")])
def test_a_role_that_there_is_not_is_refused(
    workbench: CommandLine, plan: Path, words: tuple[str, ...]
) -> None:
    plan.write_text(PLAN.replace("writer", "later"))

    done = workbench(words[0], str(plan), *words[1:])

    assert done.returncode == 2, done.stdout
    assert f'{plan}:8: task "first" names the role "later", which there is not' in done.stderr
    assert "are writer" in done.stderr and "broken.md:1:" in done.stderr and "committed" in done.stderr


def test_check_shows_the_roles_of_a_plan(workbench: CommandLine, repo: Path, plan: Path) -> None:
    done = workbench("check", str(plan))
    assert done.returncode == 0, done.stderr
    assert "role writer: haiku; Read, Write (.claude/agents/writer.md)" in done.stdout
    assert "broken.md:1" in done.stderr

    found = json.loads(workbench("check", str(plan), "--json").stdout)
    assert [role["name"] for role in found["roles"]] == ["writer"] and len(found["remarks"]) == 2

    plan.write_text(PLAN.replace("writer", "later"))
    refused = json.loads(workbench("check", str(plan), "--json").stdout)
    assert [problem["line"] for problem in refused["problems"]] == [8]


def test_a_plan_without_roles_needs_no_agent_files_and_none_are_read(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    plan.write_text(PLAN.replace("- role: writer\n", ""))
    done = workbench("run", str(plan), "--yes", "--json", "--agent", "command:echo x > a", "--gate", "true")
    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert story[0]["roles"] == [] and not of("Noticed", story)
