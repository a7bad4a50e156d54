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
    on_told:
      - match: "approves your plan"  # however often the model was asked before
        steps:
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
    until(process, lambda event: event["type"] == "TurnEnded")  # it says that it waits, and does
    answer(repo, before[-1]["message"]["id"], "yes", "go ahead")
    after = rest(process)

    assert [event["kind"] for event in of("Told", after)] == ["plan_approved"]
    assert "go ahead" in of("Told", after)[0]["text"]
    assert of("ActionDenied", after) == []
    assert len(of("AttemptStarted", before)) == 1
    (landed,) = of("TaskLanded", after)
    assert landed["files"] == ["first.txt"]
    assert git(repo, "show", "workbench/r/integration:first.txt") == "fine"


def test_a_plan_that_is_turned_down_is_changed_and_submitted_again(
    workbench: CommandLine, repo: Path
) -> None:
    script = f"""
tasks:
  first:
    steps:
      - use: {{tool: ExitPlanMode, input: {{plan: "Two words."}}}}
      - {{say: Waiting., end: true}}
      - use: {WRITE}
      - use: {{tool: mcp__workbench__plan, input: {{note: "One word."}}}}
      - {{say: Waiting., end: true}}
      - use: {WRITE}
      - use: {{tool: mcp__workbench__done, input: {{note: written}}}}
"""
    process = workbench.start(*words(workbench, script), WORKBENCH_ON_PLAN="ask")
    first = until(process, asks("plan-approval"))
    assert first[-1]["message"]["text"] == "Two words."
    answer(repo, first[-1]["message"]["id"], "no", "one is enough")
    second = until(process, asks("plan-approval"))
    assert "one is enough" in of("Told", second)[0]["text"]
    assert [event["tool"] for event in of("ActionDenied", second)] == ["Write"]
    assert second[-1]["message"]["text"] == "One word."
    answer(repo, second[-1]["message"]["id"], "yes")
    after = rest(process)

    assert of("ActionDenied", after) == []
    assert git(repo, "show", "workbench/r/integration:first.txt") == "fine"


def test_with_nobody_there_the_task_waits_the_rest_goes_on_and_an_answer_lets_it_land(
    workbench: CommandLine, repo: Path
) -> None:
    plan = PLAN + "\n### second: The second\n- files: second.txt\n\nWrite second.txt.\n"
    other = """\
  second:
    - use: {tool: Write, input: {file_path: "{{worktree}}/second.txt", content: fine}}
    - use: {tool: mcp__workbench__done, input: {note: written}}
"""
    stopped = workbench(*words(workbench, SCRIPT + other, plan))
    story = events(stopped.stdout)
    assert story[-1]["outcome"] == "stopped" and "waits for an answer: m1" in story[-1]["reason"]
    assert [event["task"] for event in of("TaskLanded", story)] == ["second"]
    again = events(workbench("resume", "--json").stdout)
    assert again[-1]["outcome"] == "stopped" and not of("AttemptStarted", again), "nobody has answered"

    answer(repo, "m1", "yes", "go ahead")
    resumed = workbench("resume", "--json")

    assert resumed.returncode == 0, resumed.stderr
    after = events(resumed.stdout)
    assert not of("AttemptFailed", after), after
    assert [event["why"] for event in of("AttemptStarted", after)] == ["continued"]
    assert "go ahead" in of("Told", after)[0]["text"]
    assert of("ActionDenied", after) == []
    assert git(repo, "show", "workbench/r/integration:first.txt") == "fine"


def test_a_command_plans_in_one_process_and_works_in_the_next(workbench: CommandLine, repo: Path) -> None:
    script = workbench.cwd.parent / "teammate.sh"
    script.write_text(
        'if [ "$WORKBENCH_PHASE" = plan ]; then workbench mark plan "one word"; exit; fi\n'
        'grep -q "one word" "$WORKBENCH_BRIEF" && echo fine > first.txt && workbench mark done\n'
    )
    plan = workbench.cwd.parent / "plan.md"
    plan.write_text(PLAN)
    options = ("--gate", "true", "--json", "--run-id", "r", "--yes", "--headless")
    stopped = workbench("run", str(plan), "--agent", f"command:sh {script}", *options)
    assert events(stopped.stdout)[-1]["outcome"] == "stopped", stopped.stderr
    answer(repo, "m1", "yes")
    resumed = workbench("resume", "--json")

    assert resumed.returncode == 0, resumed.stderr
    assert git(repo, "show", "workbench/r/integration:first.txt") == "fine"


def test_a_command_that_writes_before_its_plan_is_approved_is_given_up(
    workbench: CommandLine, repo: Path
) -> None:
    script = workbench.cwd.parent / "teammate.sh"
    script.write_text(
        'if [ "$WORKBENCH_PHASE" = plan ]; then\n'
        "  echo early > early.txt; workbench mark plan sneaky\n"
        '  while [ -z "$(ls .workbench/inbox 2>/dev/null)" ]; do sleep 0.1; done\n'
        "fi\n"
        "echo fine > first.txt; workbench mark done\n"
    )
    plan = workbench.cwd.parent / "plan.md"
    plan.write_text(PLAN)
    options = ("--gate", "true", "--json", "--run-id", "r", "--yes", "--headless")
    agent = ("--agent", f"command:sh {script}")
    done = workbench("run", str(plan), *agent, *options, WORKBENCH_ON_PLAN="approve")

    story = events(done.stdout)
    assert done.returncode == 0, done.stderr
    (failed,) = of("AttemptFailed", story)
    assert "before its plan was approved" in failed["reason"] and not failed["broke"]
    assert git(repo, "show", f"{failed['commit']}:early.txt") == "early", "kept"
    assert of("TaskLanded", story)[0]["files"] == ["first.txt"], "and not landed"
