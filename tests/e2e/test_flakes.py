"""Whole runs with tests that cannot be relied on: quarantined ones stop nothing, flaky ones are named."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of

pytestmark = pytest.mark.e2e

GATE = f"{shlex.quote(sys.executable)} -m pytest -q -p no:cacheprovider tests"
PLAN = "# Files\n\n## Tasks\n\n### one: One\n\nadd one\n\n### two: Two\n\nadd two\n"
AGENT = 'command:echo "x = 1" > "src/$WORKBENCH_TASK.py"'


def prepare(repo: Path, test: str, settings: str = "") -> Path:
    (repo / "tests").mkdir()
    (repo / "tests" / "test_net.py").write_text(test)
    (repo / "workbench.toml").write_text(f"gates = [{json.dumps(GATE)}]\n{settings}")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "tests")
    plan = repo.parent / "plan.md"
    plan.write_text(PLAN)
    return plan


SLOW = "def test_good(): pass\n\ndef test_slow(): assert not 'reachable'\n"
NAME = "tests/test_net.py::test_slow"


def test_a_quarantined_failure_stops_no_landing_and_is_named(workbench: CommandLine, repo: Path) -> None:
    plan = prepare(repo, SLOW, f'quarantine = ["{NAME}"]\n')

    done = workbench("run", str(plan), "--agent", AGENT, "--yes", "--headless", "--run-id", "q")

    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert f"FAILED on the base, and excused because quarantined: {NAME}" in said
    assert "FAILED on the work of one, and excused" in said
    report = workbench("report", "--format", "md").stdout
    assert "## Quarantined failures" in report and f"`{NAME}`" in report
    found = json.loads(workbench("report", "--json").stdout)
    assert [(it["test"], it["gate"], it["rate"]) for it in found["excused"]] == [(NAME, GATE, 1.0)]
    assert found["flakes"] == [] and "## Flakes" not in report


def test_without_the_quarantine_the_run_is_refused(workbench: CommandLine, repo: Path) -> None:
    plan = prepare(repo, SLOW, 'quarantine = ["tests/test_net.py::test_other"]\n')

    done = workbench("run", str(plan), "--agent", AGENT, "--yes", "--json")

    assert done.returncode == 2, "the base is red: nothing was started"
    looks = of("BaseChecked", events(done.stdout))
    said = [(it["green"], it["failing"], it["quarantined"]) for look in looks for it in look["verdicts"]]
    assert said == [(False, [NAME], [])] * 2, "once more, for it might be a flake"


def test_a_gate_that_fails_its_first_run_only_refuses_nothing(
    workbench: CommandLine, repo: Path, tmp_path: Path
) -> None:
    first = tmp_path / "first"
    plan = prepare(
        repo,
        f"""\
from pathlib import Path

def test_cold():
    first = Path({str(first)!r})
    warm = first.exists()
    first.touch()
    assert warm
""",
    )

    done = workbench("run", str(plan), "--agent", AGENT, "--yes", "--json", "--run-id", "cold")

    assert done.returncode == 0, done.stdout + done.stderr
    story = events(done.stdout)
    assert [look["verdicts"][0]["green"] for look in of("BaseChecked", story)] == [False, True]
    (flake,) = of("FlakeSeen", story)
    assert (flake["task"], flake["tests"]) == ("", ["tests/test_net.py::test_cold"])
    assert len(of("TaskLanded", story)) == 2
    assert "tests/test_net.py::test_cold" in workbench("report", "--format", "md").stdout


def test_a_flaky_test_is_named_with_its_rate(workbench: CommandLine, repo: Path, tmp_path: Path) -> None:
    # Runs of the gate: the base, each work alone, both together. Only the fourth is red.
    runs = tmp_path / "runs"
    shaky = f"""\
from pathlib import Path

def test_shaky():
    runs = Path({str(runs)!r})
    with runs.open("a") as log:
        log.write("x")
    assert len(runs.read_text()) != 4
"""
    plan = prepare(repo, shaky)
    # Both wait for each other, so that both start from the same commit.
    agent = tmp_path / "agent.sh"
    agent.write_text(
        f"touch {tmp_path}/at-$WORKBENCH_TASK\n"
        f"while [ ! -e {tmp_path}/at-one ] || [ ! -e {tmp_path}/at-two ]; do sleep 0.05; done\n"
        'echo "x = 1" > "src/$WORKBENCH_TASK.py"\n'
    )

    done = workbench("run", str(plan), "--agent", f"command:sh {agent}", "--yes", "--json", "--run-id", "f")

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    (flake,) = of("FlakeSeen", story)
    assert flake["tests"] == ["tests/test_net.py::test_shaky"] and not of("TaskRejected", story)
    (found,) = json.loads(workbench("report", "--json").stdout)["flakes"]
    assert found == {
        "test": "tests/test_net.py::test_shaky", "gate": GATE, "times": 1, "runs": 5, "rate": 0.2,
    }  # fmt: skip
    assert "1 | 5 | 20 % |" in workbench("report", "--format", "md").stdout
