"""Work that may land only with a person's word: what is asked, what a yes and a no bring about."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.actions import Action
from workbench.core.brief import brief_values
from workbench.core.inbox import inbox
from workbench.core.requests import Answer
from workbench.core.state import TaskStatus
from workbench.core.touches import Touch
from workbench.errors import IllegalEvent
from workbench.testing.story import Story, task

FLOW = Touch(path=".github/workflows/ci.yml", why="it runs by itself", blob="100644 aa")
LEAK = Touch(path="a.py", why="it looks like a secret", blob="100644 bb", line=3, secret="AWS Access Key")


def touching(run: Story, name: str, *touches: Touch, attempt: int = 1) -> list[Action]:
    run.mark(name, "done", attempt=attempt)
    run.turn(name, attempt)
    run.collected(name, attempt, touches=touches, patch="+on: push")
    actions = run.checked(name, True, attempt)
    return actions + run.ended(name, attempt)


def answer(run: Story, message: str, decision: str, text: str = "", by: str = "person") -> list[Action]:
    request = Answer.model_validate({"message": message, "decision": decision, "text": text})
    return run.send(e.RequestMade(id=f"{len(run.log):08x}", by=by, request=request))


def batches(actions: list[Action]) -> list[tuple[str, ...]]:
    return [it.tasks for it in actions if isinstance(it, a.BuildBatch)]


def test_what_touches_the_guarded_waits_and_the_rest_lands() -> None:
    run = Story(task("a"), task("b"))
    assert not batches(touching(run, "a", FLOW)), "nobody said yes yet"
    (ask,) = run.state.asks.values()
    assert (ask.message.kind, ask.message.sender, ask.to) == ("change", "workbench", "person")
    assert ".github/workflows/ci.yml: it runs by itself" in ask.message.text
    assert "+on: push" in ask.message.text and "git diff base a1" in ask.message.text
    assert inbox(run.state, {}).asks[0].holds
    assert batches(run.deliver("b")) == [("b",)]
    run.land("b")
    (over,) = run.events(e.RunFinished)
    assert isinstance(over, e.RunFinished) and over.outcome == "stopped"
    assert over.reason == "waits for an answer: m1, a change of workbench (a)"

    run.restart()
    answer(run, "m1", "yes")
    assert batches(run.send(e.RunResumed(pid=1))) == [("a",)]
    run.land("a")
    assert run.state.outcome == "landed"


def test_a_yes_in_time_lets_it_land_and_holds_for_just_that() -> None:
    run = Story(task("a"), task("b"))
    touching(run, "a", FLOW, LEAK)
    assert "a.py:3: it looks like a secret (AWS Access Key)" in run.state.mail["m1"].text
    assert batches(answer(run, "m1", "yes")) == [("a",)]
    assert not run.state.asks
    run.conflict("a", "x")
    run.batch_built()
    assert run.status("a") is TaskStatus.RUNNING
    assert batches(touching(run, "a", FLOW, LEAK, attempt=2)) == [("a",)], "the same files need no other yes"
    run.conflict("a", "x")
    run.batch_built()
    other = FLOW.model_copy(update={"blob": "100644 cc"})
    assert not batches(touching(run, "a", other, attempt=3)), "another content does"
    assert list(run.state.asks) == ["m3"]


def test_a_no_sends_it_back_with_the_words() -> None:
    run = Story(task("a"), task("b"))
    touching(run, "a", FLOW)
    (start,) = [it for it in answer(run, "m1", "no", "Leave CI alone.") if isinstance(it, a.StartAttempt)]
    assert (start.why, start.carry) == ("rejected", "a1")
    attempt = run.state.attempts["a", 2]
    values = brief_values(run.state, attempt, ())
    assert values["refused"] and "Leave CI alone." in str(values["evidence"])
    assert not batches(run.deliver("a", 2)) or run.state.landing is not None
    run.land("a")
    assert run.status("a") is TaskStatus.LANDED and not run.state.tasks["a"].refused


def test_nobody_builds_on_commits_with_a_secret() -> None:
    run = Story(task("a"), task("b"))
    touching(run, "a", LEAK)
    (start,) = [it for it in answer(run, "m1", "no") if isinstance(it, a.StartAttempt)]
    assert start.carry is None and run.state.tasks["a"].commit is None
    assert "They said no more than no." in run.state.tasks["a"].evidence


def test_a_no_is_final_when_no_attempt_is_left() -> None:
    run = Story(task("a", attempts=1), task("b", "a"), task("c"))
    touching(run, "a", FLOW)
    answer(run, "m1", "no")
    (start,) = [it for it in run.log if isinstance(it.event, e.ChangeRefused)]
    assert isinstance(start.event, e.ChangeRefused) and not start.event.final, (
        "one fix-up, as after a conflict"
    )
    touching(run, "a", FLOW, attempt=2)
    answer(run, "m3", "no")
    assert run.status("a") is TaskStatus.FAILED and run.status("b") is TaskStatus.HELD
    assert run.state.tasks["a"].reason == "a person said no to what it changes"


def test_a_no_that_came_when_the_run_was_over_counts_when_it_is_resumed() -> None:
    run = Story(task("a"))
    touching(run, "a", FLOW)
    assert run.state.outcome == "stopped"
    answer(run, "m1", "no", "not so")
    run.restart()
    assert [it for it in run.send(e.RunResumed(pid=1)) if isinstance(it, a.StartAttempt)]


def test_the_lead_may_not_answer() -> None:
    run = Story(task("a"), task("b"), lead="claude")
    touching(run, "a", FLOW)
    answer(run, "m1", "yes", by="lead")
    assert "m1" in run.state.asks and run.events(e.RequestRefused)


def test_a_merge_that_moves_work_to_a_guarded_place_is_set_aside() -> None:
    run = Story(task("a"), task("b"))
    run.deliver("a")
    run.made("a", files=(".github/workflows/ci.yml",))
    actions = run.batch_built()
    assert not [it for it in actions if isinstance(it, a.CheckCandidate)], "it was gated"
    assert run.status("a") is TaskStatus.DELIVERED and list(run.state.asks) == ["m1"]
    assert batches(answer(run, "m1", "yes")) == [("a",)]
    run.made("a", files=(".github/workflows/ci.yml",))
    assert [it for it in run.batch_built() if isinstance(it, a.CheckCandidate)]


def test_a_file_that_goes_is_asked_about_once() -> None:
    run = Story(task("a"), task("b"))
    touching(run, "a", GONE)
    assert batches(answer(run, "m1", "yes")) == [("a",)]
    run.made("a", files=(GONE.path,))
    assert [it for it in run.batch_built() if isinstance(it, a.CheckCandidate)], "it was asked about again"


GONE = Touch(path=".travis.yml", why="it is what the code host runs by itself")


@pytest.mark.parametrize(
    ("values", "held"), [({"guarded": ("*.sql",)}, True), ({"on_guarded": "allow"}, False)]
)
def test_the_settings_say_what_is_guarded(values: dict[str, Any], held: bool) -> None:
    run = Story(task("a"), **values)
    run.deliver("a")
    run.made("a", files=("db/schema.sql", "CLAUDE.md") if "on_guarded" in values else ("db/schema.sql",))
    run.batch_built()
    assert bool(run.state.asks) is held


def test_nothing_is_refused_that_nobody_said_no_to() -> None:
    run = Story(task("a"))
    touching(run, "a", FLOW)
    run.restart()
    with pytest.raises(IllegalEvent):
        run.send(e.ChangeRefused(task="a", evidence=""))
