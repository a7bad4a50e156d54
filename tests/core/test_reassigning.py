"""A person gives a task to a teammate."""

from __future__ import annotations

import pytest

from tests.core.test_steering import ask, fail, refusal, starts
from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.apply import fold
from workbench.core.brief import brief_values
from workbench.core.mail import LEAD, PERSON, WORKBENCH
from workbench.core.models import Task
from workbench.core.plan.writing import render
from workbench.core.requests import (
    Answer,
    Pause,
    ProposeChange,
    Reassign,
    RequestJoin,
    RequestShutdown,
    Skip,
    Spawn,
    Stop,
    Unpause,
)
from workbench.core.state import TaskStatus
from workbench.core.story import Story as Telling
from workbench.errors import IllegalEvent
from workbench.testing.story import Story, task

T = TaskStatus


def give(run: Story, name: str, to: str, by: str = PERSON) -> list[a.Action]:
    return ask(run, Reassign(task=name, to=to), by)


def pairs(actions: list[a.Action]) -> list[tuple[str, str]]:
    return [(it.task, it.teammate) for it in starts(actions)]


def cut(run: Story, name: str, attempt: int = 1, commit: str | None = "wip") -> list[a.Action]:
    """An attempt has ended that was interrupted."""
    return run.ended(name, attempt, interrupted=True, commit=commit, session="s")


def told(run: Story) -> list[str]:
    """What a display says of the run."""
    telling, state = Telling(), fold(run.log[:0])
    lines = []
    for number, record in enumerate(run.log, 1):
        state = fold(run.log[:number])
        if (line := telling.line(state, record.event)) is not None:
            lines.append(line.what)
    return lines


# -- a task that nobody is at --------------------------------------------------------------------------------


def test_it_waits_for_that_one_though_others_are_free() -> None:
    run = Story(task("a"), task("b"), task("c", "a"), team=("ada", "bob"))
    assert pairs(run.first) == [("a", "ada"), ("b", "bob")]
    assert give(run, "c", "bob") == [] and run.state.wishes == {"c": "bob"}
    run.deliver("a")
    run.land("a")
    assert run.status("c") is T.READY and run.state.free == [0], "ada has nothing to do, and it is bob's"
    run.mark("b", "done")
    run.turn("b")
    run.collected("b")
    run.checked("b", True)
    (start,) = starts(run.ended("b"))
    assert (start.task, start.teammate, start.because) == ("c", "bob", "a person gave it to bob")


def test_who_is_free_begins_at_once() -> None:
    run = Story(task("a"), task("b"), task("c"), team=("ada", "bob"))
    ask(run, Pause())
    run.deliver("a")
    assert give(run, "c", "ada") == []
    assert pairs(ask(run, Unpause())) == [("c", "ada")]


def test_it_comes_first_with_that_one_or_it_would_never_be_its_turn() -> None:
    run = Story(task("a"), task("b"), task("x", priority=5), task("c"), team=("ada", "bob"))
    assert pairs(run.first) == [("x", "ada"), ("a", "bob")]
    give(run, "c", "ada")
    run.deliver("x")
    assert run.state.working.keys() == {("a", 1), ("c", 1)} and run.status("b") is T.READY


def test_a_fix_up_goes_to_whom_it_was_given_and_not_to_who_made_it() -> None:
    run = Story(task("a"), task("b"), team=("ada", "bob", "cy"))
    run.deliver("a")
    run.land("a")
    run.deliver("b")
    ask(run, Pause())
    run.conflict("b", "x.py", hunks="<<<")
    run.batch_built()
    assert run.status("b") is T.CONFLICTED and run.state.tasks["b"].prefers == "bob"
    give(run, "b", "cy")
    (start,) = starts(ask(run, Unpause()))
    assert (start.teammate, start.why, start.carry) == ("cy", "conflict", "b1")


def test_a_task_that_waits_for_others_or_is_held_is_given_too() -> None:
    run = Story(task("a"), task("b", "a"), task("x"), team=("ada", "bob"), attempts=1)
    give(run, "b", "bob")
    assert run.state.wishes == {"b": "bob"} and run.status("b") is T.PENDING
    fail(run, "a")
    assert run.status("b") is T.HELD
    give(run, "b", "ada")
    assert run.state.wishes == {"b": "ada"}


def test_where_the_agent_broke_another_one_begins_at_once() -> None:
    run = Story(task("a"), task("b"), team=("ada", "bob", "cy"), retry_seconds=60.0)
    fail(run, "a")
    assert run.state.tasks["a"].later is not None and ("a", 2) not in run.state.working
    assert pairs(give(run, "a", "ada")) == [("a", "ada")], "a person's word is over what it avoids"


def test_what_was_interrupted_goes_on_with_what_there_is_of_it() -> None:
    run = Story(task("a"), team=("ada", "bob"), continues=True)
    run.send(e.StopRequested(reason="later"))
    cut(run, "a")
    assert run.state.outcome == "stopped" and run.state.tasks["a"].why == "continued"
    assert give(run, "a", "bob") == [], "nothing starts before it is resumed"
    (start,) = starts(run.send(e.RunResumed(pid=2)))
    assert (start.teammate, start.why, start.carry, start.session) == ("bob", "retry", "wip", None)
    assert run.state.tasks["a"].evidence == "ada was at it until a person gave it to bob."


def test_a_question_of_who_is_not_at_it_any_more_waits_for_nobody() -> None:
    run = Story(task("a"), task("x"), team=("ada", "cy", "bob"), on_question="hold")
    run.mark("a", "question", "which port?")
    run.turn("a")
    run.ended("a", interrupted=True)
    assert list(run.state.asks) == ["m1"] and ("a", 1) not in run.state.working
    assert pairs(give(run, "a", "bob")) == [("a", "bob")] and not run.state.asks


# -- a task that somebody is at ------------------------------------------------------------------------------


@pytest.mark.parametrize("continues", [True, False])
def test_who_is_at_it_is_interrupted_and_the_other_goes_on(continues: bool) -> None:
    run = Story(task("a"), task("b", "a"), team=("ada", "bob"), continues=continues)
    assert give(run, "a", "bob") == [a.EndAttempt("a", 1, interrupt=True)]
    (start,) = starts(cut(run, "a"))
    assert (start.teammate, start.why, start.carry, start.session) == ("bob", "retry", "wip", None)
    assert (run.state.tasks["a"].tries, run.state.tasks["a"].attempt) == (0, 2), "nobody failed"
    told_by = brief_values(run.state, run.state.attempts["a", 2], ())
    assert told_by["evidence"] == "ada was at it until a person gave it to bob."
    run.deliver("a", 2)
    run.land("a")
    assert run.status("a") is T.LANDED


def test_it_waits_for_who_is_at_something_else() -> None:
    run = Story(task("a"), task("b"), task("c"), team=("ada", "bob"))
    give(run, "a", "bob")
    assert pairs(cut(run, "a")) == [("c", "ada")], "ada gets something else"
    assert run.status("a") is T.READY
    run.deliver("b")
    assert ("a", 2) in run.state.working and run.state.attempts["a", 2].teammate == "bob"


def test_who_had_nothing_yet_leaves_nothing_behind() -> None:
    run = Story(task("a"), team=("ada", "bob"))
    give(run, "a", "bob")
    (start,) = starts(cut(run, "a", commit=None))
    assert (start.teammate, start.why, start.carry) == ("bob", "first", None)


def test_a_person_thinks_better_of_it() -> None:
    run = Story(task("a"), team=("ada", "bob"), continues=True)
    run.ready("a")
    give(run, "a", "bob")
    assert give(run, "a", "ada") == [], "it is being interrupted already, and goes on with the same"
    (start,) = starts(cut(run, "a"))
    assert (start.teammate, start.why, start.session) == ("ada", "continued", "s")


def test_what_is_delivered_meanwhile_is_delivered() -> None:
    run = Story(task("a"), team=("ada", "bob"))
    give(run, "a", "bob")
    run.deliver("a")
    run.land("a")
    assert run.state.outcome == "landed"


def test_an_open_question_goes_with_who_asked_it() -> None:
    run = Story(task("a"), team=("ada", "bob"), on_question="hold")
    run.mark("a", "question", "which port?")
    give(run, "a", "bob")
    assert pairs(cut(run, "a")) == [("a", "bob")] and not run.state.asks
    ask(run, Answer(message="m1", text="8080"))
    assert "has its answer already, or needs none" in refusal(run).reason


# -- who leaves --------------------------------------------------------------------------------------------


def test_when_that_one_leaves_it_is_anybody_s_and_said_so() -> None:
    run = Story(task("a"), task("b"), task("c", "a"), team=("ada", "bob"))
    give(run, "c", "bob")
    run.deliver("a")
    run.land("a")
    assert run.status("c") is T.READY
    actions = ask(run, RequestShutdown(teammate="bob", reason="enough", now=True))
    assert a.EndAttempt("b", 1, interrupt=True) in actions
    assert run.state.wishes == {} and run.log[-1].event == e.TaskReassigned(task="c", to="", by=WORKBENCH)
    actions += cut(run, "b")
    assert ("c", "ada") in pairs(actions) or ("b", "ada") in pairs(actions)
    assert "c is for anybody again: who was to have it leaves" in told(run)


def test_who_is_at_nothing_and_leaves_lets_it_go_at_once() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada", "bob"))
    give(run, "b", "bob")
    ask(run, RequestShutdown(teammate="bob"))
    assert run.state.wishes == {}
    run.deliver("a")
    assert pairs(run.land("a")) == [("b", "ada")]


def test_who_came_from_outside_may_be_given_a_task_and_leaves_with_the_process() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada",), on_join="approve")
    ask(run, RequestJoin(seat="0123456789abcdef", name="guest", agent="command"))
    give(run, "a", "guest")
    assert pairs(cut(run, "a")) == [("a", "guest")]
    give(run, "b", "guest")
    run.note(e.AttemptEnded(task="a", attempt=2, teammate="guest", interrupted=True, commit="wip2"))
    assert pairs(run.send(e.RunResumed(pid=2))) == [("a", "ada")]
    assert run.state.wishes == {}


def test_a_stop_drops_no_wish() -> None:
    run = Story(task("a"), task("b"), task("c", "a"), team=("ada", "bob"))
    give(run, "c", "bob")
    ask(run, Stop())
    cut(run, "a")
    cut(run, "b")
    assert run.state.outcome == "stopped" and run.state.wishes == {"c": "bob"}
    before = run.state
    run.restart()
    assert run.state == before


def test_a_task_that_is_dropped_from_the_plan_is_nobody_s() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada", "bob"))
    give(run, "b", "bob")
    assert run.state.plan is not None
    only = run.state.plan.model_copy(update={"tasks": run.state.plan.tasks[:1]})
    ask(run, ProposeChange(text=render(only), approved=True))
    assert "b" not in run.state.tasks and run.state.wishes == {}
    ask(run, RequestShutdown(teammate="bob"))
    assert run.state.teammates["bob"].left


# -- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "to", "reason", "hint"),
    [
        ("nope", "ada", "The run has no task 'nope'.", "It could be b, d."),
        ("b", "zoe", "There is nobody called 'zoe' in this run.", "There are ada, bob, cy."),
        ("b", "gus", "gus has left the team: the person in charge asked it to:", "There are ada, bob, cy."),
        ("b", "cy", "cy is at b already.", "workbench send cy"),
        ("a", "bob", "a is landed: nobody is to work on it.", "workbench undo a"),
        ("c", "bob", "c is failed: nobody is to work on it.", "`workbench retry c` first"),
        ("e", "bob", "e is landing: nobody is to work on it.", "on its way to the branch"),
        ("f", "bob", "f is skipped: nobody is to work on it.", "`workbench retry f` first"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(name: str, to: str, reason: str, hint: str) -> None:
    tasks: list[Task] = [
        task("a", priority=9), task("b"), task("c"), task("d", "c"), task("e", "a"), task("f", "d")
    ]  # fmt: skip
    run = Story(*tasks, team=("ada", "bob", "cy"), attempts=1)
    ask(run, Spawn(name="gus"))
    ask(run, RequestShutdown(teammate="gus", reason="enough"))
    run.deliver("a")
    run.land("a")
    fail(run, "c")
    run.deliver("e")
    ask(run, Skip(task="f"))
    assert give(run, name, to) == []
    assert refusal(run).reason.startswith(reason) and hint in refusal(run).hint, refusal(run)


def test_saying_it_twice_is_refused() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada", "bob"))
    give(run, "b", "bob")
    give(run, "b", "bob")
    assert refusal(run).reason == "b is given to bob already."


def test_the_lead_may_not() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada", "bob"), lead="claude")
    give(run, "b", "bob", by=LEAD)
    assert "lead may not" in refusal(run).reason and run.state.wishes == {}


def test_the_tables_refuse_what_no_request_would_ask() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada",))
    run.deliver("a")
    for name, to in (("a", "ada"), ("b", "zoe"), ("zzz", "ada")):
        with pytest.raises(IllegalEvent):
            run.note(e.TaskReassigned(task=name, to=to, by=PERSON))


def test_it_is_told() -> None:
    run = Story(task("a"), team=("ada", "bob"))
    give(run, "a", "bob")
    assert told(run)[-1] == "a is given to bob, as asked for"
