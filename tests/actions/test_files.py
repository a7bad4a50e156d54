"""The files for GitHub are well-formed, pinned, and ask for no more rights than they need."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.actions.runner import ACTION, ROOT, WORKFLOW, read

CI = ROOT / ".github/workflows/ci.yml"
COPY = ROOT / "templates/github/action.yml"
FILES = (ACTION, WORKFLOW, CI)


def program(name: str) -> str:
    """A program of the development tools; the test is skipped without it."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """Every step of a file."""
    found = read(path)
    if "runs" in found:
        yield from found["runs"]["steps"]
    for job in found.get("jobs", {}).values():
        yield from job["steps"]


def test_the_action_that_init_writes_is_our_own() -> None:
    assert COPY.read_bytes() == ACTION.read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_of_others_are_pinned_to_one_commit_with_its_version(path: Path) -> None:
    for line in path.read_text().splitlines():
        if "uses:" in line and "uses: ./" not in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    pins: dict[str, set[str]] = {}
    for file in FILES:
        for step in steps(file):
            name, _, commit = step.get("uses", "").partition("@")
            pins.setdefault(name.split("/cache")[0], set()).add(commit)
    assert {name: len(commits) for name, commits in pins.items()} == dict.fromkeys(pins, 1)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_written_into_a_script_and_bash_can_read_it(path: Path) -> None:
    for step in steps(path):
        if (script := step.get("run")) is None:
            continue
        assert "${{" not in script
        done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        if path == ACTION:
            assert step["shell"] == "bash"


def test_who_has_the_key_cannot_push_and_who_can_push_has_no_key() -> None:
    found = read(WORKFLOW)
    assert found["permissions"] == {} and "pull_request_target" not in found["on"]
    agents, deliver = found["jobs"]["agents"], found["jobs"]["deliver"]
    assert agents["permissions"] == {"contents": "read"}
    assert deliver["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert "secrets." in str(agents) and "secrets." not in str(deliver)
    assert all(job["timeout-minutes"] for job in found["jobs"].values()) and found["concurrency"]
    for step in (*agents["steps"], *deliver["steps"]):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


def test_the_key_and_the_token_reach_one_step_each() -> None:
    having = {
        word: [step["name"] for step in steps(ACTION) if word in str(step)]
        for word in ("inputs.anthropic-api-key", "inputs.claude-code-oauth-token", "inputs.github-token")
    }
    assert list(having.values()) == [["Run the plan"], ["Run the plan"], ["Deliver it"]]


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (ACTION, "vendor.github-actions"),
        (WORKFLOW, "vendor.github-workflows"),
        (CI, "vendor.github-workflows"),
    ],
    ids=lambda it: it.name if isinstance(it, Path) else "",
)
def test_each_is_as_githubs_schema_says(path: Path, schema: str) -> None:
    done = subprocess.run(
        [program("check-jsonschema"), "--builtin-schema", schema, str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_auditor_finds_nothing() -> None:
    done = subprocess.run(
        [program("zizmor"), "--offline", "--no-progress", "--config", str(ROOT / ".github/zizmor.yml"),
         *map(str, FILES)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
