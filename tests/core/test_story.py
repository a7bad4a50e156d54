"""What a run tells, in words."""

from __future__ import annotations

import pytest

from workbench.cli.collisions import semantic, settled
from workbench.core.events import ConflictCleared, ConflictForeseen, LandingRead
from workbench.core.models import PublicChange
from workbench.core.report.values import ConflictReport, SemanticReport
from workbench.core.state import RunState
from workbench.core.story.events import named
from workbench.core.story.story import Story
from workbench.core.story.words import gist


@pytest.mark.parametrize(
    ("hows", "more", "said"),
    [
        ("", 0, "no public name changed"),
        ("a", 0, "1 public name added"),
        ("aac", 0, "2 public names added, 1 changed"),
        ("crr", 0, "1 public name changed, 2 removed"),
        ("ar", 5, "1 public name added, 1 removed, 5 more"),
    ],
)
def test_a_landing_says_how_public_names_differ(hows: str, more: int, said: str) -> None:
    changes = tuple(
        PublicChange.model_validate({"path": "a.py", "name": "f", "how": ways[how], "signature": "f()"})
        for ways in [{"a": "added", "c": "changed", "r": "removed"}]
        for how in hows
    )
    assert named(LandingRead(tasks=("a",), commit="c", changes=changes, more=more)) == said


def test_many_that_meet_in_one_file_are_told_of_once_each() -> None:
    story, state = Story(), RunState()
    said = []
    for one, other, path in map(tuple, ["abx", "acx", "bcx", "bdx", "cdx", "bcy"]):
        if line := story.line(state, ConflictForeseen(task=one, other=other, paths=(path,), hunks="")):
            said.append(line.what.split(" conflict")[0])
    assert said == ["a and b", "a and c", "b and d", "b and c"]
    assert story.line(state, ConflictCleared(task="c", other="d")) is None, "nobody was told of it"
    assert story.line(state, ConflictCleared(task="a", other="b"))


def test_a_terminal_shows_what_settled_conflicts_and_who_was_red_together() -> None:
    union = [ConflictReport(task=name, paths=("x",), rung="union") for name in "abcdefghij"]
    agent = ConflictReport(task="k", paths=("x",), rung="agent", by="ada", thrown=("union",))
    both = SemanticReport(
        task="a", others=("b",), gate="pytest -q", tests=("t1", "t2"), certain=True, status="landed"
    )
    assert list(settled([*union, agent])) == [
        ("union", "a, b, c, d, e, f, g, h and 2 more"),
        ("agent (ada)", "k (red before: union)"),
    ]
    assert list(semantic([both])) == [("a with b", "t1, t2 (landed in the end)")]


def test_what_only_announces_more_is_told_with_the_last_of_it() -> None:
    assert gist("It exited with 3. The end of its output:\nstarting\nboom\n\n") == (
        "It exited with 3. The end of its output: boom"
    )
    assert gist("A gate is red.\nmany lines") == "A gate is red."
    assert gist("nothing follows:") == "nothing follows:"
    assert gist("") == ""
