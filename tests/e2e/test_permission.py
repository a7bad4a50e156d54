"""What a Claude teammate may not do unasked is asked of the person, and its tool use waits for the answer."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, of, until
from tests.e2e.test_plan_first import answer, asks, rest, words

pytestmark = pytest.mark.e2e

PLAN = "# One file\n\n## Tasks\n\n### first: The first\n- files: first.txt\n\nWrite first.txt.\n"

SCRIPT = """
default:
  - use: {tool: WebFetch, input: {url: "https://pages.invalid/x", prompt: "what does it say?"}}
  - use: {tool: Write, input: {file_path: "{{worktree}}/first.txt", content: "{{result}}"}}
  - use: {tool: mcp__workbench__done, input: {note: written}}
"""


def asked(workbench: CommandLine, **env: str) -> tuple[Any, list[dict[str, Any]]]:
    process = workbench.start(*words(workbench, SCRIPT, PLAN), WORKBENCH_ON_PERMISSION="ask", **env)
    return process, until(process, asks("permission"))


def test_what_is_asked_for_and_allowed_is_done(workbench: CommandLine, repo: Path) -> None:
    process, before = asked(workbench)
    question = before[-1]["message"]
    assert question["to"] == "person" and question["text"].startswith("WebFetch https://pages.invalid/x")
    answer(repo, question["id"], "yes")
    after = rest(process)

    assert of("ActionDenied", after) == [] and of("Told", after) == []
    assert "settings: web" not in git(repo, "show", "workbench/r/integration:first.txt")
    said = [event["message"] for event in of("MessageSent", after)]
    assert [(it["sender"], it["reply_to"], it["decision"]) for it in said] == [
        ("person", question["id"], "yes")
    ]


def test_what_is_turned_down_is_denied_with_the_reason(workbench: CommandLine, repo: Path) -> None:
    process, before = asked(workbench)
    answer(repo, before[-1]["message"]["id"], "no", "read the docs folder")
    after = rest(process)

    (denied,) = of("ActionDenied", after)
    assert denied["reason"] == "The person in charge says no: read the docs folder"
    assert "read the docs folder" in git(repo, "show", "workbench/r/integration:first.txt")


def test_when_nobody_answers_in_time_it_is_denied(workbench: CommandLine, repo: Path) -> None:
    process, _ = asked(workbench, WORKBENCH_ANSWER_SECONDS="0.5")
    after = rest(process)

    (denied,) = of("ActionDenied", after)
    assert "Nobody answered in time" in denied["reason"]
    assert len(of("TaskLanded", after)) == 1


def test_a_question_at_the_keyboard_is_put_to_the_team(workbench: CommandLine, repo: Path) -> None:
    script = """
tasks:
  first:
    steps:
      - use:
          tool: AskUserQuestion
          input:
            questions:
              - question: Which colour?
                header: Colour
                multiSelect: false
                options: [{label: red, description: warm}, {label: blue, description: cold}]
      - {say: Waiting., end: true}
      - use: {tool: Write, input: {file_path: "{{worktree}}/first.txt", content: blue}}
      - use: {tool: mcp__workbench__done, input: {note: written}}
"""
    process = workbench.start(*words(workbench, script, PLAN), WORKBENCH_ON_QUESTION="ask")
    before = until(process, asks("question"))
    assert before[-1]["message"]["text"] == "Which colour?\n- red: warm\n- blue: cold"
    answer(repo, before[-1]["message"]["id"], "", "blue")
    after = rest(process)

    assert of("ActionDenied", before + after) == []
    assert "blue" in of("Told", after)[0]["text"]
    assert git(repo, "show", "workbench/r/integration:first.txt") == "blue"


def test_a_stop_ends_what_waits_for_a_word(workbench: CommandLine) -> None:
    process, _ = asked(workbench)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    last = json.loads(out.splitlines()[-1])
    assert (last["type"], last["outcome"]) == ("RunFinished", "stopped"), err
    resumed = workbench.start("resume", "--json")
    again = until(resumed, asks("permission"))
    assert again[-1]["message"]["id"] == "m2", "the first is moot"
    answer(workbench.cwd, "m2", "no")
    assert len(of("TaskLanded", rest(resumed))) == 1


RULED = """
default:
  - use: {tool: Bash, input: {command: "touch forbidden.txt"}}
  - use: {tool: Write, input: {file_path: "{{worktree}}/infra/x.tf", content: "x"}}
  - use: {tool: Bash, input: {command: "true && echo asked > first.txt"}}
  - use: {tool: mcp__workbench__done, input: {note: written}}
"""

RULES = {"ask": ["Bash(echo asked *)"], "deny": ["Bash(touch forbidden*)", "Write(infra/**)"]}


def test_the_policy_denies_asks_and_allows_commands_in_the_sandbox_too(
    workbench: CommandLine, repo: Path
) -> None:
    """What a rule asks about is asked whatever ``on_permission`` says, also in the sandbox."""
    process = workbench.start(*words(workbench, RULED, PLAN), WORKBENCH_POLICY=json.dumps(RULES))
    before = until(process, asks("permission"))
    question = before[-1]["message"]
    assert question["text"].startswith("Bash true && echo asked > first.txt")
    assert [(it["tool"], it["target"]) for it in of("ActionDenied", before)] == [
        ("Bash", "touch forbidden.txt"),
        ("Write", of("ActionDenied", before)[1]["target"]),
    ]
    assert "deny: Write(infra/**) (policy, the environment)" in of("ActionDenied", before)[1]["reason"]
    answer(repo, question["id"], "yes")
    rest(process)

    assert git(repo, "show", "workbench/r/integration:first.txt") == "asked"
    assert "forbidden.txt" not in git(repo, "ls-tree", "-r", "--name-only", "workbench/r/integration")
    assert "infra" not in git(repo, "ls-tree", "--name-only", "workbench/r/integration")
