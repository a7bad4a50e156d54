"""The real Claude Code is asked to leave the team; only the model is scripted."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import CommandLine, Event, events, of, until
from tests.e2e.test_claude import written

pytestmark = pytest.mark.e2e

SCRIPT = """\
tasks:
  first:
    attempts:
      - steps:
          - use: {tool: Write, input: {file_path: "{{worktree}}/first.txt", content: "half\\n"}}
          - use: {tool: mcp__workbench__progress, input: {percent: 10, note: begun}}
          - wait: 4
          - use: {tool: mcp__workbench__progress, input: {percent: 50, note: on}}
          - wait: 4
          - use: {tool: Write, input: {file_path: "{{worktree}}/first.txt", content: "whole\\n"}}
          - use: {tool: mcp__workbench__done, input: {note: written}}
        on_told:
          - match: asks you to leave
            steps:
              - use: {tool: ANSWER, input: {reply_to: m1, note: nearly done}}
      - - use: {tool: Write, input: {file_path: "{{worktree}}/second.txt", content: "on\\n"}}
        - use: {tool: mcp__workbench__done, input: {note: finished it}}
"""


def asked_to_leave(workbench: CommandLine, tool: str) -> list[Event]:
    """The story of a run whose first teammate is asked to leave, and uses ``tool``."""
    paths = written(workbench, SCRIPT.replace("ANSWER", f"mcp__workbench__{tool}"), PLAN)
    run = workbench.start("rehearse", *paths, "--gate", "true", "--json", "--run-id", "r")
    seen = until(run, lambda it: it["type"] == "MarkerReceived" and it["kind"] == "progress")
    added = workbench("team", "add", "bob")
    assert added.returncode == 0, added.stderr
    asked = workbench("team", "remove", "ada", "--reason", "enough")
    assert asked.returncode == 0 and "asked to leave (m1)" in asked.stdout, asked.stderr
    out, err = run.communicate(timeout=100)
    assert run.returncode == 0, err
    return seen + events(out)


PLAN = """\
# A plan

## Contract
Keep it small.

## Tasks

### first: The first
Write first.txt.
"""


def test_claude_approves_leaves_and_somebody_else_finishes_its_work(workbench: CommandLine) -> None:
    story = asked_to_leave(workbench, "approve_shutdown")
    (ended,) = [it for it in of("AttemptEnded", story) if it["teammate"] == "ada"]
    assert ended["interrupted"] and ended["commit"]
    (left,) = of("TeammateLeft", story)
    assert (left["name"], left["reason"]) == ("ada", "the person in charge asked it to: enough")
    second = of("AttemptStarted", story)[1]
    assert (second["teammate"], second["carry"]) == ("bob", ended["commit"])
    assert [it["files"] for it in of("TaskLanded", story)] == [["first.txt", "second.txt"]]


def test_claude_rejects_and_the_person_hears_why(workbench: CommandLine) -> None:
    story = asked_to_leave(workbench, "reject_shutdown")
    (answer,) = [it["message"] for it in of("MessageSent", story) if it["message"]["kind"] == "answer"]
    assert (answer["sender"], answer["to"], answer["decision"]) == ("ada", "person", "no")
    assert (answer["text"], answer["reply_to"]) == ("nearly done", "m1")
    assert not of("TeammateLeft", story) and len(of("AttemptStarted", story)) == 1
    assert [it["task"] for it in of("TaskLanded", story)] == ["first"]
