"""A plan that is changed while its run goes on, in files and by request, with a command as the agent."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of, until
from workbench.adapters.requests import leave
from workbench.core.plan import parse
from workbench.core.requests import Answer

pytestmark = pytest.mark.e2e

PLAN = """\
# Two

Context.

## Tasks

### one: One

Do it.

### [ ] two: Two
- after: one

Do it.
"""

THREE = "\n### three: Three\n- after: two\n\nIt was thought of later.\n"

# Task one waits for a file, so that a test decides when it is done.
AGENT = """\
while [ "$WORKBENCH_TASK" = one ] && [ ! -e {folder}/go ]; do sleep 0.05; done
cat > brief.txt
grep -h "^It was" brief.txt >> {folder}/briefs || true
rm brief.txt
echo $WORKBENCH_TASK > $WORKBENCH_TASK.txt
git add -A && git commit -q -m "$WORKBENCH_TASK"
"""


@pytest.fixture
def plan(repo: Path) -> Path:
    path = repo.parent / "plan.md"
    path.write_text(PLAN)
    (repo.parent / "agent.sh").write_text(AGENT.format(folder=repo.parent))
    return path


@pytest.fixture
def words(repo: Path, plan: Path) -> list[str]:
    agent = ["--agent", f"command:sh {repo.parent / 'agent.sh'}", "--no-gates", "--yes", "--json"]
    return ["run", str(plan), *agent, "--run-id", "two", "--team", "2"]


def folder(repo: Path) -> Path:
    return repo / ".git" / "workbench" / "runs" / "two"


def answer(repo: Path, message: str, decision: str = "yes") -> None:
    leave(folder(repo) / "requests", Answer.model_validate({"message": message, "decision": decision}))


def soon(true: Callable[[], bool]) -> None:
    patience = time.monotonic() + 30
    while not true():
        assert time.monotonic() < patience
        time.sleep(0.02)


def boxes(path: Path) -> str:
    """What stands in the boxes, in order."""
    return "".join(line[5] for line in path.read_text().splitlines() if line.startswith("### ["))


def test_a_task_that_is_added_in_the_file_lands_once_a_person_says_yes(
    workbench: CommandLine, repo: Path, plan: Path, words: list[str]
) -> None:
    process = workbench.start(*words)
    until(process, lambda event: event["type"] == "AgentStarted")
    own = folder(repo) / "plan.md"
    soon(lambda: own.exists() and boxes(own) == "~ ")
    plan.write_text(PLAN + THREE)
    seen = until(process, lambda event: event["type"] == "MessageSent")
    assert seen[-2]["type"] == "PlanChangeProposed"
    asked = seen[-1]["message"]
    assert asked["kind"] == "plan-change"
    assert "+ three: Three" in asked["text"] and "It was thought of later." in asked["text"]
    answer(repo, asked["id"])
    until(process, lambda event: event["type"] == "PlanChanged")
    (repo.parent / "go").touch()
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert [event["task"] for event in of("TaskLanded", events(rest))] == ["one", "two", "three"]
    assert (repo.parent / "briefs").read_text() == "It was thought of later.\n"
    assert boxes(own) == "xxx"
    names = ["one", "two", "three"]
    assert [task.id for task in parse(own.read_text(), standing=names).tasks] == names
    assert plan.read_text() == PLAN + THREE, "nobody asked for it to be written"


def test_with_write_back_the_boxes_of_the_users_file_are_ticked_and_nothing_else_and_it_stays_approved(
    workbench: CommandLine, repo: Path, plan: Path, words: list[str]
) -> None:
    plan.write_bytes(PLAN.replace("\n", "\r\n").encode())
    plan.chmod(0o640)
    (repo.parent / "go").touch()
    done = workbench(*words, "--write-back")
    assert done.returncode == 0, done.stderr
    ticked = PLAN.replace("### one", "### [x] one").replace("[ ] two", "[x] two")
    assert plan.read_bytes() == ticked.replace("\n", "\r\n").encode()
    assert plan.stat().st_mode & 0o777 == 0o640
    assert not of("PlanChangeProposed", events(done.stdout))
    undone = workbench("undo", "two")
    assert undone.returncode == 0, undone.stderr
    assert boxes(plan) == "x " and boxes(folder(repo) / "plan.md") == "x!"
    plan.write_bytes(ticked.replace("\n", "\r\n").encode())
    again = workbench(*[word for word in words if word not in ("--yes", "--run-id", "two")])
    assert "every task is done already" in again.stderr, "it is read as done, and not as a plan to approve"
    plan.write_bytes((ticked + THREE.replace("- after: two\n", "")).replace("\n", "\r\n").encode())
    changed = workbench(*[word for word in words if word not in ("--yes", "--run-id", "two")])
    assert changed.returncode == 2 and "not approved" in changed.stderr


def test_what_is_ticked_is_still_approved(
    workbench: CommandLine, repo: Path, plan: Path, words: list[str]
) -> None:
    agent = AGENT.format(folder=repo.parent)
    (repo.parent / "agent.sh").write_text('[ "$WORKBENCH_TASK" = one ] || exit 1\n' + agent)
    (repo.parent / "go").touch()
    first = workbench(*words, "--write-back", WORKBENCH_ATTEMPTS="1")
    assert first.returncode == 1, first.stderr
    assert boxes(plan) == "x "
    (repo.parent / "agent.sh").write_text(agent)
    again = [word for word in words if word not in ("--yes", "two", "--run-id")]
    done = workbench(*again, "--base", "workbench/two/integration", "--run-id", "rest")
    assert done.returncode == 0, done.stderr
    assert [event["task"] for event in of("TaskLanded", events(done.stdout))] == ["two"]


def test_the_runs_own_file_can_be_changed_and_a_no_puts_it_back(
    workbench: CommandLine, repo: Path, plan: Path, words: list[str]
) -> None:
    process = workbench.start(*words)
    until(process, lambda event: event["type"] == "AgentStarted")
    own = folder(repo) / "plan.md"
    soon(lambda: own.exists() and boxes(own) == "~ ")
    before = own.read_text()
    own.write_text(before + THREE)
    seen = until(process, lambda event: event["type"] == "MessageSent")
    answer(repo, seen[-1]["message"]["id"], "no")
    until(process, lambda event: event["type"] == "PlanChangeDropped")
    soon(lambda: own.read_text() == before)
    own.write_text(before.replace("### [ ] two: Two\n\n- after: one", "### [x] two: Zwei"))
    seen = until(process, lambda event: event["type"] == "MessageSent")
    assert "title: Zwei (was: Two)" in seen[-1]["message"]["text"]
    answer(repo, seen[-1]["message"]["id"])
    seen = until(process, lambda event: event["type"] == "TaskLanded")
    assert seen[-1]["task"] == "two", "it waits for nothing any more"
    (repo.parent / "go").touch()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert boxes(own) == "xx"
    assert plan.read_text() == PLAN


def test_a_proposal_outlives_a_kill_and_the_end_of_the_run(
    workbench: CommandLine, repo: Path, plan: Path, words: list[str]
) -> None:
    process = workbench.start(*words)
    until(process, lambda event: event["type"] == "AgentStarted")
    plan.write_text(PLAN + THREE)
    asked = until(process, lambda event: event["type"] == "MessageSent")[-1]["message"]["id"]
    process.kill()
    process.wait()
    (repo.parent / "go").touch()
    done = workbench("resume", "two", "--json")
    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert not of("PlanChangeProposed", story), "it was proposed already"
    assert [event["task"] for event in of("TaskLanded", story)] == ["one", "two"]
    report = workbench("report", "two")
    assert f"workbench answer {asked} yes" in report.stdout
    over = workbench("resume", "two")
    assert over.returncode == 2 and f"workbench answer {asked} yes" in over.stderr
    assert asked in workbench("inbox").stdout
    said = workbench("answer", asked, "yes")
    assert said.returncode == 0, said.stderr
    more = workbench("resume", "two", "--json")
    assert more.returncode == 0, more.stderr
    assert [event["task"] for event in of("TaskLanded", events(more.stdout))] == ["three"]
    assert boxes(folder(repo) / "plan.md") == "xxx"
    assert "Run two is over: landed." in workbench("resume", "two").stderr
    assert "three" in git(repo, "log", "--format=%s", "workbench/two/integration")


def test_propose_needs_no_file_of_the_run(
    workbench: CommandLine, repo: Path, plan: Path, words: list[str]
) -> None:
    (repo.parent / "go").touch()
    assert workbench(*words).returncode == 0
    other = repo.parent / "other.md"
    other.write_text(PLAN + THREE)
    said = workbench("propose", str(other), "--yes")
    assert said.returncode == 0, said.stderr
    assert "kept until" in said.stderr
    more = workbench("resume", "two", "--json")
    assert more.returncode == 0, more.stderr
    assert [event["task"] for event in of("TaskLanded", events(more.stdout))] == ["three"]
    same = workbench("propose", str(other))
    assert same.returncode == 2 and "asks for nothing" in same.stderr
    other.write_text(PLAN + THREE.replace("after: two", "after: four"))
    bad = workbench("propose", str(other))
    assert bad.returncode == 2 and 'waits for "four"' in bad.stderr
    assert not list((folder(repo) / "requests").iterdir())


def test_propose_and_answer_while_the_run_goes_on(
    workbench: CommandLine, repo: Path, plan: Path, words: list[str]
) -> None:
    process = workbench.start(*words)
    until(process, lambda event: event["type"] == "AgentStarted")
    other = repo.parent / "other.md"
    other.write_text(PLAN + THREE)
    said = workbench("propose", str(other))
    assert said.returncode == 0, said.stderr
    assert said.stdout == "two: adds three\n"
    inbox = workbench("inbox").stdout
    assert "+ three: Three" in inbox and "workbench answer m1 yes" in inbox
    assert workbench("answer", "m1", "no", "not", "now").returncode == 0
    assert until(process, lambda event: event["type"] == "PlanChangeDropped")[-1]["reason"].endswith(
        "not now"
    )
    assert workbench("propose", str(other), "--yes").returncode == 0
    until(process, lambda event: event["type"] == "PlanChanged")
    (repo.parent / "go").touch()
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "three" in [event["task"] for event in of("TaskLanded", events(rest))]
