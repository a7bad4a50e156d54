"""The demo's sample and script fit together: played by hand, with real git and the sample's own gate."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from workbench.adapters import templates
from workbench.adapters.templates import Templates
from workbench.composition.team import names
from workbench.core.plan import parse
from workbench.rehearsal.script import Reaction, Script, Step, load

CLASHING = ("csv-report", "markdown-report")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The sample repository with its first commit, as the demo makes it."""
    where = tmp_path / "stockroom"
    templates.copy_tree("demo/repo", where)
    run(where, "git init -q -b main && git add -A && git commit -q -m 'Stockroom 0.9'")
    return where


@pytest.fixture(scope="module")
def script() -> Script:
    return load(templates.text("demo/script.yaml"))


def run(where: Path, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["sh", "-c", command], cwd=where, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


def gate(where: Path) -> subprocess.CompletedProcess[str]:
    """The gate of the plan, by this interpreter."""
    return run(where, f"{sys.executable} -B -m unittest", check=False)


def flat(steps: Sequence[Step], brief: str) -> Iterator[Step]:
    """The steps that are played for a task with this brief."""
    for step in steps:
        if step.if_told is None or re.search(step.if_told, brief):
            yield step
            yield from flat(step.steps, brief)
            if step.end:
                return


def use(where: Path, tool: str, values: dict[str, Any]) -> None:
    """Do what Claude Code's tool of that name does."""
    if tool == "Bash":
        run(where, values["command"].replace("python3", f"{sys.executable} -B"))
        return
    if tool not in ("Write", "Edit", "Read"):
        return
    file = Path(values["file_path"].replace("{{worktree}}", str(where)))
    assert file.is_relative_to(where)
    if tool == "Write":
        file.write_text(values["content"], encoding="utf-8")
        return
    text = file.read_text(encoding="utf-8")
    if tool == "Edit":
        assert text.count(values["old_string"]) == 1, f"{file.name}: {values['old_string']!r}"
        file.write_text(text.replace(values["old_string"], values["new_string"]), encoding="utf-8")


def play(where: Path, steps: Sequence[Step], brief: str) -> list[str]:
    """Play the steps in ``where``; the names of the tools that were used."""
    used = []
    for step in flat(steps, brief):
        for one in step.use:
            use(where, one.tool, one.input)
            used.append(one.tool)
    return used


def reaction(script: Script, task: str, told: str) -> Reaction:
    return next(found for found in script.part(task, 1).on_told if re.search(found.match, told))


def brief(task: str, why: str = "first") -> str:
    """The brief of a task, rendered as the engine renders it."""
    values = {
        "task": {"id": task, "title": task, "body": "", "files": (), "role": ""},
        "attempt": 1 if why == "first" else 2,
        "teammates": ("ada", "ben"),
        **dict.fromkeys(("run", "teammate", "plan_title", "context", "contract", "evidence", "hunks"), ""),
        **dict.fromkeys(("gates", "conflicts", "others", "landed", "messages"), ()),
        "why": why,
        "agent": "claude",
    }
    return Templates().render("brief.md.j2", values)


def test_the_sample_is_green_as_shipped(sample: Path) -> None:
    done = gate(sample)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Ran [1-9]\d* tests", done.stderr)
    run(sample, "git status --porcelain | wc -l | grep -qx ' *0'")


def test_the_sample_gate_can_be_red(sample: Path) -> None:
    items = sample / "stockroom" / "items.py"
    items.write_text(items.read_text().replace("< 0", "< -1"))
    assert gate(sample).returncode != 0


def test_every_task_of_the_plan_is_scripted_and_reports(script: Script) -> None:
    assert task_ids() == list(script.tasks)
    assert 6 <= len(script.tasks) <= 8
    for task in script.tasks:
        tools = [one.tool for step in flat(script.part(task, 1).steps, brief(task)) for one in step.use]
        assert tools[-1] == "mcp__workbench__done", task
        assert tools.count("mcp__workbench__progress") >= 2, task


def test_the_story_in_plan_order_ends_green(sample: Path, script: Script) -> None:
    for task in task_ids():
        clashed = task == CLASHING[1]
        start = "main~1" if clashed else "main"  # the two formats are written at the same time
        run(sample, f"git checkout -q -b {task} {start}")
        play(sample, script.part(task, 1).steps, brief(task))
        if task == "prices":
            red = gate(sample)
            assert red.returncode != 0
            assert "FAILED" in red.stderr
            told = Templates().render(
                "tell/gate_red.md.j2", {"command": "unittest", "exit_code": 1, "output": red.stderr}
            )
            play(sample, reaction(script, task, told).steps, brief(task))
        green(sample, task)
        merge = f"git checkout -q main && git merge -q --no-ff -m 'Land {task}' {task}"
        assert (run(sample, merge, check=False).returncode != 0) == clashed, task
        if clashed:
            assert "<<<<<<<" in (sample / "stockroom" / "report.py").read_text()
            play(sample, script.part(task, 2).steps, brief(task, "conflict"))
        green(sample, f"{task}, landed")
    for module in ("money", "search", "valuation"):
        assert (sample / "stockroom" / f"{module}.py").is_file()
    listing = (sample / "stockroom" / "report.py").read_text()
    assert '"csv": as_csv' in listing
    assert '"markdown": as_markdown' in listing


@pytest.mark.parametrize("late", CLASHING)
def test_the_clash_is_resolved_whichever_lands_first(sample: Path, script: Script, late: str) -> None:
    early = next(task for task in CLASHING if task != late)
    for task in CLASHING:
        run(sample, f"git checkout -q -b {task} main")
        play(sample, script.part(task, 1).steps, brief(task))
    run(sample, f"git checkout -q {early}")
    assert run(sample, f"git merge -q {late}", check=False).returncode != 0
    tools = play(sample, script.part(late, 2).steps, brief(late, "conflict"))
    assert tools[-1] == "mcp__workbench__done"
    green(sample, late)
    assert (sample / "tests" / "test_csv_report.py").is_file()
    assert (sample / "tests" / "test_markdown_report.py").is_file()


def test_commands_can_land_in_either_order(sample: Path, script: Script) -> None:
    for task in ("search", *CLASHING[:1]):
        play(sample, script.part(task, 1).steps, brief(task))
    run(sample, "git checkout -q -b base")
    for task in ("find-command", "list-format"):
        run(sample, f"git checkout -q -b {task} base")
        # Only the merge is looked at, so the format that list-format's own test wants may be missing.
        steps = [step for step in script.part(task, 1).steps if not any(u.tool == "Bash" for u in step.use)]
        play(sample, steps, brief(task))
        run(sample, f"git add -A && git commit -q -m {task}")
    assert run(sample, "git merge -q find-command", check=False).returncode == 0


def test_a_message_makes_its_recipient_react(script: Script) -> None:
    sent = [
        one.input
        for step in flat(script.part("csv-report", 1).steps, brief("csv-report"))
        for one in step.use
        if one.tool == "mcp__workbench__message"
    ]
    # The first tasks of the plan go to the first names of the team, all at once.
    assert names(3)[task_ids().index("markdown-report")] == sent[0]["to"]
    told = Templates().render("tell/message.md.j2", {"sender": "bob", "text": sent[0]["note"]})
    tools = [one.tool for step in reaction(script, "markdown-report", told).steps for one in step.use]
    assert tools == ["mcp__workbench__note"]


def test_a_stray_message_after_a_fix_up_starts_nothing(script: Script) -> None:
    for task in CLASHING:
        steps = script.part(task, 2).steps
        fix_up = list(flat(steps, brief(task, "conflict")))
        first = list(flat(steps, brief(task)))
        assert fix_up[-1].end
        assert first[-1].end
        assert not any(one in first for one in fix_up if one.use and one.use[0].tool == "Write")


def task_ids() -> list[str]:
    return [task.id for task in parse(templates.text("demo/plan.md")).tasks]


def green(where: Path, what: str) -> None:
    done = gate(where)
    assert done.returncode == 0, f"{what}\n{done.stderr}"
    left = run(where, "git status --porcelain").stdout
    assert not left, f"{what} left uncommitted:\n{left}"


@pytest.mark.skipif(shutil.which("python3") is None, reason="the gate of the plan is python3")
def test_the_gate_of_the_plan_runs_with_the_python_of_the_machine(sample: Path) -> None:
    plan = parse(templates.text("demo/plan.md"))
    assert plan.team == 3
    (command,) = plan.gates
    assert run(sample, command, check=False).returncode == 0


def test_the_first_tasks_of_the_plan_run_at_once_and_meet_in_one_file() -> None:
    plan = parse(templates.text("demo/plan.md"))
    at_once = [task for task in plan.tasks if not task.after][: plan.team]
    assert [task.id for task in at_once] == ["prices", *CLASHING]
    assert set(at_once[1].files) & set(at_once[2].files) == {"stockroom/report.py"}
    assert plan.contract
