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
from workbench.adapters.structure.resolver import StructuralResolver
from workbench.adapters.templates import Templates
from workbench.composition.team import names
from workbench.core.plan import parse
from workbench.engine.ports import Clash, Proposal
from workbench.rehearsal.script import Reaction, Script, Step, load

CLASHING = ("any-order", "letter-case")
"""They change the same condition: whichever lands second has to combine the two."""
BESIDE = ("worth", "reprice")
"""They add beside each other, which a rung of the ladder settles."""


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
        **dict.fromkeys(
            (
                "gates",
                "conflicts",
                "others",
                "other_tests",
                "failing",
                "landed",
                "left_out",
                "approver",
                "approved",
                "messages",
                "answered",
            ),
            (),
        ),
        "notes": (),
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


def begin(where: Path, script: Script, task: str, start: str) -> None:
    """Play a task's first attempt on a branch of its own from ``start``, up to where its gate is green."""
    run(where, f"git checkout -q -b {task} {start}")
    play(where, script.part(task, 1).steps, brief(task))
    if task == "prices":
        red = gate(where)
        assert red.returncode != 0
        assert "FAILED" in red.stderr
        told = Templates().render(
            "tell/gate_red.md.j2", {"command": "unittest", "exit_code": 1, "output": red.stderr}
        )
        play(where, reaction(script, task, told).steps, brief(task))
    green(where, task)


def in_conflict(where: Path) -> list[str]:
    """The files that the merge which is under way leaves in conflict."""
    return run(where, "git diff --name-only --diff-filter=U").stdout.split()


async def settled(where: Path) -> list[Proposal]:
    """What the rungs of the ladder propose for the merge under way, as far as the gate is green on it."""
    clashes = [
        Clash(path, *(run(where, f"git show :{stage}:{path}").stdout for stage in (1, 2, 3)))
        for path in in_conflict(where)
    ]
    found = []
    for proposal in await StructuralResolver().propose(clashes):
        for path, text in proposal.texts.items():
            (where / path).write_text(text, encoding="utf-8")
        if gate(where).returncode == 0:
            found.append(proposal)
    return found


async def test_the_story_in_plan_order_ends_green(sample: Path, script: Script) -> None:
    for task in task_ids():
        second = task in (CLASHING[1], BESIDE[1])  # begun at the same time as the task before it
        begin(sample, script, task, "main~1" if second else "main")
        merge = f"git checkout -q main && git merge -q --no-ff -m 'Land {task}' {task}"
        assert (run(sample, merge, check=False).returncode != 0) == second, task
        if task == CLASHING[1]:
            assert in_conflict(sample) == ["stockroom/search.py"]
            play(sample, script.part(task, 2).steps, brief(task, "conflict"))
        if task == BESIDE[1]:
            (first, *_) = await settled(sample)
            (sample / "stockroom" / "cli.py").write_text(first.texts["stockroom/cli.py"], encoding="utf-8")
            run(sample, "git commit -q -a --no-edit")
        green(sample, f"{task}, landed")
    for module in ("money", "search", "valuation"):
        assert (sample / "stockroom" / f"{module}.py").is_file()
    commands = (sample / "stockroom" / "cli.py").read_text()
    assert "def run_worth(" in commands
    assert "def run_reprice(" in commands
    assert '"csv": as_csv' in (sample / "stockroom" / "report.py").read_text()


@pytest.mark.parametrize("late", CLASHING)
async def test_the_clash_takes_a_teammate_whichever_lands_first(
    sample: Path, script: Script, late: str
) -> None:
    (early,) = set(CLASHING) - {late}
    for task in CLASHING:
        begin(sample, script, task, "main")
    merge = f"git checkout -q {early} && git merge -q {late}"
    assert run(sample, merge, check=False).returncode != 0
    assert in_conflict(sample) == ["stockroom/search.py"]

    assert await settled(sample) == []

    run(sample, f"git reset -q --hard && git merge -q {late} || true")
    assert "<<<<<<<" in (sample / "stockroom" / "search.py").read_text()
    tools = play(sample, script.part(late, 2).steps, brief(late, "conflict"))
    assert tools[-1] == "mcp__workbench__done"
    green(sample, late)
    assert (sample / "tests" / "test_any_order.py").is_file()
    assert (sample / "tests" / "test_letter_case.py").is_file()


@pytest.mark.parametrize("side", CLASHING)
def test_neither_side_of_the_clash_will_do_for_the_other(sample: Path, script: Script, side: str) -> None:
    for task in CLASHING:
        begin(sample, script, task, "main")
    (other,) = set(CLASHING) - {side}
    run(sample, f"git checkout -q {side} && git checkout {other} -- tests")
    assert gate(sample).returncode != 0


@pytest.mark.parametrize("late", BESIDE)
async def test_what_is_added_beside_each_other_is_settled_by_union(
    sample: Path, script: Script, late: str
) -> None:
    for task in ("prices", CLASHING[0]):
        begin(sample, script, task, "main")
        run(sample, f"git checkout -q main && git merge -q --no-ff --no-edit {task}")
    (early,) = set(BESIDE) - {late}
    for task in BESIDE:
        begin(sample, script, task, "main")
    assert run(sample, f"git checkout -q {early} && git merge -q {late}", check=False).returncode != 0
    assert in_conflict(sample) == ["stockroom/cli.py"]
    assert [proposal.rung for proposal in await settled(sample)][:1] == ["union"]


def test_the_csv_report_conflicts_with_nothing(sample: Path, script: Script) -> None:
    for task in ("prices", CLASHING[0]):
        begin(sample, script, task, "main")
        run(sample, f"git checkout -q main && git merge -q --no-ff --no-edit {task}")
    begin(sample, script, "csv-report", "main")
    for task in BESIDE:
        begin(sample, script, task, "main")
        run(sample, "git merge -q --no-edit csv-report")
        green(sample, f"{task} with csv-report")


def test_a_message_makes_its_recipient_react(script: Script) -> None:
    sent = [
        one.input
        for step in flat(script.part("any-order", 1).steps, brief("any-order"))
        for one in step.use
        if one.tool == "mcp__workbench__message"
    ]
    # The first tasks of the plan go to the first names of the team, all at once.
    assert names(3)[task_ids().index("letter-case")] == sent[0]["to"]
    letter = {"id": "m1", "kind": "message", "sender": "bob", "text": sent[0]["note"], "to_all": False}
    told = Templates().render("tell/message.md.j2", letter)
    tools = [one.tool for step in reaction(script, "letter-case", told).steps for one in step.use]
    assert tools == ["mcp__workbench__remember"]


def test_notices_are_not_taken_for_anything_else(sample: Path, script: Script) -> None:
    for task in CLASHING:
        begin(sample, script, task, "main")
    run(sample, f"git merge -q {CLASHING[0]} || true")
    notices = [
        Templates().render(
            "tell/foreseen.md.j2",
            {
                "other": task.id,
                "title": task.title,
                "teammate": "bob",
                "delivered": True,
                "paths": task.files,
                "hunks": (sample / "stockroom" / "search.py").read_text(),
            },
        )
        for task in parse(templates.text("demo/plan.md")).tasks
    ]
    notices += [
        Templates().render(
            "tell/landed.md.j2", {"tasks": (task,), "changes": (), "more": 0, "touched": task.files}
        )
        for task in parse(templates.text("demo/plan.md")).tasks
    ]
    for name in task_ids():
        part = script.part(name, 1)
        listened = [it.match for it in part.on_told] + [it.if_told for it in part.steps if it.if_told]
        assert listened
        for told in notices:
            assert not [pattern for pattern in listened if re.search(pattern, told)], told


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


def test_the_plan_starts_each_pair_on_the_same_commit() -> None:
    """Both pairs, however long anything takes: two teammates or more are free when their turn comes."""
    plan = parse(templates.text("demo/plan.md"))
    assert plan.contract
    tasks = {task.id: task for task in plan.tasks}
    first = [task for task in plan.tasks if not task.after]
    assert [task.id for task in first] == ["prices", *CLASHING]
    assert len(first) == plan.team
    assert set(tasks[CLASHING[0]].files) & set(tasks[CLASHING[1]].files) == {"stockroom/search.py"}
    # All else that is ready with the second pair stands behind it, and nothing is ready before: one of the
    # three may still be at the third of the first tasks.
    next_up = [
        task.id for task in plan.tasks if set(task.after) <= {task.id for task in first} and task.after
    ]
    assert next_up == [*BESIDE, "csv-report"]
    assert {tasks[name].after for name in next_up} == {("prices", CLASHING[0])}
    assert set(tasks["handbook"].after) == {CLASHING[1], *BESIDE}
