"""The boxes of a plan: what they say, that nothing else is touched, and that it reads the same with them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.core.test_plan import any_plans, hostile
from workbench.core.models import Plan
from workbench.core.plan import parse
from workbench.core.plan.boxes import (
    MARKS,
    Boxed,
    bare,
    boxes,
    by_hand,
    in_conflict,
    marked,
    untouched,
    written,
)
from workbench.core.plan.writing import without_lines
from workbench.core.state import TaskStatus
from workbench.errors import PlanError

PLAN = """\
# P

## Tasks

### a: A

- after: b

Body with ### [ ] b: in it

```
### [ ] b: not this one
```

###   [X]   b: B ###
"""


def test_each_status_has_a_box() -> None:
    assert set(MARKS) == set(TaskStatus)
    assert [status for status, mark in MARKS.items() if mark == "x"] == [TaskStatus.LANDED]


def test_a_box_is_one_character_and_is_put_where_there_is_none() -> None:
    text = marked(PLAN, {"a": "x", "b": "~"})
    assert text == PLAN.replace("### a", "### [x] a").replace("###   [X]   b", "###   [~]   b")
    assert marked(text, {"a": " "}) == text.replace("[x] a", "[ ] a")
    assert [(box.id, box.mark) for box in boxes(text)] == [("a", "x"), ("b", "~")]
    assert bare(text) == bare(PLAN)


def test_what_is_marked_so_already_stays_as_it_is_written() -> None:
    assert marked(PLAN, {"b": "x"}) == PLAN


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark_stay(end: str) -> None:
    text = "\ufeff" + PLAN.replace("\n", end)
    assert marked(text, {"a": "x"}) == text.replace("### a", "### [x] a")


def test_two_tasks_of_one_id_have_no_box() -> None:
    twice = PLAN.replace("   b: B", "   a: B")
    assert marked(twice, {"a": "x"}) == twice


def test_a_ticked_task_is_done_unless_it_stands_in_the_run() -> None:
    assert [task.id for task in parse(PLAN).tasks] == ["a"]
    assert parse(PLAN).tasks[0].after == ()
    assert [task.id for task in parse(PLAN, standing=["b"]).tasks] == ["a", "b"]
    assert parse(PLAN, standing=["b"]).tasks[0].after == ("b",)
    for mark in "~! -":
        assert len(parse(marked(PLAN, {"b": mark})).tasks) == 2, "only a tick means done"


def test_boxes_changed_by_hand_are_named() -> None:
    assert list(by_hand(PLAN, marked(PLAN, {"b": " "}))) == ["b"]
    assert not list(by_hand(PLAN, PLAN))


def test_markers_of_a_merge_are_seen() -> None:
    assert in_conflict("# P\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n")
    assert not in_conflict(PLAN + "\n<<<<<<<< eight\n")


def test_the_runs_own_file_knows_itself_whatever_its_boxes_say() -> None:
    plan = parse(PLAN, standing=["b"])
    text = written(plan, "r", {"a": "x", "b": "!"})
    assert untouched(text) and untouched(marked(text, {"a": "~"}))
    for other in (
        text + "x",
        text.replace("Body", "body"),
        bare(text).replace("workbench wrote", "he wrote"),
    ):
        assert not untouched(other)


@given(any_plans(), st.data())
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@example(hostile("### x: y\n\n```\n# z\n"), None)
@example(hostile("<!-- c -->"), None)
@example(hostile("<pre>"), None)
@example(hostile("- do"), None)
def test_what_is_written_with_boxes_reads_as_the_same_plan(plan: Plan, data: st.DataObject | None) -> None:
    names = [task.id for task in plan.tasks]
    marks = {name: data.draw(st.sampled_from(" ~x!-")) if data else "x" for name in names}
    text = written(plan, "run-1", marks)
    assert without_lines(parse(text, standing=names)) == plan
    assert {box.id: box.mark for box in boxes(text)} == marks
    assert untouched(text)


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from(" ~x!-")), max_size=5))
def test_boxes_that_are_set_again_are_where_they_are(marks: list[dict[str, str]]) -> None:
    page = Boxed.read(PLAN)
    for some in marks:
        page = page.marked(some)
        assert page == Boxed.read(page.text)
        assert {box.id: box.mark for box in page.boxes}.items() >= some.items() or "x" in some.values()


LINE = st.sampled_from(
    ["# T", "## Tasks", "### a: A", "### [x] a: A", " ### [ ] b: B ##", "### b", "- after: a", "```", "text",
     "", "> ### c: C", "  ### `c`: C", "## Contract", "---", "<!-- x", "-->", "### [~]\tc: C", "\tcode"]
)  # fmt: skip


@given(st.lists(LINE, max_size=14), st.sampled_from(["\n", "\r\n"]), st.sampled_from(" x~!-"))
@settings(deadline=None, max_examples=300)
def test_ticking_touches_only_boxes(lines: list[str], end: str, mark: str) -> None:
    text = end.join(lines)
    ticked = marked(text, dict.fromkeys("abc", mark))
    assert bare(ticked) == bare(text)
    assert marked(ticked, dict.fromkeys("abc", mark)) == ticked
    for before, now in zip(text.split(end), ticked.split(end), strict=True):
        if before != now:
            lead = before.index("#") + 3
            assert now[:lead] == before[:lead] and f"[{mark}]" in now
    assert read(ticked) == read(text)


def read(text: str) -> Plan | str:
    """What it says, or what is wrong with it."""
    try:
        return without_lines(parse(text, standing="abc"))
    except PlanError as error:
        return str(error)
