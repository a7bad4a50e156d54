"""The script that is written for any plan."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.adapters.templates import Templates
from workbench.core.models import Plan, Task
from workbench.rehearsal.author import COMMITTED, CONFLICT, EDITED, MOST_FILES, RED, REPEATS, author, targets
from workbench.rehearsal.play import Facts, reply
from workbench.rehearsal.script import Part, Script, Step, Use, load


def plan(*tasks: Task) -> Plan:
    return Plan(title="p", tasks=tasks)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((), []),
        (("src/app.py",), ["src/app.py"]),
        (("./src/app.py", "src/app.py"), ["src/app.py"]),
        (("src/auth/**",), ["src/auth/"]),
        (("src/**/*.py", "src/*.js"), ["src/"]),
        (("src/a[bc]/x.py", "s{a,b}/x"), ["src/", "./"]),
        (("*.md", "**"), ["./"]),
        (("docs/",), ["docs/"]),
        (("/etc/passwd", "../x", "a/../b", "!src/x", "-rf", "{{worktree}}"), []),
        (tuple(f"{n}.py" for n in range(20)), [f"{n}.py" for n in range(MOST_FILES)]),
    ],
)
def test_where_the_edits_go(files: tuple[str, ...], expected: list[str]) -> None:
    assert targets(Task(id="t", title="t", files=files)) == expected


def uses(part: Part) -> list[str]:
    def of(steps: tuple[Step, ...]) -> list[str]:
        return [name for step in steps for name in [*(use.tool for use in step.use), *of(step.steps)]]

    return of(part.steps)


def test_each_task_edits_commits_and_reports() -> None:
    script = author(plan(Task(id="a", title="A", files=("src/**", "README.md")), Task(id="b", title="B")))
    assert script.usage == "none"
    for task in ("a", "b"):
        names = uses(script.part(task, 1))
        assert names[0] == "mcp__workbench__progress" and "mcp__workbench__done" in names
        assert "mcp__workbench__blocked" in names
    assert "Write" in uses(script.part("a", 1)) and "Write" not in uses(script.part("b", 1))
    assert "mcp__workbench__done" not in uses(script.part("stranger", 1))


def test_it_can_be_written_down_and_read_back() -> None:
    script = author(
        plan(Task(id="a", title='it\'s "a" {{title}}\nof $(two) lines', files=("x y/**", "q'.py")))
    )
    text = json.dumps(script.model_dump(mode="json", exclude_defaults=True))
    assert load(text) == script


@given(title=st.text(max_size=200), files=st.lists(st.text(min_size=1, max_size=40), max_size=8))
def test_any_plan_gets_a_script(title: str, files: list[str]) -> None:
    script = author(plan(Task(id="a", title=title, files=tuple(files))))
    answer = reply(script, Facts(task="a"), [{"role": "user", "content": "brief"}])
    assert not answer.ends


@pytest.mark.parametrize(
    ("text", "red", "conflict"),
    [
        ("The gate `pytest -q` is red:", True, False),
        ("Gates failed. Output follows", True, False),
        ("Your work conflicts with main in a.py", False, True),
        ("<<<<<<< ours", False, True),
        ("auth landed; the interface of login() changed", False, False),
        ("please redo the gate keeper class", False, False),
    ],
)
def test_which_messages_it_reacts_to(text: str, red: bool, conflict: bool) -> None:
    import re

    assert bool(re.search(RED, text)) is red
    assert bool(re.search(CONFLICT, text)) is conflict


def test_what_is_told_in_passing_starts_no_reaction() -> None:
    import re

    hunks = "<<<<<<< a\n1\n||||||| base\n=======\n2\n>>>>>>> b\nthe gate is red"
    foreseen = Templates().render(
        "tell/foreseen.md.j2",
        {"other": "b", "title": "Conflicts", "teammate": "ben", "delivered": False, "paths": ("a.py",)}
        | {"hunks": hunks},
    )
    task = Task(id="b", title="Merge conflicts in a red gate")
    landed = Templates().render(
        "tell/landed.md.j2", {"tasks": [task], "changes": [], "more": 0, "touched": ()}
    )
    for text in (foreseen, landed):
        assert not re.search(CONFLICT, text)
        assert not re.search(RED, text)


def test_reactions_are_the_same_for_every_task() -> None:
    script: Script = author(plan(Task(id="a", title="A")))
    assert script.part("a", 1).on_told == script.part("a", 3).on_told == script.on_told


def played(*results: str, files: tuple[str, ...] = ("src/app.py",)) -> list[str]:
    """What a task's script does when its tools say ``results``, one after the other, and at the end."""
    script = author(plan(Task(id="a", title="A", files=files)))
    messages: list[dict[str, object]] = [{"role": "user", "content": "brief"}]
    done: list[str] = []
    for result in [*results, None]:
        answer = reply(script, Facts(task="a"), messages)
        used = [block for block in answer.blocks if isinstance(block, Use)]
        done += [str(use.input.get("description") or use.input.get("note")) for use in used]
        if not used or result is None:
            break
        calls = [{"type": "tool_use", "id": "u", "name": use.tool, "input": use.input} for use in used]
        texts = [{"type": "text", "text": block} for block in answer.blocks if isinstance(block, str)]
        messages.append({"role": "assistant", "content": [*texts, *calls]})
        content = [{"type": "tool_result", "tool_use_id": "u", "content": result}]
        messages.append({"role": "user", "content": content})
    return done


NOTED, BEGUN, EDIT = "Noted. Go on.", "rehearsal: begun", "Make a small edit"
WALLS = "Exit code 1\nbwrap: Can't find source path /x: No such file or directory"


def test_an_edit_and_a_commit_that_worked_are_reported() -> None:
    done = "rehearsal: the edit is committed"
    made = f"{COMMITTED} 1234567 Rehearse a: A"
    assert played(NOTED, EDITED, made, NOTED, NOTED) == [BEGUN, EDIT, "Commit", done, done]


def test_an_edit_that_failed_is_not_committed_and_its_words_are_repeated() -> None:
    blocked = "rehearsal: the edit did not work here: python: not found"
    assert played(NOTED, "Exit code 127\npython: not found\nmore", NOTED) == [BEGUN, EDIT, blocked]


def test_a_commit_that_failed_is_blocked_once() -> None:
    blocked = "rehearsal: the commit did not work here: not today"
    assert played(NOTED, EDITED, "Exit code 1\nnot today", NOTED) == [BEGUN, EDIT, "Commit", blocked]


def test_a_command_that_the_sandbox_kept_from_running_is_tried_again() -> None:
    assert played(NOTED, WALLS, WALLS, EDITED) == [BEGUN, EDIT, EDIT, EDIT, "Commit"]
    tried = played(NOTED, *[WALLS] * (REPEATS + 1), NOTED)
    assert tried[:-1] == [BEGUN, *[EDIT] * (REPEATS + 1)]
    assert tried[-1].endswith("bwrap: Can't find source path /x: No such file or directory")


def test_a_task_that_is_planned_first_is_planned_where_the_brief_says_so() -> None:
    script: Script = author(plan(Task(id="a", title="A", plan_by="person")))

    def first(brief: str) -> list[str]:
        answer = reply(script, Facts(task="a"), [{"role": "user", "content": brief}])
        messages: list[dict[str, object]] = [{"role": "user", "content": brief}]
        calls = [{"type": "tool_use", "id": "u", "name": "x", "input": {}}]
        messages.append({"role": "assistant", "content": calls})
        content = [{"type": "tool_result", "tool_use_id": "u", "content": "Noted. Go on."}]
        messages.append({"role": "user", "content": content})
        assert answer.blocks
        second = reply(script, Facts(task="a"), messages)
        return [block.tool for block in second.blocks if isinstance(block, Use)]

    assert first("## Plan first\n\nThis task wants a plan") == ["mcp__workbench__plan"]
    assert first("## The plan for it\n\nPlan first, they said") == ["Bash"]
