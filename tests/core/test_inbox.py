"""What waits for a person, as one list."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.inbox import inbox, mail_counts, open_asks
from workbench.core.mail import PERSON
from workbench.core.requests import Answer, Write
from workbench.testing.story import Story, task


def test_open_asks_stuck_tasks_and_messages_each_with_what_to_do() -> None:
    run = Story(
        task("a"), task("b", "a"), task("c"), task("d"), team=("ada", "bob", "cy"), attempts=1,
        on_question="ask", topology="mesh",
    )  # fmt: skip
    run.turn("a", error="it crashed")
    run.collected("a")
    run.ended("a")
    run.mark("c", "question", "which port?")
    run.mark("d", "question", "which name?", to="bob")
    run.mark("d", "message", "I am half through", to=PERSON)
    found = inbox(run.state, {"m1": 12.5})
    (ask,) = found.asks
    assert (ask.id, ask.sender, ask.task, ask.since, ask.holds) == ("m1", "bob", "c", 12.5, False)
    assert ask.until is not None and ask.command == 'workbench answer m1 "…" --run r'
    assert [(it.id, it.sender, it.waits_for) for it in found.others] == [("m2", "cy", "bob")]
    assert [(it.task, it.status) for it in found.tasks] == [("a", "failed"), ("b", "held")]
    assert [it.split()[1] for it in found.tasks[0].commands] == ["retry", "skip", "resolve"]
    assert [it.split()[1] for it in found.tasks[1].commands] == ["skip"]
    assert [it.id for it in found.letters] == ["m1", "m3"]
    assert mail_counts(run.state) == {"sent": 3, "to_person": 2, "to_all": 0, "asks": 2, "asks_for_person": 1}
    assert [it["id"] for it in open_asks(run.state)] == ["m1", "m2"]


def test_what_was_answered_is_open_no_more_and_all_of_it_can_be_seen() -> None:
    run = Story(task("a"), task("b"), on_question="ask")
    run.mark("a", "question", "which port?")
    run.send(e.RequestMade(id="00000001", by=PERSON, request=Answer(message="m1", text="8080")))
    run.send(e.RequestMade(id="00000002", by=PERSON, request=Write(to="all", text="hello")))
    found = inbox(run.state, {}, everything=True)
    assert not found.asks and not found.others
    assert [(it.id, it.thread, it.answer) for it in found.letters] == [
        ("m1", "m1", "m2"),
        ("m2", "m1", ""),
        ("m3", "m3", ""),
    ]


def test_who_is_held_until_the_answer_comes_is_told_apart() -> None:
    run = Story(task("a"), task("b"), on_question="hold")
    run.mark("a", "question", "which port?")
    assert not inbox(run.state, {}).asks[0].holds, "it is still at work"
    run.turn("a")
    run.ended("a", interrupted=True)
    assert inbox(run.state, {}).asks[0].holds


def test_a_command_that_ends_after_its_question_is_held_too() -> None:
    run = Story(task("a"), task("b"), on_question="hold")
    run.mark("a", "question", "which port?")
    run.turn("a", live=False)
    assert run.state.attempts["a", 1].waiting
    run.ended("a", interrupted=True)
    assert inbox(run.state, {}).asks[0].holds and run.state.tasks["a"].tries == 0
