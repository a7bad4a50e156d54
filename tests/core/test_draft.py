"""What a model answers when it is asked for a plan, or for its opinion of one."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.core.plan import parse, render
from workbench.core.plan.answer import (
    CRITIQUE_SCHEMA,
    DRAFT_SCHEMA,
    MOST_POINTS,
    from_critique,
    from_draft,
)
from workbench.errors import PlanError

TASK: dict[str, Any] = {
    "id": "a",
    "title": "Do  a\nnow",
    "body": "\nDo it.\n",
    "after": [],
    "files": ["./src/a.py"],
    "gate": ["make a"],
}
ANSWER: dict[str, Any] = {
    "title": "T",
    "context": "Why.",
    "contract": "`f()`",
    "tasks": [TASK],
    "gates": ["make test", "make test"],
    "setup": ["npm ci"],
    "suitability": {},
}


def test_a_draft_is_a_plan_that_reads_back() -> None:
    plan = from_draft(ANSWER)
    assert (plan.gates, plan.setup, plan.contract) == (("make test",), ("npm ci",), "`f()`")
    assert plan.tasks[0].title == "Do a now" and plan.tasks[0].files == ("src/a.py",)
    again = parse(render(plan))
    assert (again.gates, again.setup, again.tasks[0].body) == (plan.gates, plan.setup, "Do it.")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"gates": "make"}, '"gates" of the answer is not a list of texts'),
        ({"gates": ["a\nb"]}, "a gate command has several lines"),
        ({"setup": [""]}, "a set-up command is empty"),
        ({"tasks": []}, "the plan has no tasks"),
        ({"tasks": [TASK, TASK]}, "used twice"),
        ({"tasks": [{**TASK, "files": ["/etc/passwd"]}]}, "points outside"),
        ({"tasks": [{**TASK, "after": ["b"]}]}, "no task of this plan"),
        ({"tasks": [{**TASK, "body": "a\u202eb"}]}, "hidden character"),
        ({"front": "x"}, "unknown"),
        ({"title": ""}, "a title is empty"),
    ],
)
def test_a_draft_is_held_to_the_rules(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        from_draft(ANSWER | changed)


def test_the_schemas_ask_for_what_is_read() -> None:
    assert set(ANSWER) == set(DRAFT_SCHEMA["properties"]) == set(DRAFT_SCHEMA["required"])
    scores = DRAFT_SCHEMA["properties"]["suitability"]["properties"]
    assert set(scores) == {"collective", "asynchronous", "traces"}
    assert set(CRITIQUE_SCHEMA["properties"]) == {"points", "verdict"}


def test_a_critique_is_sorted_and_nothing_in_it_is_hidden() -> None:
    points = [
        {"weight": "could", "task": "", "point": "Small.", "mend": ""},
        {"weight": "must", "task": "a", "point": "Big\n\u202egap.", "mend": "Close it."},
        {"weight": "shout", "point": "Odd."},
        {"point": ""},
        "nothing",
    ]
    critique = from_critique({"verdict": "So\x1b so.", "points": points})
    assert [point.weight for point in critique.points] == ["must", "could", "could"]
    assert critique.points[0].point == "Big \N{REPLACEMENT CHARACTER}gap."
    assert critique.verdict == "So\N{REPLACEMENT CHARACTER} so."


@pytest.mark.parametrize("answer", [{}, {"points": 3}, {"points": [], "verdict": 1}])
def test_an_opinion_that_is_none_is_none(answer: dict[str, Any]) -> None:
    assert from_critique(answer).points == ()


def test_a_critic_is_heard_for_so_long() -> None:
    points = [{"weight": "must", "point": f"{n}"} for n in range(100)]
    assert len(from_critique({"points": points}).points) == MOST_POINTS
