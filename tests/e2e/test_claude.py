"""Whole runs with the real Claude Code; only the model is scripted."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, Event, events, leftovers, of, until
from workbench.core.plan import parse
from workbench.rehearsal.script import load
from workbench.rehearsal.server import headers_env, serve

pytestmark = pytest.mark.e2e

PLAN = """\
# A plan

## Contract
Keep it small.

## Tasks

### first: The first
- files: first.txt

Write first.txt.
"""


def rehearse(
    workbench: CommandLine, script: str, *words: str, plan: str = PLAN
) -> subprocess.CompletedProcess[str]:
    """Run ``plan`` with ``script`` as the model."""
    paths = written(workbench, script, plan)
    return workbench("rehearse", *paths, "--gate", "true", "--json", "--run-id", "r", *words)


def written(workbench: CommandLine, script: str, plan: str = PLAN) -> tuple[str, str, str]:
    """The plan and the script as files; the words that name them."""
    folder = workbench.cwd.parent
    (folder / "plan.md").write_text(plan)
    (folder / "script.yaml").write_text(script)
    return str(folder / "plan.md"), "--script", str(folder / "script.yaml")


def test_the_demo(workbench: CommandLine, tmp_path: Path) -> None:
    done = workbench("demo", "--dir", str(tmp_path / "demo"), "--json")

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert len(of("TaskLanded", story)) == 7
    (conflict,) = of("TaskConflicted", story)
    pair = ["any-order", "letter-case"]
    assert sorted([conflict["task"], *conflict["others"]]) == pair
    assert [it["task"] for it in of("AttemptStarted", story) if it["why"] == "conflict"] == [conflict["task"]]
    by_rung = {(it["task"], it["rung"]) for it in of("CandidateMade", story) if it["rung"]}
    assert by_rung in ({("worth", "union")}, {("reprice", "union")})
    assert not of("ResolutionRejected", story) and not of("ActionDenied", story)
    kinds = [event["kind"] for event in of("Told", story)]
    assert kinds.count("gate_red") == 1 and "message" in kinds
    assert of("AttemptEnded", story)[0]["usage"]["turns"] > 1
    repo = tmp_path / "demo" / "stockroom"
    git(repo, "merge", "-q", "--ff-only", f"workbench/{story[0]['run']}/integration")
    suite = subprocess.run([sys.executable, "-m", "unittest", "-q"], cwd=repo, check=False)
    assert suite.returncode == 0
    shown = workbench("report", cwd=repo)
    assert "scripted" in shown.stdout and "every task landed" in shown.stdout
    settled = json.loads(workbench("report", "--format", "json", cwd=repo).stdout)["conflicts"]
    assert {(it["task"], it["rung"]) for it in settled} == {(conflict["task"], "agent"), *by_rung}


def test_a_plan_is_rehearsed_without_a_script(workbench: CommandLine, repo: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text(PLAN + "\n### second: The second\n- after: first\n- files: src/*.py\n\nWrite more.\n")

    done = workbench("rehearse", str(plan), "--gate", "python3 -m py_compile src/*.py", "--headless")

    assert done.returncode == 0, done.stderr
    assert "scripted" in done.stderr and "scripted" in done.stdout
    assert git(repo, "status", "--porcelain") == ""


def test_a_write_outside_the_worktree_is_denied(workbench: CommandLine, repo: Path, tmp_path: Path) -> None:
    script = f"""
default:
  - use: {{tool: Write, input: {{file_path: "{repo}/leak.txt", content: leaked}}}}
  - use: {{tool: Write, input: {{file_path: "{{{{worktree}}}}/../leak.txt", content: leaked}}}}
  - use: {{tool: Write, input: {{file_path: "{{{{worktree}}}}/first.txt", content: fine}}}}
  - use: {{tool: mcp__workbench__done, input: {{note: written}}}}
"""
    done = rehearse(workbench, script)

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert [event["tool"] for event in of("ActionDenied", story)] == ["Write", "Write"]
    assert not list(tmp_path.rglob("leak.txt"))
    assert git(repo, "show", "workbench/r/integration:first.txt") == "fine"


def test_a_turn_without_a_done_marker_is_asked_once_then_believed_if_green(
    workbench: CommandLine, repo: Path
) -> None:
    script = """
default:
  - use: {tool: Write, input: {file_path: "{{worktree}}/first.txt", content: fine}}
  - {say: That was it., end: true}
  - {say: It really was., end: true}
"""
    done = rehearse(workbench, script)

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert [event["kind"] for event in of("Told", story)] == ["ask_done"]
    assert of("WorkCollected", story)[0]["snapshot"] and len(of("TaskLanded", story)) == 1


def test_a_question_nobody_answers_does_not_hang(workbench: CommandLine) -> None:
    script = """
default:
  - use: {tool: mcp__workbench__question, input: {note: "which colour?"}}
  - use: {tool: Write, input: {file_path: "{{worktree}}/first.txt", content: fine}}
  - use: {tool: mcp__workbench__done, input: {note: chose blue}}
"""
    done = rehearse(workbench, script)

    assert done.returncode == 0, done.stderr
    (answer,) = [event for event in of("Told", events(done.stdout)) if event["kind"] == "answer"]
    assert "which colour?" in answer["text"]


def test_a_message_reaches_a_teammate_while_it_works(workbench: CommandLine, tmp_path: Path) -> None:
    plan = PLAN + "\n### second: The second\n- files: second.txt\n\nWrite second.txt.\n"
    # The recipient waits in its turn until the sender has spoken; what it is told comes in mid-turn.
    script = """
tasks:
  first:
    - wait: 1
    - use: {tool: mcp__workbench__message, input: {to: all, note: the port is 4711}}
    - use: {tool: Write, input: {file_path: "{{worktree}}/first.txt", content: fine}}
    - use: {tool: mcp__workbench__done, input: {note: sent}}
  second:
    steps:
      - use: {tool: Bash, input: {command: "n=0; while [ $n -lt 40 ]; do n=$((n+1)); sleep 0.1; done"}}
      - use: {tool: Write, input: {file_path: "{{worktree}}/second.txt", content: fine}}
      - use: {tool: mcp__workbench__done, input: {note: heard}}
    on_told:
      - match: port is 4711
        steps:
          - use: {tool: Write, input: {file_path: "{{worktree}}/port.txt", content: "4711"}}
"""
    done = rehearse(workbench, script, "--team", "2", plan=plan)

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    told = next(index for index, event in enumerate(story) if event["type"] == "Told")
    assert story[told]["task"] == "second" and "4711" in story[told]["text"]
    later = story[told:]
    assert (
        "port.txt"
        in of("TaskLanded", [event for event in later if event.get("task") == "second"])[0]["files"]
    )


def test_a_refused_key_stops_the_run_and_says_how_to_sign_in(workbench: CommandLine) -> None:
    done = rehearse(workbench, "default: [{fault: {status: 401, times: 99}}]")

    assert done.returncode == 2, done.stderr
    story = events(done.stdout)
    assert story[-1]["outcome"] == "stopped"
    assert not of("AttemptFailed", story), "an attempt was burned"
    assert "ANTHROPIC_API_KEY" in story[-1]["reason"]
    assert "workbench resume r" in workbench("status").stderr


def test_kill_9_in_the_middle_and_resume(workbench: CommandLine, repo: Path) -> None:
    plan = PLAN + "\n### second: The second\n- after: first\n- files: second.txt\n\nWrite second.txt.\n"
    script = """
default:
  - use: {tool: Write, input: {file_path: "{{worktree}}/{{task}}.txt", content: fine}}
  - use: {tool: mcp__workbench__progress, input: {percent: 50, note: written}}
  - use: {tool: Bash, input: {command: "sleep 1; git add -A && git commit -q -m {{task}}"}}
  - use: {tool: mcp__workbench__done, input: {note: committed}}
"""
    words = written(workbench, script, plan)
    process = workbench.start("rehearse", *words, "--gate", "true", "--json", "--run-id", "r")
    before = until(process, _half_of_the_second)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    resumed = workbench("resume", "--json")

    assert resumed.returncode == 0, resumed.stderr
    landed = [event["task"] for event in of("TaskLanded", before + events(resumed.stdout))]
    assert sorted(landed) == ["first", "second"]
    again = of("AttemptStarted", events(resumed.stdout))
    assert [event["why"] for event in again] == ["continued"]
    log = git(repo, "log", "--first-parent", "--format=%s", "workbench/r/integration").splitlines()
    assert log == ["Land second: The second", "Land first: The first", "first"]
    assert git(repo, "show", "workbench/r/integration:second.txt") == "fine"
    assert not leftovers(repo)


def _half_of_the_second(event: Event) -> bool:
    return bool(event["type"] == "MarkerReceived" and event["task"] == "second")


PLAIN = """\
# Two files

1. Write first.txt.
2. Write second.txt.
"""


async def test_a_plain_plan_is_split_by_claude_shown_and_run_when_approved(
    workbench: CommandLine, repo: Path, tmp_path: Path
) -> None:
    """Everything but the model: the schema goes to Claude Code, its answer becomes the plan beside."""
    plan = tmp_path / "plain.md"
    plan.write_text(PLAIN)
    tasks: list[dict[str, object]] = [
        {
            "id": name,
            "title": f"Write {name}",
            "body": f"Write {name}.txt.",
            "after": [],
            "files": [],
            "gate": [],
        }
        for name in ("first", "second")
    ]
    answer = {"title": "Two files", "context": "Small.", "contract": "", "tasks": tasks}
    script = {
        "default": [
            {"use": {"tool": "Write", "input": {"file_path": "{{worktree}}/{{task}}.txt", "content": "x"}}},
            {"use": {"tool": "mcp__workbench__done", "input": {"note": "written"}}},
        ],
        "tasks": {"plan-splitting": [{"structured": answer}]},
    }
    async with serve(load(json.dumps(script))) as rehearsal:
        env = rehearsal.env() | headers_env(task="plan-splitting", attempt=1, teammate="", worktree="/")
        words = ("run", str(plan), "--gate", "true", "--json", "--run-id", "split")
        refused = await asyncio.to_thread(lambda: workbench(*words, cwd=None, **env))

    assert refused.returncode == 2, refused.stderr
    assert "not approved" in refused.stderr and "Write second" in refused.stderr
    beside = tmp_path / "plain.workbench.md"
    assert [task.id for task in parse(beside.read_text()).tasks] == ["first", "second"]
    assert workbench("approve", str(beside)).returncode == 0
    done = workbench("run", str(beside), "--agent", "command:echo x > $WORKBENCH_TASK", "--gate", "true")
    assert done.returncode == 0, done.stderr


def test_many_sandboxed_teammates_at_once(workbench: CommandLine) -> None:
    """Their sandboxes share the repository's git directory, and must not trip over each other there."""
    heads = "\n".join(f"### t{n}: Task {n}\n- files: d{n}/**\n\nDo it.\n" for n in range(8))
    plan = workbench.cwd.parent / "many.md"
    plan.write_text(f"# Many\n\n## Tasks\n\n{heads}")

    done = workbench("rehearse", str(plan), "--gate", "true", "--team", "6", "--json")

    assert done.returncode == 0, done.stderr
    assert not (workbench.cwd / ".git" / "config.lock").exists()
