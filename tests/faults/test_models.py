"""Rows about the model: limits, overload, broken answers, keys. The real Claude Code, a hostile model.

One run plays ``hostile.yaml``, a task for each fault, so that nine of them cost little more than one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import IDENTITY, LEAKY, git
from tests.e2e.conftest import CommandLine, Event, events, leftovers, of
from tests.faults.conftest import landed

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).with_name("hostile.yaml")


@dataclass(frozen=True)
class Played:
    """A run of the hostile model that is over."""

    repo: Path
    story: list[Event]
    said: str

    def of(self, kind: str, task: str) -> list[Event]:
        """The events of a type for a task."""
        return [event for event in of(kind, self.story) if event.get("task") == task]

    def landed(self, task: str) -> bool:
        """Whether the task landed, once, in its first attempt, with what it wrote."""
        (found,) = self.of("TaskLanded", task)
        whole = git(self.repo, "show", f"{found['commit']}:{task}.txt") == "fine"
        return whole and not self.of("AttemptFailed", task)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("played")
    env = {name: value for name, value in os.environ.items() if not name.startswith(LEAKY)}
    home = {"HOME": "", "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"}
    env |= IDENTITY | {name: str(folder / "home" / below) for name, below in home.items()}
    repo = folder / "repo"
    repo.mkdir()
    (folder / "home").mkdir()
    for words in (("init", "-q", "-b", "main"), ("commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run(["git", *words], cwd=repo, env=env, check=True)
    names = re.findall(r"^  ([a-z-]+):$", SCRIPT.read_text(), re.MULTILINE)
    heads = "".join(f"### {name}: T\n- attempts: 1\n\nDo it.\n\n" for name in names)
    (folder / "plan.md").write_text(f"# P\n\n## Tasks\n\n{heads}")
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "rehearse", str(folder / "plan.md"), "--script", str(SCRIPT),
         "--gate", "true", "--json", "--run-id", "r", "--team", "4"],
        cwd=repo, env=env, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    yield Played(repo, events(done.stdout), done.stderr)
    assert not leftovers(repo)


def test_overloaded_529_is_waited_out_and_no_attempt_is_burned(played: Played) -> None:
    assert [it["status"] for it in played.of("AgentRetried", "overloaded")] == [529, 529, 500]
    assert played.landed("overloaded")


def test_rate_limit_429_is_waited_out_and_no_attempt_is_burned(played: Played) -> None:
    assert [it["status"] for it in played.of("AgentRetried", "rate-limited")] == [429, 429]
    assert played.landed("rate-limited")


@pytest.mark.parametrize("task", ["cut", "garbage", "trickle"])
def test_broken_streams_lose_nothing(played: Played, task: str) -> None:
    assert played.landed(task)


def test_a_refusal_is_survived(played: Played) -> None:
    assert played.landed("refusal")


def test_invalid_tool_input_is_the_models_to_mend(played: Played) -> None:
    assert played.landed("invalid-input")
    assert "\x1b" not in json.dumps(played.story, ensure_ascii=False)


def test_huge_tool_output_stays_out_of_events(played: Played) -> None:
    assert played.landed("huge-output")
    assert max(len(json.dumps(event)) for event in played.story) < 50_000


def test_is_error_is_believed_over_success_and_exit_0(played: Played) -> None:
    """Claude Code ends such a turn with subtype "success" and would exit 0 (claude-code#79500)."""
    (failed,) = played.of("AttemptFailed", "error-called-success")
    assert "HTTP 400" in failed["reason"]
    assert not played.of("TaskLanded", "error-called-success")
    assert git(played.repo, "show", f"{failed['commit']}:error-called-success.txt") == "fine"


def test_a_refusal_to_the_end_is_no_success_and_keeps_the_work(played: Played) -> None:
    (failed,) = played.of("AttemptFailed", "refused-to-the-end")
    assert failed["reason"]
    assert git(played.repo, "show", f"{failed['commit']}:refused-to-the-end.txt") == "fine"


def _rehearse(
    workbench: CommandLine, plan: Path, script: str, *more: str
) -> subprocess.CompletedProcess[str]:
    (plan.parent / "script.yaml").write_text(script)
    words = ("--script", str(plan.parent / "script.yaml"), "--gate", "true", "--json", "--run-id", "r")
    return workbench("rehearse", str(plan), *words, *more)


WORK = """
  - use: {tool: Write, input: {file_path: "{{worktree}}/one.txt", content: fine}}
  - FAULT
  - use: {tool: mcp__workbench__done, input: {note: written}}
"""


def test_key_expired_in_mid_run_pauses_with_one_message_and_resumes_after_login(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    broken = "default:" + WORK.replace("FAULT", "fault: {status: 401, times: 99}")

    done = _rehearse(workbench, plan, broken)

    assert done.returncode == 2, done.stderr
    story = events(done.stdout)
    assert story[-1]["outcome"] == "stopped" and not of("AttemptFailed", story)
    assert "ANTHROPIC_API_KEY" in story[-1]["reason"] and "/login" in story[-1]["reason"]
    (ended,) = of("AttemptEnded", story)
    assert git(repo, "show", f"{ended['commit']}:one.txt") == "fine"
    told = workbench("status").stderr
    assert "workbench resume r" in told
    (stored,) = (repo / ".git" / "workbench").rglob("rehearsal.json")  # the login, so to speak
    stored.write_text(stored.read_text().replace('"status":401,"times":99', '"status":529,"times":1'))

    resumed = workbench("resume", "--json")

    assert resumed.returncode == 0, resumed.stderr
    assert landed(repo, "one.txt") == "fine"


def test_usage_limit_is_a_pause_with_a_time_and_the_run_goes_on_at_it(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    """Told by the API's own headers, and understood by Claude Code as a subscription's five hours."""
    script = """
account: subscription
default:
  attempts:
    - - fault: {limit: 4, times: 9}
    - - use: {tool: Write, input: {file_path: "{{worktree}}/one.txt", content: fine}}
      - use: {tool: mcp__workbench__done, input: {note: written}}
"""
    done = _rehearse(workbench, plan, script)

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    (paused,) = of("TeamPaused", story)
    assert paused["limit"] == "usage" and paused["until"] > 0
    assert len(of("TeamUnpaused", story)) == 1 and not of("AttemptFailed", story)
    assert landed(repo, "one.txt") == "fine"
