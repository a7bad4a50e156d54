"""What the README shows is so: its plan parses, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbench.cli.app import app
from workbench.core.plan import parse, summary

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_its_plan_is_a_plan() -> None:
    (text,) = re.findall(r"```markdown\n(.*?)```", README, re.DOTALL)
    plan = parse(text, "README.md")
    assert [task.id for task in plan.tasks] == ["to-csv", "docs", "command"]
    assert plan.tasks[2].after == ("to-csv",) and "to_csv" in plan.contract
    assert "to-csv" in summary(plan)


SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
TABLE = "\n".join(re.findall(r"^\| `workbench .*?\|", README, re.MULTILINE))
COMMANDS = sorted(
    set(re.findall(r"(?:^|/)workbench ([a-z]+)", SHELL, re.MULTILINE))
    | set(re.findall(r"`(?:workbench )?([a-z]+)", TABLE))
)


@pytest.mark.parametrize("name", COMMANDS)
def test_its_commands_exist(name: str) -> None:
    known = {
        info.name or (info.callback.__name__ if info.callback else "") for info in app.registered_commands
    } | {group.name for group in app.registered_groups}
    assert name in known


def test_its_options_of_run_exist() -> None:
    (row,) = [line for line in README.splitlines() if line.startswith("| `workbench run PLAN`")]
    options = set(re.findall(r"--[a-z-]+", row))
    folder = Path(__file__).parents[1] / "workbench/cli"
    source = "".join((folder / name).read_text(encoding="utf-8") for name in ("app.py", "options.py"))
    assert options and all(f'"{option}"' in source for option in options)
