"""A person brings in work for what was given up."""

from __future__ import annotations

import pytest

from workbench.composition.provided import given_up as given_up_task
from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import Reversal
from workbench.core.report import report
from workbench.core.state import PERSON, TaskStatus
from workbench.errors import IllegalEvent, UsageError
from workbench.testing.story import Story, task

T = TaskStatus


def given_up() -> Story:
    """``a`` landed; ``b`` failed for good, so ``c`` and ``d`` behind it are held; ``e`` is blocked."""
    run = Story(
        task("a", priority=9),
        task("b"),
        task("c", "b"),
        task("d", "c", "e"),
        task("e"),
        team=("ada", "bob", "cy"),
        attempts=1,
    )
    run.deliver("a")
    run.land("a")
    run.turn("b", error="it crashed")
    run.collected("b")
    run.ended("b")
    run.mark("e", "blocked", "cannot")
    run.turn("e")
    run.collected("e")
    run.ended("e")
    assert [run.status(name) for name in "abcde"] == [T.LANDED, T.FAILED, T.HELD, T.HELD, T.BLOCKED]
    assert run.state.outcome == "incomplete"
    return run


def provide(run: Story, name: str) -> None:
    number = run.state.tasks[name].attempt + 1
    run.note(
        e.WorkProvided(
            task=name, attempt=number, commit=f"mine-{name}", tree=f"tree-mine-{name}", start="L-a"
        )
    )


def test_it_is_queued_what_waited_waits_again_and_the_run_goes_on() -> None:
    run = given_up()
    assert run.state.over_for_good
    provide(run, "b")
    assert not run.state.over_for_good
    assert [run.status(name) for name in "bcd"] == [T.DELIVERED, T.PENDING, T.HELD]
    actions = run.send(e.RunResumed(pid=1))
    assert actions == [a.BuildBatch(("b",), ("mine-b",))]
    run.land("b")
    assert run.status("b") is T.LANDED
    assert run.status("c") is T.RUNNING


def test_both_that_a_task_waits_for_must_be_brought_in() -> None:
    run = given_up()
    provide(run, "e")
    assert run.status("d") is T.HELD
    provide(run, "b")
    assert [run.status(name) for name in "cd"] == [T.PENDING, T.PENDING]


def test_what_a_person_brought_in_and_conflicts_is_theirs_again() -> None:
    run = given_up()
    provide(run, "b")
    run.send(e.RunResumed(pid=1))
    run.conflict("b", "f")
    assert (run.status("b"), run.status("c")) == (T.FAILED, T.HELD)
    assert run.state.attempts["b", 2].teammate == PERSON
    run.batch_built()
    provide(run, "b")
    assert run.state.tasks["b"].attempt == 3


@pytest.mark.parametrize("conflict", [True, False])
def test_the_report_names_the_person_and_a_conflict_if_there_was_one(conflict: bool) -> None:
    run = given_up()
    provide(run, "b")
    run.send(e.RunResumed(pid=1))
    if conflict:
        run.conflict("b", "f")
        run.batch_built()
        provide(run, "b")
        run.send(e.RunResumed(pid=1))
    run.land("b")
    made = report(run.state)
    assert [(it.rung, it.task) for it in made.conflicts] == [("person", "b")] * conflict
    assert next(it for it in made.landings if it.task == "b").teammate == PERSON


@pytest.mark.parametrize("name", ["a", "c"])
def test_only_for_what_was_given_up(name: str) -> None:
    run = given_up()
    with pytest.raises(IllegalEvent, match=name):
        provide(run, name)


def test_a_log_with_it_folds_to_the_same_state() -> None:
    run = given_up()
    provide(run, "b")
    before = run.state.tasks["b"]
    run.restart()
    assert run.state.tasks["b"] == before


def test_nothing_is_brought_in_before_what_it_waits_for() -> None:
    """Both were undone: the second without the first would land on a branch that lacks it."""
    run = Story(task("a"), task("b", "a"))
    for name in "ab":
        run.deliver(name)
        run.land(name)
    undone = [
        Reversal(task="b", landing="L-b", parent="L-b", commit="U-b", tree="tree-L-a"),
        Reversal(task="a", landing="L-a", parent="U-b", commit="U-a", tree="tree-base"),
    ]
    run.note(e.UndoStarted(reversals=tuple(undone)))
    for it in undone:
        run.note(e.LandingUndone.model_validate(it.model_dump()))
    with pytest.raises(UsageError, match="on top of a, which is undone"):
        given_up_task(run.state, "b")
    with pytest.raises(IllegalEvent, match="waits for a"):
        provide(run, "b")
    assert given_up_task(run.state, "a").status is T.UNDONE
    provide(run, "a")
    run.send(e.RunResumed(pid=1))
    run.built("a", a="tree-mine")
    run.gated("a", True)
    run.landed("a")
    assert given_up_task(run.state, "b").status is T.UNDONE
    provide(run, "b")
    assert run.status("b") is T.DELIVERED
