"""What a viewer remembers of conflicts: each is one, from when it is foreseen until it is settled."""

from __future__ import annotations

import pytest

from workbench.core import clashes
from workbench.core import events as e
from workbench.core.apply import apply
from workbench.core.clashes import Clash, Clashes
from workbench.core.state import RunState
from workbench.testing.story import Story, task

HUNKS = "<<<<<<< landed\none\n=======\ntwo\n>>>>>>> b\n"


def remembered(story: Story) -> list[Clash]:
    """The conflicts of a story, oldest first."""
    found, state = Clashes(), RunState(run="r")
    for record in story.log:
        apply(state, record)
        found.take(state, record)
    return list(found.found.values())


@pytest.fixture
def story() -> Story:
    """Two tasks, of which ``a`` landed."""
    run = Story(task("a"), task("b"), attempts=3, batch=1)
    run.ready("a")
    run.ready("b")
    return run


def landed(story: Story) -> None:
    story.deliver("a")
    story.built("a")
    story.gated("a", True)
    story.landed("a", files=("x.py",))


def test_what_was_foreseen_and_found_is_one_conflict(story: Story) -> None:
    story.send(e.ConflictForeseen(task="a", other="b", paths=("x.py",), hunks=HUNKS))
    (foreseen,) = remembered(story)
    assert (foreseen.task, foreseen.others, foreseen.standing) == ("a", ("b",), "foreseen")
    landed(story)
    story.deliver("b")
    story.made("b", rung="union", resolved=("x.py",))
    (tried,) = remembered(story)
    assert (tried.task, tried.others, tried.standing, tried.by) == ("b", ("a",), "found", "union")
    story.batch_built()
    story.gated("b", True)
    story.landed("b")
    (settled,) = remembered(story)
    assert (settled.standing, settled.by, settled.hunks) == ("settled", "union", HUNKS)


def test_what_merges_again_is_cleared(story: Story) -> None:
    story.send(e.ConflictForeseen(task="a", other="b", paths=("x.py",)))
    story.send(e.ConflictCleared(task="b", other="a"))
    assert [it.standing for it in remembered(story)] == ["cleared"]


def test_a_fix_up_is_told_from_being_sent_back_to_the_landing(story: Story) -> None:
    landed(story)
    story.deliver("b")
    story.conflict("b", "x.py", hunks=HUNKS)
    story.batch_built()
    (working,) = remembered(story)
    assert (working.standing, working.others, working.hunks) == ("at work", ("a",), HUNKS)
    who = story.state.attempts["b", 2].teammate
    assert working.by == who
    story.ready("b", 2)
    story.deliver("b", 2)
    story.land("b")
    assert [(it.standing, it.by) for it in remembered(story)] == [("settled", who)]


def test_a_rung_whose_result_was_red_is_kept_in_mind(story: Story) -> None:
    landed(story)
    story.deliver("b")
    story.made("b", rung="union", resolved=("x.py",))
    story.batch_built()
    while story.state.landing is not None and not remembered(story)[-1].thrown:
        story.gated("b", False)
    (clash,) = remembered(story)
    assert (clash.thrown, clash.standing, clash.by) == (("union",), "found", "")


def test_the_latest_are_remembered(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clashes, "MOST", 3)
    for number in range(5):
        story.send(e.ConflictForeseen(task="a", other="b", paths=(f"{number}.py",)))
        story.send(e.ConflictCleared(task="a", other="b"))
    assert [it.paths for it in remembered(story)] == [("2.py",), ("3.py",), ("4.py",)]
