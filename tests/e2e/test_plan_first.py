"""Tasks that are planned first, with the real Claude Code: it may only read until somebody approves."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of, until
from workbench.adapters.requests import leave
from workbench.core.requests import Answer

pytestmark = pytest.mark.e2e

PLAN = (
    "# One file\n\n## Tasks\n\n### first: The first\n- files: first.txt\n- plan: person\n\nWrite first.txt.\n"
)

WRITE = '{tool: Write, input: {file_path: "{{worktree}}/first.txt", content: fine}}'

SCRIPT = f"""
tasks:
  first:
    steps:
      - use: {WRITE}
      - use: {{tool: Bash, input: {{command: "echo sneaked > sneaked.txt"}}}}
      - use: {{tool: mcp__workbench__plan, input: {{note: "I write one word into first.txt."}}}}
      - {{say: Waiting., end: true}}
      - use: {WRITE}
      - use: {{tool: Bash, input: {{command: "git add -A && git commit -q -m first"}}}}
      - use: {{tool: mcp__workbench__done, input: {{note: written}}}}
"""


def words(workbench: CommandLine, script: str, plan: str = PLAN) -> tuple[str, ...]:
    folder = workbench.cwd.parent
    (folder / "plan.md").write_text(plan)
    (folder / "script.yaml").write_text(script)
    files = (str(folder / "plan.md"), "--script", str(folder / "script.yaml"))
    return ("rehearse", *files, "--gate", "true", "--json", "--run-id", "r")


def answer(repo: Path, message: str, decision: Any, text: str = "") -> None:
    """What `workbench answer` leaves for the run."""
    leave(
        repo / ".git" / "workbench" / "runs" / "r" / "requests",
        Answer(message=message, decision=decision, text=text),
    )


def asks(kind: str) -> Any:
    return lambda event: event["type"] == "MessageSent" and event["message"]["kind"] == kind


def rest(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()]


def test_nothing_is_written_before_the_plan_is_approved(workbench: CommandLine, repo: Path) -> None:
    process = workbench.start(*words(workbench, SCRIPT), WORKBENCH_ON_PLAN="ask")
    before = until(process, asks("plan-approval"))
    assert [event["tool"] for event in of("ActionDenied", before)] == ["Write", "Bash"]
    answer(repo, before[-1]["message"]["id"], "yes", "go ahead")
    after = rest(process)

    assert [event["kind"] for event in of("Told", after)] == ["plan_approved"]
    assert "go ahead" in of("Told", after)[0]["text"]
    assert of("ActionDenied", after) == []
    assert len(of("AttemptStarted", before)) == 1
    (landed,) = of("TaskLanded", after)
    assert landed["files"] == ["first.txt"]
    assert git(repo, "show", "workbench/r/integration:first.txt") == "fine"
