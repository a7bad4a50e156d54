"""Limits, hangs and endless failures in whole runs: what holds a team back, and that it goes on by itself."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from claude_agent_sdk import RateLimitEvent, RateLimitInfo, ResultMessage

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of, until
from workbench.adapters.agents.claude import translate
from workbench.adapters.store.sqlite import SqliteStore
from workbench.core.models import Usage

pytestmark = pytest.mark.e2e

PLAN = """\
# A plan

## Tasks

### first: The first

Write first.txt.

### second: The second

Write second.txt.
"""

WRITE = 'echo "$WORKBENCH_TASK" > "$WORKBENCH_TASK.txt"; workbench mark done\n'


@pytest.fixture
def plan(repo: Path) -> str:
    path = repo.parent / "plan.md"
    path.write_text(PLAN)
    return str(path)


def agent(repo: Path, text: str) -> str:
    script = repo.parent / "agent.sh"
    script.write_text(text)
    return f"command:sh {script}"


def landed_files(repo: Path) -> list[str]:
    return git(repo, "ls-tree", "--name-only", "workbench/r/integration").split()


def test_a_model_that_stays_overloaded_pauses_the_run_and_the_same_session_goes_on(
    workbench: CommandLine, repo: Path
) -> None:
    plan, script = repo.parent / "plan.md", repo.parent / "script.yaml"
    plan.write_text(PLAN.partition("### second")[0])
    script.write_text(
        """\
tasks:
  first:
    attempts:
      - - fault: {status: 529, times: 9}
      - - use: {tool: Write, input: {file_path: "{{worktree}}/first.txt", content: "1"}}
        - use: {tool: mcp__workbench__done, input: {note: written}}
"""
    )

    done = workbench(
        "rehearse", str(plan), "--script", str(script), "--gate", "true", "--json", "--run-id", "r",
        CLAUDE_CODE_MAX_RETRIES="1",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    (slowed,) = of("TeamSlowed", story)
    assert slowed["status"] == 529
    (paused,) = of("TeamPaused", story)
    assert paused["limit"] == "rate"
    assert of("AttemptFailed", story) == [], "no attempt is burned"
    _, second = of("AttemptStarted", story)
    assert second["why"] == "continued"
    assert second["session"] == of("AgentStarted", story)[0]["session"]
    assert "first.txt" in landed_files(repo)


def test_a_command_that_meets_a_limit_is_started_again_later_and_no_attempt_counts(
    workbench: CommandLine, repo: Path, plan: str
) -> None:
    over = repo.parent / "limit-over"
    text = f"test -e {over} || {{ touch {over}; exit 75; }}\n{WRITE}"

    done = workbench(
        "run", plan, "--agent", agent(repo, text), "--yes", "--json", "--run-id", "r", "--gate", "true",
        "--team", "1", WORKBENCH_ATTEMPTS="1",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert len(of("TeamPaused", story)) == len(of("TeamUnpaused", story)) == 1
    assert of("AttemptFailed", story) == []
    assert {"first.txt", "second.txt"} <= set(landed_files(repo))


def test_a_hang_is_ended_with_all_it_started_and_the_next_attempt_has_its_work(
    workbench: CommandLine, repo: Path, plan: str
) -> None:
    hang = 'test "$WORKBENCH_ATTEMPT-$WORKBENCH_TASK" = 1-first && { echo half > half.txt; sleep 600; }'
    text = f"{hang}\n{WRITE}"

    done = workbench(
        "run", plan, "--agent", agent(repo, text), "--yes", "--json", "--run-id", "r", "--gate", "true",
        WORKBENCH_IDLE_SECONDS="0.6", WORKBENCH_NUDGE_SECONDS="0.2",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert [event["last"] for event in of("DeadlinePassed", story)] == [False, True]
    (failed,) = of("AttemptFailed", story)
    assert failed["broke"]
    assert "no sign of life" in failed["reason"]
    assert {"half.txt", "first.txt", "second.txt"} <= set(landed_files(repo))


def test_who_only_writes_files_is_not_silent(workbench: CommandLine, repo: Path, plan: str) -> None:
    text = f"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i > notes.txt; sleep 0.2; done\n{WRITE}"

    done = workbench(
        "run", plan, "--agent", agent(repo, text), "--yes", "--json", "--run-id", "r", "--gate", "true",
        WORKBENCH_IDLE_SECONDS="1.2", WORKBENCH_NUDGE_SECONDS="0.2",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert of("DeadlinePassed", events(done.stdout)) == []


def test_a_paused_run_says_until_when_and_can_be_stopped_and_resumed(
    workbench: CommandLine, repo: Path, plan: str
) -> None:
    first = agent(repo, "exit 75\n")
    run = workbench.start(
        "run", plan, "--agent", first, "--yes", "--json", "--run-id", "r", "--gate", "true",
        WORKBENCH_RETRY_SECONDS="3600",
    )  # fmt: skip
    until(run, lambda event: event["type"] == "AttemptEnded")

    said = workbench("status")
    assert "paused until" in said.stdout
    run.terminate()
    assert run.wait(30) == 130
    agent(repo, WRITE)
    resumed = workbench("resume", "--json")

    assert resumed.returncode == 0, resumed.stderr
    assert {"first.txt", "second.txt"} <= set(landed_files(repo))


def test_a_budget_of_a_task_is_read_from_the_plan(workbench: CommandLine, repo: Path, plan: str) -> None:
    Path(plan).write_text(PLAN.replace("### first: The first\n", "### first: The first\n\n- budget: $2.50\n"))
    said = workbench("check", plan)
    assert said.returncode == 0, said.stderr
    assert "budget: $2.50" in said.stdout
    Path(plan).write_text(PLAN.replace("### first: The first\n", "### first: The first\n\n- budget: lots\n"))
    said = workbench("check", plan)
    assert said.returncode == 2
    assert '"budget" is no amount of US dollars' in said.stderr


# -- what Claude Code says about limits --------------------------------------------------------------


def result(**values: object) -> ResultMessage:
    fields = {
        "subtype": "success", "duration_ms": 1, "duration_api_ms": 1, "is_error": True, "num_turns": 1,
        "session_id": "s", "result": "You've hit your limit",
    }  # fmt: skip
    return ResultMessage(**(fields | values))  # type: ignore[arg-type]


def test_a_usage_limit_has_the_time_of_its_reset() -> None:
    reset = int(time.time()) + 3600
    event = RateLimitEvent(
        RateLimitInfo(status="rejected", resets_at=reset, rate_limit_type="five_hour"), "u", "s"
    )
    retried = translate.limited(event)
    assert retried is not None
    assert 3590 < retried.delay_seconds <= 3600
    ended = translate.ended(result(api_error_status=429), Usage(), "rate_limit", None, float(reset))
    assert (ended.limit, ended.resets_at, ended.login) == ("usage", float(reset), False)


def test_nobody_waits_for_a_limit_beyond_which_is_paid() -> None:
    info = RateLimitInfo(status="rejected", resets_at=2_000_000_000, overage_status="allowed")
    assert translate.limited(RateLimitEvent(info, "u", "s")) is None


def test_limits_without_a_reset_and_errors_that_are_none() -> None:
    assert translate.ended(result(api_error_status=529), Usage(), "server_error", None, None).limit == "rate"
    unknown = translate.ended(result(api_error_status=429), Usage(), "rate_limit", None, 0.0)
    assert (unknown.limit, unknown.resets_at) == ("usage", None)
    assert translate.ended(result(api_error_status=400), Usage(), "invalid_request", None, None).limit == ""
    credit = translate.ended(result(), Usage(), "billing_error", None, None)
    assert credit.login
    assert "credit" in credit.error


def test_the_time_that_a_run_was_dead_is_no_time_of_the_run(
    workbench: CommandLine, repo: Path, plan: str
) -> None:
    go = repo.parent / "second-life"
    slow = f"test -e {go} || sleep 600\n{WRITE}"
    run = workbench.start(
        "run", plan, "--agent", agent(repo, slow), "--yes", "--json", "--run-id", "r", "--gate", "true"
    )
    until(run, lambda event: event["type"] == "AgentStarted")
    run.kill()
    run.communicate()
    go.touch()
    resumed = workbench("resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    with SqliteStore.reading(repo / ".git" / "workbench" / "events.db") as store:
        records = store.read("r")
    resumption = next(place for place, it in enumerate(records) if it.type == "RunResumed")
    died = [it for it in records[:resumption] if it.type == "AttemptEnded"]
    last = [it for it in records[:resumption] if it.type != "AttemptEnded"][-1]
    assert died
    assert {it.at for it in died} == {last.at}
