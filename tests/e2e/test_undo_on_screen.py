"""A landing is taken off the branch from the merge screen of the viewer, on a real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine
from tests.tui.told import until
from workbench.composition.place import open_place
from workbench.composition.watching import LogSource
from workbench.tui.app import WorkbenchApp

pytestmark = pytest.mark.e2e

PLAN = "# Two\n\n## Tasks\n\n### one: Write one\n\nDo.\n\n### two: Write two\n- after: one\n\nDo.\n"
BRANCH = "workbench/r/integration"


async def test_a_landing_is_undone_with_all_that_builds_on_it(
    workbench: CommandLine, repo: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text(PLAN)
    agent = "command:echo $WORKBENCH_TASK > $WORKBENCH_TASK.txt"
    done = workbench("run", str(plan), "--agent", agent, "--gate", "true", "--yes", "--run-id", "r")
    assert done.returncode == 0, done.stderr
    landed = git(repo, "rev-parse", BRANCH)
    place = await open_place(repo)
    app = WorkbenchApp(place, LogSource(place, "r"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, "2/2 landed")
        await pilot.press("3", "tab", "G", "k", "u")
        await until(pilot, "Undo 2 landings?")
        assert git(repo, "rev-parse", BRANCH) == landed
        await pilot.press("y")
        await until(pilot, "reverts")
        await until(pilot, "undone by")
    assert git(repo, "ls-tree", "--name-only", "-r", BRANCH).split() == ["README.md", "src/app.py"]
    assert git(repo, "merge-base", "--is-ancestor", landed, BRANCH) == ""
