"""The real Claude Code on files that an export wrote, and what comes back by an import."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine
from workbench.core.plan import parse
from workbench.rehearsal.script import load
from workbench.rehearsal.server import Rehearsal, serve

pytestmark = pytest.mark.e2e

PLAN = """\
---
gates: ["true"]
team: 1
---
# Greetings

## Tasks

### loud: Greet loudly

Add a parameter.

### late: Use greetings
- after: loud, odd
- files: src/**

Call it.

### odd: Greet oddly
- attempts: 1

It fails.
"""

AGENT = """\
case "$WORKBENCH_TASK" in
odd) echo no >&2; exit 1 ;;
*) echo "$WORKBENCH_TASK" > "$WORKBENCH_TASK.txt"; git add -A; git commit -qm "$WORKBENCH_TASK" ;;
esac
"""

SCRIPT = """\
default:
  - use: {tool: TaskList, input: {}}
  - use: {tool: TaskGet, input: {taskId: "2"}}
  - use: {tool: TaskUpdate, input: {taskId: "3", status: in_progress}}
  - {say: Seen., end: true}
"""

TEAM = "workbench-r"


@pytest.fixture
def config(workbench: CommandLine, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run of PLAN was exported to: one task landed, one failed, one is held for it."""
    folder, plan, script = tmp_path / "claude", tmp_path / "in.md", tmp_path / "agent.sh"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(folder))
    plan.write_text(PLAN)
    script.write_text(AGENT)
    words = ["run", str(plan), "--agent", f"command:sh {script}", "--yes", "--headless", "--run-id", "r"]
    assert workbench(*words).returncode == 1
    done = workbench("export", "--claude-team", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["team"], told["tasks"], told["members"]) == (TEAM, 3, ["team-lead", "ada"])
    return folder


def tasks(config: Path) -> dict[str, Any]:
    files = sorted((config / "tasks" / TEAM).glob("[0-9]*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def seen(config: Path, where: Path, env: dict[str, str], flags: dict[str, str | None]) -> list[str]:
    """What Claude Code's tools said in a session of SCRIPT."""
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

    async def session() -> Rehearsal:
        async with serve(load(SCRIPT), config_dir=config) as rehearsal, asyncio.timeout(50):
            more = {"CLAUDE_CODE_ENABLE_TODO_TOOLS": "1", "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS": "1"}
            options = ClaudeAgentOptions(
                cwd=where, env={**rehearsal.env(), **more, **env}, setting_sources=[], extra_args=flags
            )
            async with ClaudeSDKClient(options) as client:
                await client.query("Look at the tasks.")
                async for _ in client.receive_response():
                    pass
            return rehearsal

    return [asked.heard.results or "" for asked in asyncio.run(session()).requests]


def test_claude_code_works_with_the_tasks_and_its_changes_come_back(
    config: Path, workbench: CommandLine, repo: Path, tmp_path: Path
) -> None:
    heard = "\n".join(seen(config, repo, {"CLAUDE_CODE_TASK_LIST_ID": TEAM}, {}))

    assert "#1 [completed] Greet loudly" in heard
    assert "#2 [pending] Use greetings [blocked by #3]" in heard
    assert "#3 [pending] Greet oddly" in heard and "Call it." in heard and "Updated task #3" in heard
    assert tasks(config)["3"]["status"] == "in_progress"
    assert tasks(config)["3"]["metadata"]["workbench"]["task"] == "odd", "it keeps what is ours"
    again = workbench("export", "--claude-team", "r")
    assert again.returncode == 0, again.stderr
    assert tasks(config)["3"]["status"] == "pending", "and ours is brought up to date"

    back = workbench("import", "--claude-team", TEAM, "-o", str(tmp_path / "out.md"))

    assert back.returncode == 0, back.stderr
    assert "completed: 1 Greet loudly" in back.stderr
    plan = parse((tmp_path / "out.md").read_text(), "out.md")
    assert [(task.id, task.after, task.files) for task in plan.tasks] == [
        ("late", ("odd",), ("src/**",)),
        ("odd", (), ()),
    ]
    assert plan.gates == () and plan.title == "Greetings"
    refused = workbench("import", "--claude-team", TEAM, "-o", str(tmp_path / "out.md"))
    assert refused.returncode == 2 and "is there already" in refused.stderr
    assert git(repo, "status", "--porcelain") == ""


def test_claude_code_joins_the_team_as_one_of_its_members(
    config: Path, workbench: CommandLine, repo: Path
) -> None:
    who: dict[str, str | None] = {"team-name": TEAM, "agent-name": "ada", "agent-id": f"ada@{TEAM}"}
    heard = "\n".join(seen(config, repo, {}, who))

    assert "#2 [pending] Use greetings [blocked by #3]" in heard, "the team's list of tasks is its own"
    assert tasks(config)["3"]["owner"] == "ada"
    # It told itself of what it took: the inbox is one that it reads and writes.
    inbox = json.loads((config / "teams" / TEAM / "inboxes" / "ada.json").read_text())
    assert any('"task_assignment"' in letter["text"] for letter in inbox)
    refused = workbench("export", "--claude-team")
    assert refused.returncode == 2 and "not all of it is from this run's export" in refused.stderr
    forced = workbench("export", "--claude-team", "--force")
    assert forced.returncode == 0 and "what was there is now" in forced.stderr
