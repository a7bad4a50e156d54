"""A whole run with a command as the agent: no model anywhere, everything else real."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, leftovers, of, until

pytestmark = pytest.mark.e2e

PLAN = """\
---
gates: ["sh gate.sh"]
team: 2
---
# Two greetings

Everyone reads this.

## Contract
Functions are named greet_NAME.

## Tasks

### hello: Say hello
- files: src/hello.py

Write it.

### goodbye: Say goodbye
- after: hello
- files: src/goodbye.py

Write it too.
"""

AGENT = """\
set -e
grep -q "Functions are named greet_NAME" "$WORKBENCH_BRIEF"
cat > brief-seen.txt
workbench mark progress "writing" --percent 50
echo "def greet_$WORKBENCH_TASK(): return '$WORKBENCH_TASK'" > "src/$WORKBENCH_TASK.py"
git add src && git commit -q -m "add $WORKBENCH_TASK"
rm brief-seen.txt
workbench mark done "written"
"""


@pytest.fixture
def plan(repo: Path) -> Path:
    (repo / "gate.sh").write_text("test ! -e broken\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a gate")
    path = repo.parent / "plan.md"
    path.write_text(PLAN)
    return path


@pytest.fixture
def agent(repo: Path) -> str:
    script = repo.parent / "agent.sh"
    script.write_text(AGENT)
    return f"command:sh {script}"


def test_a_plan_becomes_landed_work_and_the_checkout_is_untouched(
    workbench: CommandLine, repo: Path, plan: Path, agent: str
) -> None:
    before = (git(repo, "rev-parse", "HEAD"), git(repo, "status", "--porcelain"))

    done = workbench("run", str(plan), "--agent", agent, "--yes", "--json", "--run-id", "greet")

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert [event["seq"] for event in story] == list(range(1, len(story) + 1))
    assert [event["task"] for event in of("TaskLanded", story)] == ["hello", "goodbye"]
    assert {event["kind"] for event in of("MarkerReceived", story)} == {"progress", "done"}
    assert story[-1]["type"] == "RunFinished" and story[-1]["outcome"] == "landed"
    assert (git(repo, "rev-parse", "HEAD"), git(repo, "status", "--porcelain")) == before
    branch = "workbench/greet/integration"
    assert git(repo, "show", f"{branch}:src/goodbye.py") == "def greet_goodbye(): return 'goodbye'"
    assert "Workbench-Task: goodbye" in git(repo, "log", "-1", "--format=%B", branch)
    assert ".workbench" not in git(repo, "ls-tree", "-r", "--name-only", branch)
    assert len(git(repo, "worktree", "list").splitlines()) == 1, "worktrees were left behind"

    shown = workbench("report", "--format", "md")
    assert shown.returncode == 0 and "every task landed" in shown.stdout


def test_the_second_task_starts_where_the_first_landed(
    workbench: CommandLine, repo: Path, plan: Path, agent: str
) -> None:
    done = workbench("run", str(plan), "--agent", agent, "--yes", "--json")

    story = events(done.stdout)
    landed = of("TaskLanded", story)[0]["commit"]
    second = [event for event in of("AttemptStarted", story) if event["task"] == "goodbye"]
    assert [event["start"] for event in second] == [landed]


def test_work_left_uncommitted_is_snapshotted_and_lands(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    agent = 'command:echo "$WORKBENCH_TASK" > "src/$WORKBENCH_TASK.py"'

    done = workbench("run", str(plan), "--agent", agent, "--yes", "--json", "--run-id", "left")

    assert done.returncode == 0, done.stderr
    assert all(event["snapshot"] for event in of("WorkCollected", events(done.stdout)))
    assert git(repo, "show", "workbench/left/integration:src/hello.py") == "hello"


def test_teammates_can_commit_where_git_knows_no_user(
    workbench: CommandLine, repo: Path, plan: Path, agent: str
) -> None:
    nobody = dict.fromkeys(
        f"GIT_{role}_{key}" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")
    )

    done = workbench("run", str(plan), "--agent", agent, "--yes", "--run-id", "anon", **nobody)

    assert done.returncode == 0, done.stderr
    authors = git(repo, "log", "--format=%an", "--no-merges", "main..workbench/anon/integration")
    assert set(authors.splitlines()) == {"workbench teammate"}


def test_red_work_is_tried_again_then_given_up_and_what_waits_is_held(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    done = workbench(
        "run", str(plan), "--agent", "command:echo x > broken", "--yes", "--json", "--run-id", "red"
    )

    assert done.returncode == 1
    story = events(done.stdout)
    assert [event["final"] for event in of("AttemptFailed", story)] == [False, False, True]
    assert not of("TaskLanded", story)
    assert git(repo, "rev-parse", "workbench/red/integration") == git(repo, "rev-parse", "main")
    kept = of("AttemptFailed", story)[-1]["commit"]
    assert git(repo, "show", f"{kept}:broken") == "x"
    assert kept in git(repo, "for-each-ref", "--format=%(objectname)", "refs/workbench/red")
    said = workbench("status")
    assert "goodbye" in said.stdout and "waits for hello, which was given up" in said.stdout


def test_an_agent_that_does_nothing_is_no_success(workbench: CommandLine, plan: Path) -> None:
    done = workbench("run", str(plan), "--agent", "command:true", "--yes", "--json")

    assert done.returncode == 1
    assert "no change" in of("AttemptFailed", events(done.stdout))[0]["reason"]


def test_conflicting_work_is_resolved_in_a_fixup_attempt(
    workbench: CommandLine, repo: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text(
        "# Lines\n\n## Tasks\n\n### one: One\n\nadd one\n\n### two: Two\n\nadd two\n", encoding="utf-8"
    )
    # Both wait for each other, so that both start from the same commit and collide.
    script = tmp_path / "agent.sh"
    script.write_text(
        f"""\
set -e
if grep -q '^<<<<<<<' README.md; then
  sed -i -e '/^<<<<<<</d' -e '/^=======$/d' -e '/^>>>>>>>/d' -e '/^|||||||/d' README.md
  git add README.md && git commit -q --no-edit
  exit 0
fi
touch {tmp_path}/started-$WORKBENCH_TASK
while [ ! -e {tmp_path}/started-one ] || [ ! -e {tmp_path}/started-two ]; do sleep 0.05; done
echo "line $WORKBENCH_TASK" > README.md  # instead of what was there: no union
git commit -q -am "line $WORKBENCH_TASK"
""",
        encoding="utf-8",
    )

    done = workbench(
        "run", str(plan), "--agent", f"command:sh {script}", "--gate", "true", "--yes", "--json",
        "--run-id", "lines",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    (conflict,) = of("TaskConflicted", story)
    assert conflict["paths"] == ["README.md"] and len(conflict["others"]) == 1
    text = git(repo, "show", "workbench/lines/integration:README.md")
    assert "line one" in text and "line two" in text and "<<<<" not in text


def test_ctrl_c_keeps_what_there_is_and_resume_finishes(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    script = tmp_path / "slow.sh"
    script.write_text(
        f"""\
echo half > "src/$WORKBENCH_TASK.py"
workbench mark progress half --percent 50
while [ ! -e {tmp_path}/go ]; do sleep 0.05; done
echo whole > "src/$WORKBENCH_TASK.py"
"""
    )
    words = ("run", str(plan), "--agent", f"command:sh {script}", "--yes", "--json", "--run-id", "slow")
    process = workbench.start(*words)
    until(process, lambda event: event["type"] == "MarkerReceived")

    process.send_signal(signal.SIGINT)
    rest, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert "workbench resume slow" in workbench("status").stderr
    (ended,) = of("AttemptEnded", events(rest))
    assert ended["interrupted"] and git(repo, "show", f"{ended['commit']}:src/hello.py") == "half"
    assert not leftovers(repo)
    (tmp_path / "go").touch()
    resumed = workbench("resume", "slow", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert git(repo, "show", "workbench/slow/integration:src/hello.py") == "whole"


@pytest.mark.parametrize("moment", ["AttemptStarted", "MarkerReceived", "WorkCollected", "CandidateMade"])
def test_kill_9_and_resume_lose_nothing_and_double_nothing(
    workbench: CommandLine, repo: Path, plan: Path, agent: str, moment: str
) -> None:
    words = ("run", str(plan), "--agent", agent, "--yes", "--json", "--run-id", "killed")
    process = workbench.start(*words)
    before = until(process, lambda event: event["type"] == moment)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    resumed = workbench("resume", "--json")

    assert resumed.returncode == 0, resumed.stderr
    branch = "workbench/killed/integration"
    log = git(repo, "log", "--first-parent", "--format=%s", branch).splitlines()
    assert log == ["Land goodbye: Say goodbye", "Land hello: Say hello", "a gate", "first"]
    story = before + events(resumed.stdout)
    assert len(of("TaskLanded", story)) <= 2  # one of them may stand between the two processes
    report = workbench("report", "--json")
    assert report.returncode == 0 and report.stdout.count('"proven": true') == 2
    assert not leftovers(repo)


def test_a_gate_finds_nothing_that_another_gate_made(
    workbench: CommandLine, repo: Path, tmp_path: Path
) -> None:
    """What is green must be green in a fresh checkout: ignored files do not outlive a gate."""
    (repo / ".gitignore").write_text("made\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "ignore what gates make")
    plan = tmp_path / "plan.md"
    plan.write_text("# P\n\n## Tasks\n\n### one: One\n\nx\n\n### two: Two\n- after: one\n\nx\n")
    gate = "if [ -e makes ]; then touch made; fi; [ ! -e needs ] || [ -e made ]"
    agent = 'command:if [ "$WORKBENCH_TASK" = one ]; then touch makes; else rm makes; touch needs; fi'

    done = workbench(
        "run", str(plan), "--agent", agent, "--gate", gate, "--yes", "--json", "--run-id", "dirt"
    )

    assert done.returncode == 1
    assert [event["task"] for event in of("TaskLanded", events(done.stdout))] == ["one"]


def test_what_set_up_made_is_nobodys_work(workbench: CommandLine, repo: Path, plan: Path, agent: str) -> None:
    (repo / "workbench.toml").write_text('setup = ["touch by-setup; echo more >> README.md"]\n')

    idle = workbench("run", str(plan), "--agent", "command:true", "--yes", "--run-id", "idle", "--json")
    assert idle.returncode == 1
    assert "no change" in of("AttemptFailed", events(idle.stdout))[0]["reason"]

    done = workbench("run", str(plan), "--agent", agent, "--yes", "--run-id", "busy")
    assert done.returncode == 0, done.stderr
    landed = git(repo, "diff", "--name-only", "main", "workbench/busy/integration").splitlines()
    assert sorted(landed) == ["src/goodbye.py", "src/hello.py"]


def test_a_branch_that_was_moved_back_is_no_success(
    workbench: CommandLine, repo: Path, plan: Path, agent: str
) -> None:
    assert workbench("run", str(plan), "--agent", agent, "--yes", "--run-id", "back").returncode == 0
    git(repo, "update-ref", "refs/heads/workbench/back/integration", "main")

    report = workbench("report", "--format", "md")

    assert report.returncode == 1
    assert "NOT on the integration branch" in report.stdout and "0 of 2 tasks" in report.stdout
    assert "NOT on the integration branch" in workbench("status").stdout
    assert 'failures="2"' in workbench("report", "--format", "junit").stdout


def test_gates_and_set_up_get_no_secrets(workbench: CommandLine, repo: Path, plan: Path, agent: str) -> None:
    (repo / "workbench.toml").write_text(
        'setup = ["test -z \\"$DATABASE_URL$GITHUB_TOKEN$ANTHROPIC_API_KEY\\""]\n'
    )
    (repo / "gate.sh").write_text('test -z "$DATABASE_URL$GITHUB_TOKEN$ANTHROPIC_API_KEY"\n')
    git(repo, "commit", "-q", "-am", "a gate that looks around")
    secrets = {"DATABASE_URL": "x", "GITHUB_TOKEN": "y", "ANTHROPIC_API_KEY": "z"}

    done = workbench("run", str(plan), "--agent", agent, "--yes", **secrets)  # type: ignore[arg-type]

    assert done.returncode == 0, done.stderr


def test_what_is_odd_is_said(workbench: CommandLine, repo: Path, plan: Path, agent: str) -> None:
    (repo / "workbench.toml").write_text('copy = ["no-such-file"]\n')
    done = workbench("run", str(plan), "--agent", agent, "--yes", WORKBENCH_TRUST="always")
    assert done.returncode == 0 and "no-such-file" in done.stderr


def test_a_branch_that_is_moved_back_during_the_run_is_put_back(
    workbench: CommandLine, repo: Path, plan: Path, agent: str
) -> None:
    ref = "refs/heads/workbench/moved/integration"
    rewinds = f"{agent} && [ $WORKBENCH_TASK = hello ] || git update-ref {ref} main"

    done = workbench("run", str(plan), "--agent", rewinds, "--yes", "--json", "--run-id", "moved")

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    (back,) = of("RefRestored", story)
    landed = of("TaskLanded", story)
    assert (back["ref"], back["put_back"]) == (ref, landed[0]["commit"])
    assert back["found"] == git(repo, "rev-parse", "main") and back["suspects"] == ["ada at goodbye"]
    assert git(repo, "rev-parse", ref) == landed[-1]["commit"]
    report = workbench("report", "--format", "md").stdout
    assert "## Alarms" in report and "workbench/moved/integration was moved" in report
    assert "workbench/moved/integration was moved" in workbench("status").stdout


def test_no_garbage_is_collected_on_a_teammates_commit(
    workbench: CommandLine, repo: Path, plan: Path, agent: str
) -> None:
    git(repo, "config", "gc.auto", "1")
    looks = "git config gc.auto > gc.txt && git config maintenance.auto >> gc.txt && git add gc.txt"
    done = workbench("run", str(plan), "--agent", f"{agent} && {looks}", "--yes", "--run-id", "quiet")
    assert done.returncode == 0, done.stderr
    assert git(repo, "show", "workbench/quiet/integration:gc.txt").split() == ["0", "false"]


def test_resuming_a_run_that_was_killed_while_it_cleared_away_clears_away(
    workbench: CommandLine, repo: Path, plan: Path, agent: str
) -> None:
    words = ("run", str(plan), "--agent", agent, "--yes", "--run-id", "cut")
    assert workbench(*words, WORKBENCH_CRASH="kill:1@worktree.dismiss").returncode == -signal.SIGKILL
    assert len(git(repo, "worktree", "list").splitlines()) > 1
    done = workbench("resume", "cut")
    assert done.returncode == 2 and "is over: landed" in done.stderr
    assert len(git(repo, "worktree", "list").splitlines()) == 1
    assert not list((repo.parent / "home" / "state").rglob("src"))
