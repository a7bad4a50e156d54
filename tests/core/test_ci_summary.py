"""What a run says to the steps after it and on the job's page, from played runs."""

from __future__ import annotations

import re

import pytest

from workbench.core import events as e
from workbench.core.ci.annotation import MOST, noted
from workbench.core.ci.places import Place, places
from workbench.core.ci.results import NOTHING, goes_on, outputs
from workbench.core.ci.summary import LIMIT, summary
from workbench.core.deadline import by_deadline, only_waits, outlasted, passed, resume_at
from workbench.core.report import report
from workbench.core.state import RunState
from workbench.testing.story import Story, task, verdict

OUTPUT = """\
=== FAILURES ===
    assert greet("a") == "hi"
E   AssertionError: assert 'hello' == 'hi'
tests/test_app.py:12: AssertionError
src/app.py:3:5: F401 `os` imported but unused
src/app.ts(7,3): error TS2322: Type 'string' is not assignable.
error[E0308]: mismatched types
   --> src/main.rs:9:14
  File "src/deep/mod.py", line 40, in walk
src/app.py:3:9: E999 the same line again
nowhere/else.py:1: gone
12:30:01: not a place, version 1.2:3
"""


def known(path: str) -> str:
    return "" if path.startswith("nowhere") else path


def test_places_that_tools_print() -> None:
    assert places(OUTPUT, known) == [
        Place("tests/test_app.py", 12, "AssertionError"),
        Place("src/app.py", 3, "F401 `os` imported but unused"),
        Place("src/app.ts", 7, "error TS2322: Type 'string' is not assignable."),
        Place("src/main.rs", 9, "error[E0308]: mismatched types"),
        Place("src/deep/mod.py", 40, "error[E0308]: mismatched types"),
    ]
    assert places(OUTPUT, known, most=2)[-1].path == "src/app.py"
    assert places("x" * 200_000 + ".py:1: a", known) == []


def failed(name: str = "one", output: str = OUTPUT, **values: object) -> Story:
    """A run of which one task's gate stays red to the end."""
    run = Story(
        task(name, line=9), task("two", name, line=14), team=("ada",), attempts=1, repairs=0, **values
    )
    run.ready(name)
    run.mark(name, "done")
    run.turn(name)
    run.collected(name)
    for _ in range(2):
        red = verdict(f"tree-{name}1", False, output=output)
        run.send(e.WorkChecked(task=name, attempt=1, commit=f"{name}1", verdicts=(red,)))
    run.ended(name)
    return run


def test_a_failed_gate_is_noted_where_it_points_and_who_waits_on_the_plan() -> None:
    state = failed().state
    notes = noted(state, report(state), "plans/plan.md", known)
    assert [(it.level, it.path, it.line) for it in notes] == [
        ("error", "tests/test_app.py", 12), ("error", "src/app.py", 3), ("error", "src/app.ts", 7),
        ("warning", "plans/plan.md", 14),
    ]  # fmt: skip
    assert notes[0].said == "AssertionError"
    assert notes[0].title.startswith("one: ")
    assert notes[0].command().startswith("::error file=tests/test_app.py,line=12,title=one%3A ")


def test_what_points_nowhere_is_noted_on_the_plans_line_or_on_none() -> None:
    state = failed(output="it is broken\n::error::forged").state
    (note, _) = noted(state, report(state), "plan.md", known)
    assert (note.path, note.line) == ("plan.md", 9)
    assert "it is broken" in note.said
    assert "\n" not in note.command()
    (note, _) = noted(state, report(state), "", known)
    assert (note.path, note.line) == ("", 0)
    assert note.command().startswith("::error title=one failed::")


def test_a_conflict_is_noted_on_its_files() -> None:
    run = Story(task("one"), team=("ada",), attempts=1)
    run.ready("one")
    run.deliver("one")
    run.conflict("one", "src/app.py", "README.md", hunks="<<<")
    run.ready("one", 2)
    run.send(e.AttemptFailed(task="one", attempt=2, reason="conflict markers are left", final=True))
    notes = noted(run.state, report(run.state), "plan.md", known)
    assert [(it.level, it.path, it.line) for it in notes] == [
        ("error", "src/app.py", 1), ("error", "README.md", 1),
    ]  # fmt: skip


def test_there_are_no_more_notes_than_are_shown() -> None:
    tasks = [task(f"t{number}", line=number) for number in range(1, 31)]
    run = Story(*tasks, team=tuple(f"m{number}" for number in range(30)), attempts=1)
    for it in tasks:
        run.ready(it.id)
        run.send(e.AttemptFailed(task=it.id, attempt=1, reason="it broke", final=True))
    assert len(noted(run.state, report(run.state), "plan.md", known)) == MOST


def paused(until: float, limit: str = "usage") -> Story:
    run = Story(task("one"), task("two"), team=("ada", "bob"))
    run.ready("one")
    run.ready("two")
    run.send(e.TeamPaused.model_validate({"limit": limit, "until": until, "reason": "limit", "resets": True}))
    return run


def test_a_pause_beyond_the_deadline_is_only_waiting_once_nobody_works() -> None:
    run = paused(until=5_000.0)
    assert not only_waits(run.state, 1_000.0), "two are still at work"
    for name in ("one", "two"):
        run.ended(name, interrupted=True)
    assert only_waits(run.state, 1_000.0)
    assert not only_waits(run.state, 5_000.0), "it is over in time"
    run.send(e.StopRequested(reason=outlasted(5_000.0)))
    assert run.state.outcome == "stopped"
    assert by_deadline(run.state)
    assert resume_at(run.state) == "1970-01-01T01:23:20Z"
    assert not only_waits(run.state, 1_000.0)
    said = outputs(run.state, report(run.state))
    assert (said["outcome"], said["resumable"], said["resume_at"]) == (
        "stopped",
        "true",
        "1970-01-01T01:23:20Z",
    )
    page = summary(run.state, report(run.state))
    assert "Nothing is wrong: it is to be resumed, not before 1970-01-01T01:23:20Z" in page
    assert "workbench resume r" in page


def test_only_a_deadline_with_nothing_given_up_is_as_it_should_be() -> None:
    def stopped_run(reason: str, run: Story) -> RunState:
        run.send(e.StopRequested(reason=reason))
        for name, attempt in list(run.state.working):
            run.ended(name, attempt, interrupted=True)
        assert run.state.outcome == "stopped"
        return run.state

    fine = stopped_run(passed(30), Story(task("one"), team=("ada",)))
    assert goes_on(fine, report(fine))
    assert resume_at(fine) == ""
    asked = stopped_run("asked to with `workbench stop`", Story(task("one"), team=("ada",)))
    assert not goes_on(asked, report(asked))
    run = Story(task("one"), task("two"), team=("ada", "bob"), attempts=1)
    run.ready("one")
    run.send(e.AttemptFailed(task="one", attempt=1, reason="it broke", final=True))
    broken = stopped_run(passed(30), run)
    assert not goes_on(broken, report(broken))
    assert outputs(broken, report(broken))["failed"] == "1"


def test_every_output_is_always_there() -> None:
    state = failed().state
    assert outputs(state, report(state)).keys() == NOTHING.keys()
    assert outputs(state, report(state))["resumable"] == "false"


def landed() -> Story:
    run = Story(task("one"), task("two", "one"), team=("ada",))
    run.ready("one")
    run.deliver("one")
    run.land("one")
    return run


def test_the_page_has_the_table_the_graph_and_how_to_go_on() -> None:
    run = landed()
    page = summary(run.state, report(run.state))
    assert page.startswith("## Played\n")
    assert "| <code>one</code> Do one | landed | 1 | ada |" in page
    assert '```mermaid\nflowchart LR\n  t0["one"]:::done\n  t1["two"]:::' in page
    assert "  t0 --> t1\n" in page
    assert "workbench/r/integration" in page


def test_the_page_shows_what_waits_for_an_answer() -> None:
    run = Story(task("one"), team=("ada",), on_question="hold")
    run.ready("one")
    run.mark("one", "question", "Which | <b>one</b>\n::error::x?", to="person")
    page = summary(run.state, report(run.state))
    assert "### Waits for an answer" in page
    assert "\\<b\\>" in page
    assert "workbench answer" in page and "gh workflow run workbench -f mode=resume" in page
    (note,) = noted(run.state, report(run.state), "plan.md", known)
    assert (note.level, note.path) == ("warning", "plan.md")


HOSTILE = "x` | <img src=x> [a](http://e) ![](http://e/p.png) @you\n```\n::error::x\n| - | " * 8


@pytest.mark.parametrize("count", [2, 300, 8000])
def test_no_page_is_too_large_and_none_is_bent(count: int) -> None:
    tasks = [task(f"t{number}", title=HOSTILE) for number in range(count)]
    run = Story(*tasks, team=("ada",))
    page = summary(run.state, report(run.state))
    assert len(page.encode()) <= LIMIT
    assert ("more tasks are in the report" in page) == (count == 8000)
    assert ("```mermaid" in page) == (count == 2)
    assert page.count("```") in (0, 2)
    assert not re.search(r"(?<!\\)<img|!\[|(?<!\\)\]\(|@you|\n::", page)
    rows = [line for line in page.splitlines() if line.startswith("| <code>t")]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 8 for row in rows)


def test_a_page_that_is_full_stays_as_it_is() -> None:
    run = landed()
    whole = summary(run.state, report(run.state))
    for room in (0, 50, 200, 500, 800, len(whole.encode()) - 1):
        assert len(summary(run.state, report(run.state), room).encode()) <= room
    assert summary(run.state, report(run.state), 0) == ""
