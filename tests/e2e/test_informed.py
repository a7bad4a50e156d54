"""Teammates that hear of each other in time: a conflict to come, and what landed; with commands as agents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of

pytestmark = pytest.mark.e2e

PLAN = """\
---
gates: ["true"]
team: 3
---
# Greetings

## Tasks

### loud: Greet loudly

Add a parameter.

### kind: Greet kindly

Add another.

### late: Use greetings
- files: src/*.py

Call it.
"""

AGENT = """\
set -e
hear() {{
    until grep -ls "$1" .workbench/inbox/* > /dev/null; do sleep 0.05; done
    cat .workbench/inbox/* > "{heard}/$WORKBENCH_TASK"
}}
case "$WORKBENCH_TASK-$WORKBENCH_ATTEMPT" in
late-1) hear "Landed while you work"; echo "late" > late.txt ;;
*-1)
    printf 'def greet(name, %s):\\n    return name\\n' "$WORKBENCH_TASK" > src/app.py
    git commit -qam "a parameter for $WORKBENCH_TASK"
    hear "does not merge with the work on"
    ;;
*) printf 'def greet(name, loud, kind):\\n    return name\\n' > src/app.py ;;
esac
git add -A
git diff --cached --quiet || git commit -qm "$WORKBENCH_TASK"
"""


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    folder = tmp_path / "heard"
    folder.mkdir()
    return folder


def test_both_sides_of_a_conflict_and_whoever_is_at_work_hear_in_time(
    workbench: CommandLine, repo: Path, heard: Path, tmp_path: Path
) -> None:
    plan, script = tmp_path / "plan.md", tmp_path / "agent.sh"
    plan.write_text(PLAN)
    script.write_text(AGENT.format(heard=heard))

    done = workbench("run", str(plan), "--agent", f"command:sh {script}", "--yes", "--json", "--run-id", "r")

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    first = of("ConflictForeseen", story)[0]
    assert {first["task"], first["other"]} == {"loud", "kind"} and first["paths"] == ["src/app.py"]
    assert "def greet(name, loud)" in first["hunks"] and "def greet(name, kind)" in first["hunks"]
    delivered = of("TaskDelivered", story)[0]
    assert first["seq"] < delivered["seq"], "warned before either had ended"
    for task, other in (("loud", "kind"), ("kind", "loud")):
        told = (heard / task).read_text()
        assert f"work on `{other}`" in told and "- `src/app.py`" in told and "<<<<<<<" in told

    landed = of("LandingRead", story)[0]
    (change,) = landed["changes"]
    assert (change["name"], change["how"]) == ("greet", "changed")
    told = (heard / "late").read_text()
    assert change["signature"] in told and "has changed to this" in told
    assert "It changed files of yours: `src/app.py`." in told
    merged = git(repo, "show", "workbench/r/integration:src/app.py")
    assert "loud" in merged and "kind" in merged and "<<<<<<<" not in merged
