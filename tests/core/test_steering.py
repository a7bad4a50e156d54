"""A person steers a run: it is paused, a task is tried again, or left out."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.brief import brief_values
from workbench.core.mail import LEAD, PERSON
from workbench.core.report import junit, report
from workbench.core.requests import Answer, Pause, Request, Retry, Skip, Stop, Unpause, Write
from workbench.core.state import TaskStatus
from workbench.errors import IllegalEvent
from workbench.testing.story import Story, task

T = TaskStatus


def ask(run: Story, request: Request, by: str = PERSON) -> list[a.Action]:
    number = len(run.events(e.RequestMade)) + 1
    return run.send(e.RequestMade(id=f"{number:08x}", by=by, request=request))


def refusal(run: Story) -> e.RequestRefused:
    """Why nothing came of the last request."""
    last = run.log[-1].event
    assert isinstance(last, e.RequestRefused), last
    return last


def starts(actions: list[a.Action]) -> list[a.StartAttempt]:
    return [action for action in actions if isinstance(action, a.StartAttempt)]


def fail(run: Story, name: str, attempt: int = 1) -> list[a.Action]:
    run.turn(name, attempt, error="it crashed")
    run.collected(name, attempt)
    return run.ended(name, attempt)


def block(run: Story, name: str, attempt: int = 1) -> list[a.Action]:
    run.mark(name, "blocked", "the key is missing", attempt)
    run.turn(name, attempt)
    run.collected(name, attempt)
    return run.ended(name, attempt)


@pytest.mark.parametrize(
    "request_",
    [
        Write(to="ada", text="hi"),
        Answer(message="m1", text="x"),
        Stop(),
        Pause(),
        Unpause(),
        Retry(task="a"),
        Skip(task="a"),
    ],
)
def test_what_was_asked_for_can_be_read_back_from_the_log(request_: Request) -> None:
    made = e.RequestMade(id="00000001", by=PERSON, request=request_)
    assert e.load("RequestMade", e.dump(made)) == made


# -- pausing ---------------------------------------------------------------------------------------------


def test_a_paused_run_starts_nothing_and_lands_what_is_delivered() -> None:
    run = Story(task("a"), task("b", "a"), task("c"), team=("ada", "bob"))
    assert ask(run, Pause()) == []
    run.deliver("a")
    assert starts(run.land("a")) == []
    assert run.status("a") is T.LANDED and run.status("b") is T.READY, "it could start, and does not"
    assert [it.task for it in starts(ask(run, Unpause()))] == ["b"]


def test_a_paused_run_with_nothing_in_flight_waits_and_can_be_stopped() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada",))
    ask(run, Pause())
    run.deliver("a")
    run.land("a")
    assert not run.state.working and not run.state.finished
    ask(run, Stop())
    assert run.state.outcome == "stopped"
    assert [it.task for it in starts(run.send(e.RunResumed(pid=1)))] == ["b"], "who resumes lets it go on"
    assert not run.state.paused


def test_a_paused_run_is_over_when_its_last_task_is() -> None:
    run = Story(task("a"), team=("ada",))
    ask(run, Pause())
    run.deliver("a")
    run.land("a")
    assert run.state.outcome == "landed"


def test_a_pause_outlasts_what_a_task_waits_for() -> None:
    """Time passes, an agent broke, and still nothing starts."""
    run = Story(task("a"), team=("ada",), retry_seconds=5.0)
    ask(run, Pause())
    run.turn("a", live=False, error="it crashed")
    run.collected("a")
    assert run.ended("a") == [], "nothing to wake up for"
    run.now += 100
    assert run.send(e.Awoke()) == []
    assert [it.attempt for it in starts(ask(run, Unpause()))] == [2]


def test_a_pause_is_over_once_the_run_is_killed_and_resumed() -> None:
    run = Story(task("a"), team=("ada",))
    ask(run, Pause())
    run.restart()
    assert run.state.paused
    run.note(e.AttemptEnded(task="a", attempt=1, teammate="ada", interrupted=True))
    assert [it.task for it in starts(run.send(e.RunResumed(pid=2)))] == ["a"]


@pytest.mark.parametrize("first", [(Pause(),), ()])
def test_pausing_twice_or_letting_go_on_what_goes_on_is_refused(first: tuple[Request, ...]) -> None:
    run = Story(task("a"))
    for request in first:
        ask(run, request)
    ask(run, Pause() if first else Unpause())
    assert "paused" in refusal(run).reason


def test_a_run_that_is_stopping_cannot_be_paused() -> None:
    run = Story(task("a"))
    ask(run, Stop())
    ask(run, Pause())
    assert refusal(run).reason == "The run is not going on."


def test_the_tables_refuse_what_no_request_would_ask() -> None:
    run = Story(task("a"))
    for event in (
        e.RunUnpaused(by=PERSON),
        e.TaskRetried(task="a", by=PERSON),
        e.TaskSkipped(task="a", by=PERSON),
    ):
        with pytest.raises(IllegalEvent):
            run.note(event)


# -- trying again ------------------------------------------------------------------------------------------


def test_a_failed_task_has_all_its_tries_again_goes_on_from_its_work_and_what_waited_waits_again() -> None:
    run = Story(task("a"), task("b", "a"), task("c", "b"), task("x"), team=("ada", "bob"), attempts=2)
    fail(run, "a")
    fail(run, "a", 2)
    assert [run.status(name) for name in "abc"] == [T.FAILED, T.HELD, T.HELD]
    (start,) = starts(ask(run, Retry(task="a")))
    assert (start.task, start.attempt, start.why, start.carry) == ("a", 3, "retry", "a2")
    assert [run.status(name) for name in "abc"] == [T.RUNNING, T.PENDING, T.PENDING]
    assert run.state.tasks["a"].reason == "" and run.state.tasks["b"].reason == ""
    fail(run, "a", 3)
    assert run.status("a") is T.RUNNING, "the third is the first of two"
    run.deliver("a", 4)
    run.land("a")
    assert [run.status(name) for name in "ab"] == [T.LANDED, T.RUNNING]


def test_a_blocked_task_is_told_what_it_was_blocked_by() -> None:
    run = Story(task("a"), task("x"), team=("ada", "bob"))
    block(run, "a")
    (start,) = starts(ask(run, Retry(task="a")))
    assert (start.why, start.carry, start.teammate) == ("retry", "a1", "ada")
    assert run.state.tasks["a"].evidence == "the key is missing"


def test_a_conflict_that_was_given_up_is_resolved_again() -> None:
    run = Story(task("a"), task("b"), task("c", "b"), team=("ada", "bob"), attempts=1)
    run.deliver("a")
    run.land("a")
    run.deliver("b")
    run.conflict("b", "x.py", hunks="<<<")
    run.batch_built()
    run.deliver("b", 2)
    run.conflict("b", "x.py", hunks="<<<<")
    assert [run.status(name) for name in "bc"] == [T.FAILED, T.HELD]
    run.batch_built()
    ask(run, Retry(task="b"))
    (start,) = starts(run.send(e.RunResumed(pid=1)))
    assert (start.why, start.carry, start.attempt, start.teammate) == ("conflict", "b2", 3, "ada")
    assert run.state.tasks["b"].evidence == "<<<<" and run.status("c") is T.PENDING


def test_a_run_that_is_over_goes_on_with_a_task_that_is_tried_again() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada",), attempts=1)
    fail(run, "a")
    assert run.state.outcome == "incomplete" and run.state.over_for_good
    assert ask(run, Retry(task="a")) == [], "nothing starts before it is resumed"
    assert not run.state.over_for_good
    assert [it.task for it in starts(run.send(e.RunResumed(pid=1)))] == ["a"]
    assert run.status("b") is T.PENDING


def test_while_an_attempt_is_closing_the_next_waits_for_its_end() -> None:
    run = Story(task("a"), task("x"), team=("ada", "bob"), attempts=1)
    run.turn("a", error="it crashed")
    run.collected("a")
    assert run.status("a") is T.FAILED and ("a", 1) in run.state.working
    assert starts(ask(run, Retry(task="a"))) == []
    assert [it.attempt for it in starts(run.ended("a"))] == [2]


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("a", "a is landed: there is nothing to try again.", "undo a"),
        ("b", "b is running: there is nothing to try again.", "status"),
        ("d", "d is held: there is nothing to try again.", "waits for c"),
        ("nope", "The run has no task 'nope'.", "It could be c."),
    ],
)
def test_what_cannot_be_tried_again_is_refused_with_what_to_do(name: str, reason: str, hint: str) -> None:
    run = Story(
        task("a", priority=2), task("b"), task("c"), task("d", "c"), team=("ada", "bob", "cy"), attempts=1
    )
    run.deliver("a")
    run.land("a")
    fail(run, "c")
    ask(run, Retry(task=name))
    assert refusal(run).reason == reason and hint in refusal(run).hint


# -- leaving out ---------------------------------------------------------------------------------------------


def test_what_waits_for_a_task_that_is_left_out_goes_on_without_it() -> None:
    run = Story(task("a"), task("b", "a"), task("c", "b"), task("x"), team=("ada", "bob"), attempts=1)
    fail(run, "a")
    assert [it.task for it in starts(ask(run, Skip(task="a")))] == ["b"]
    assert [run.status(name) for name in "abc"] == [T.SKIPPED, T.RUNNING, T.PENDING]
    assert run.state.tasks["a"].reason == "left out by a person; it was failed: it crashed"
    told = brief_values(run.state, run.state.attempts["b", 1], ())["left_out"]
    assert [it.id for it in told] == ["a"], "who begins without it knows"  # type: ignore[attr-defined]
    run.deliver("x")
    run.land("x")
    run.deliver("b")
    run.land("b")
    run.deliver("c")
    run.land("c")
    assert run.state.outcome == "incomplete", "not every task landed"
    result = report(run.state)
    assert not result.complete and [it.status for it in result.tasks] == ["skipped", *["landed"] * 3]
    assert 'skipped="1"' in junit(result) and "left out by a person" in junit(result)


def test_a_task_that_has_not_started_can_be_left_out() -> None:
    run = Story(task("a", priority=1), task("b"), task("c", "b"), team=("ada",))
    assert run.status("b") is T.READY
    ask(run, Skip(task="b"))
    assert [run.status(name) for name in "abc"] == [T.RUNNING, T.SKIPPED, T.READY]
    ask(run, Skip(task="c"), by=LEAD)
    assert run.status("c") is T.READY, "that is not the lead's to decide"
    ask(run, Skip(task="c"))
    run.deliver("a")
    run.land("a")
    assert run.state.outcome == "incomplete" and run.state.over_for_good


def test_a_held_task_that_is_left_out_frees_what_waits_for_it_alone() -> None:
    run = Story(
        task("a"),
        task("b", "a"),
        task("c", "b"),
        task("d", "b", "a"),
        task("x"),
        team=("ada", "bob"),
        attempts=1,
    )
    fail(run, "a")
    ask(run, Skip(task="b"))
    assert [run.status(name) for name in "abcd"] == [T.FAILED, T.SKIPPED, T.RUNNING, T.HELD]


def test_leaving_out_the_last_that_is_open_ends_the_run() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada",))
    ask(run, Pause())
    run.deliver("a")
    run.land("a")
    ask(run, Skip(task="b"))
    assert run.state.outcome == "incomplete"


def test_who_works_on_it_is_not_interrupted_and_what_is_delivered_lands() -> None:
    run = Story(task("a"))
    ask(run, Skip(task="a"))
    assert refusal(run).reason == "a is being worked on." and "stop" in refusal(run).hint
    run.deliver("a")
    ask(run, Skip(task="a"))
    assert "not left out any more" in refusal(run).reason


def test_a_question_of_a_task_that_is_left_out_waits_no_more() -> None:
    run = Story(task("a"), task("b"), team=("ada",), on_question="hold")
    run.mark("a", "question", "which port?")
    run.turn("a")
    run.ended("a", interrupted=True)
    assert list(run.state.asks) == ["m1"]
    ask(run, Skip(task="a"))
    assert not run.state.asks and run.status("a") is T.SKIPPED


def test_what_was_left_out_can_be_taken_up_again() -> None:
    run = Story(task("a"), task("b"), task("c", "b", "a"), team=("ada",))
    ask(run, Skip(task="b"))
    assert run.status("c") is T.PENDING
    ask(run, Retry(task="b"))
    assert run.status("b") is T.READY and run.state.tasks["c"].unmet == {"a", "b"}
    run.deliver("a")
    run.land("a")
    assert [run.status(name) for name in "bc"] == [T.RUNNING, T.PENDING]


def test_what_is_left_out_and_taken_up_behind_what_failed_is_held() -> None:
    run = Story(task("a"), task("b", "a"), task("c", "b"), task("x"), team=("ada", "bob"), attempts=1)
    ask(run, Skip(task="b"))
    fail(run, "a")
    ask(run, Retry(task="b"))
    assert run.status("b") is T.HELD and run.state.tasks["b"].reason == "waits for a, which was given up"
