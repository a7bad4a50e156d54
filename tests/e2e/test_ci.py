"""Runs as a step of a job: the real command line, commands as teammates, and the files a runner gives."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.conftest import git
from tests.core.test_ci_commands import as_read
from tests.e2e.conftest import CommandLine, events, of, until

pytestmark = pytest.mark.e2e

PLAN = """\
# A plan ::error::forged ##[error]forged

## Tasks

### first: The | first <b>

Write first.txt.

### second: The second

Write second.txt.
"""

WRITE = 'echo "$WORKBENCH_TASK" > "$WORKBENCH_TASK.txt"; workbench mark done\n'


@dataclass
class Runner:
    """A step's surroundings: its variables, and what was written to its files."""

    folder: Path

    @property
    def env(self) -> dict[str, Any]:
        return {
            "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
        }

    @property
    def outputs(self) -> dict[str, str]:
        return as_read((self.folder / "output").read_text())

    @property
    def page(self) -> str:
        return (self.folder / "summary").read_text()

    def forget(self) -> None:
        for name in ("output", "summary"):
            (self.folder / name).unlink()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    folder = tmp_path / "runner"
    folder.mkdir()
    return Runner(folder)


@pytest.fixture
def plan(repo: Path) -> str:
    path = repo / "plan.md"
    path.write_text(PLAN)
    return str(path)


def agent(repo: Path, text: str) -> str:
    script = repo.parent / "agent.sh"
    script.write_text(text)
    return f"command:sh {script}"


def commands(log: str) -> list[str]:
    """The lines of a log that a runner obeys."""
    found, token = [], ""
    for line in log.splitlines():
        text = line.lstrip()
        if token:
            token = "" if text == f"::{token}::" else token
        elif text.startswith("::stop-commands::"):
            token = text.removeprefix("::stop-commands::")
        elif text.startswith("::") or "##[" in line:
            found.append(text)
    assert not token, "commands are obeyed again in the end"
    return found


def notes(log: str) -> list[str]:
    """The annotations of a log."""
    return [it for it in commands(log) if not it.startswith(("::group::", "::endgroup::"))]


def test_a_run_that_landed_leaves_all_that_a_job_wants(
    workbench: CommandLine, repo: Path, plan: str, runner: Runner
) -> None:
    done = workbench(
        "run", plan, "--agent", agent(repo, WRITE), "--yes", "--run-id", "r", "--gate", "true", **runner.env
    )

    assert done.returncode == 0, done.stderr
    assert runner.outputs == {
        "run": "r", "outcome": "landed", "landed": "2", "failed": "0", "tasks": "2", "asks": "0",
        "branch": "workbench/r/integration", "cost": "0.00", "resumable": "false", "resume_at": "",
        "report": str(runner.folder / "workbench-report.md"),
        "junit": str(runner.folder / "workbench-junit.xml"),
    }  # fmt: skip
    assert notes(done.stderr) == notes(done.stdout) == []
    groups = [it for it in commands(done.stderr) if it.startswith("::group::")]
    assert any("first, attempt 1" in it for it in groups)
    assert done.stderr.count("::group::") == done.stderr.count("::endgroup::") > 0
    assert "landed as" in done.stderr
    assert "| <code>first</code> The \\| first \\<b\\> | landed | 1 |" in runner.page
    assert "```mermaid" in runner.page
    suite = ElementTree.parse(runner.folder / "workbench-junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")
    assert json.loads((runner.folder / "workbench-report.json").read_text())["complete"] is True
    assert (runner.folder / "workbench-report.md").read_text().startswith("# A plan")


def test_a_gate_that_stays_red_is_noted_on_its_line_and_forges_nothing(
    workbench: CommandLine, repo: Path, plan: str, runner: Runner
) -> None:
    (repo / "gate.sh").write_text(
        "test ! -e second.txt && exit 0\n"
        "printf '   ::error::forged\\nsaid ##[error]forged\\n\\r::warning::forged\\n'\n"
        'echo "$PWD/src/app.py:2: AssertionError: hello"; exit 1\n'
    )
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a gate")

    done = workbench(
        "run", plan, "--agent", agent(repo, WRITE), "--yes", "--run-id", "r", "--gate", "sh gate.sh",
        WORKBENCH_ATTEMPTS="1", WORKBENCH_REPAIRS="0", **runner.env,
    )  # fmt: skip

    assert done.returncode == 1, done.stderr
    (note,) = notes(done.stderr)
    assert note.startswith("::error file=src/app.py,line=2,title=second%3A ")
    assert note.endswith("::AssertionError: hello")
    assert not any("forged" in it for it in commands(done.stderr + done.stdout))
    assert "::stop-commands::" in done.stderr
    said = runner.outputs
    assert (said["landed"], said["failed"], said["resumable"], said["outcome"]) == (
        "1",
        "1",
        "false",
        "incomplete",
    )
    suite = ElementTree.parse(runner.folder / "workbench-junit.xml").getroot()
    assert suite.get("failures") == "1"


def test_at_the_deadline_it_stops_green_and_resume_finishes_it(
    workbench: CommandLine, repo: Path, plan: str, runner: Runner
) -> None:
    go_on = repo.parent / "go-on"
    slow = f'test "$WORKBENCH_TASK" = first || test -e {go_on} || sleep 600\n{WRITE}'

    done = workbench(
        "run", plan, "--agent", agent(repo, slow), "--yes", "--run-id", "r", "--gate", "true",
        "--deadline", "0.02", **runner.env,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    said = runner.outputs
    assert (said["outcome"], said["resumable"], said["failed"], said["resume_at"]) == (
        "stopped",
        "true",
        "0",
        "",
    )
    assert "Nothing is wrong: it is to be resumed" in runner.page
    assert "its deadline has come, after 0.02 minutes" in done.stderr
    assert notes(done.stderr) == []
    runner.forget()
    go_on.touch()

    resumed = workbench("resume", said["run"], "--ci", "--deadline", "10", **runner.env)

    assert resumed.returncode == 0, resumed.stderr
    assert (runner.outputs["outcome"], runner.outputs["landed"]) == ("landed", "2")
    assert {"first.txt", "second.txt"} <= set(
        git(repo, "ls-tree", "--name-only", "workbench/r/integration").split()
    )


def test_the_deadline_of_a_run_elsewhere_is_no_success(workbench: CommandLine, repo: Path, plan: str) -> None:
    done = workbench(
        "run", plan, "--agent", agent(repo, "sleep 600\n"), "--yes", "--run-id", "r", "--gate", "true",
        WORKBENCH_DEADLINE_MINUTES="0.01",
    )  # fmt: skip
    assert done.returncode == 1
    assert "workbench resume r" in done.stderr


def test_a_limit_beyond_the_deadline_stops_the_run_at_once(
    workbench: CommandLine, repo: Path, plan: str, runner: Runner
) -> None:
    first = f'test "$WORKBENCH_TASK" = first || exit 75\n{WRITE}'

    done = workbench(
        "run", plan, "--agent", agent(repo, first), "--yes", "--run-id", "r", "--gate", "true", "--json",
        "--deadline", "5", WORKBENCH_RETRY_SECONDS="3600", **runner.env,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    (stop,) = of("StopRequested", events(done.stdout))
    said = runner.outputs
    assert (said["outcome"], said["resumable"], said["landed"]) == ("stopped", "true", "1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["resume_at"])
    assert stop["reason"].endswith(said["resume_at"])
    assert said["resume_at"] in runner.page
    assert commands(done.stdout) == [], "what is hostile in JSON is not obeyed either"
    assert (
        of("RunStarted", events(done.stdout))[0]["plan"]["title"] == "A plan ::error::forged ##[error]forged"
    )


def test_with_a_task_given_up_a_deadline_is_no_success(
    workbench: CommandLine, repo: Path, plan: str, runner: Runner
) -> None:
    begun = repo.parent / "begun"
    first = f'test "$WORKBENCH_TASK" = first && {{ touch {begun}; workbench mark blocked "no way"; exit 0; }}'
    mixed = f"{first}\nuntil test -e {begun}; do sleep 0.02; done; exit 75\n"

    done = workbench(
        "run", plan, "--agent", agent(repo, mixed), "--yes", "--run-id", "r", "--gate", "true",
        "--deadline", "5", WORKBENCH_RETRY_SECONDS="3600", **runner.env,
    )  # fmt: skip

    assert done.returncode == 1
    assert (runner.outputs["failed"], runner.outputs["resumable"]) == ("1", "true")
    assert notes(done.stderr) == ["::warning file=plan.md,line=5,title=first is blocked::no way"]


def test_a_plan_that_is_wrong_is_noted_on_its_lines(
    workbench: CommandLine, repo: Path, plan: str, runner: Runner
) -> None:
    Path(plan).write_text(PLAN.replace("Write second.txt.", "- after: ##[error]x\n"))

    done = workbench("run", plan, "--gate", "true", **runner.env, GITHUB_WORKSPACE=str(repo))

    assert done.returncode == 2
    (note,) = notes(done.stderr)
    assert note.startswith("::error file=plan.md,line=11,title=The plan::")
    assert runner.outputs["outcome"] == "error"
    assert runner.outputs["resumable"] == "false"


def test_it_can_be_turned_off(workbench: CommandLine, repo: Path, plan: str, runner: Runner) -> None:
    results = repo.parent / "results" / "tests.xml"
    done = workbench(
        "run", plan, "--agent", agent(repo, WRITE), "--yes", "--run-id", "r", "--gate", "true",
        "--junit", str(results), "--no-ci", **runner.env,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert list(runner.folder.iterdir()) == []
    assert "::group::" not in done.stderr
    assert done.stdout.startswith("# A plan")
    assert ElementTree.parse(results).getroot().get("tests") == "2"


def test_files_that_cannot_be_written_are_told_and_change_no_result(
    workbench: CommandLine, repo: Path, plan: str, runner: Runner
) -> None:
    env = {**runner.env, "GITHUB_STEP_SUMMARY": str(runner.folder / "missing" / "summary")}

    done = workbench(
        "run", plan, "--agent", agent(repo, WRITE), "--yes", "--run-id", "r", "--gate", "true", **env
    )

    assert done.returncode == 0, done.stderr
    (note,) = notes(done.stderr)
    assert note.startswith("::warning title=workbench::")
    assert "cannot be written" in note
    assert runner.outputs["landed"] == "2"


def test_a_job_that_is_cancelled_leaves_its_outputs(
    workbench: CommandLine, repo: Path, plan: str, runner: Runner
) -> None:
    run = workbench.start(
        "run", plan, "--agent", agent(repo, "sleep 600\n"), "--yes", "--run-id", "r", "--gate", "true",
        "--json", **runner.env,
    )  # fmt: skip
    until(run, lambda event: event["type"] == "AgentStarted")
    run.terminate()
    assert run.wait(30) == 130
    said = runner.outputs
    assert (said["run"], said["outcome"], said["resumable"]) == ("r", "stopped", "true")
    assert "It can be resumed" in runner.page
