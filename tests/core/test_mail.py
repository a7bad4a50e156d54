"""Messages: who may write to whom, who is told what and when, who waits for whom, and who answers."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.mail import Message, MessageKind
from workbench.core.requests import Answer, Write
from workbench.core.state import Phase
from workbench.errors import IllegalEvent
from workbench.testing.story import Story, task

TRIO = ("ada", "bob", "cy")


def trio(**values: object) -> Story:
    return Story(task("a"), task("b"), task("c"), team=TRIO, **values)


def told(actions: list[a.Action]) -> list[tuple[str, str]]:
    """Who is told which message."""
    return [(it.task, it.message) for it in actions if isinstance(it, a.Tell) and it.message]


def refusals(run: Story) -> list[str]:
    return [it.event.reason for it in run.log if isinstance(it.event, e.MessageRefused)]


def ask(run: Story, **request: str) -> list[a.Action]:
    """A person asks for something."""
    kind = Answer if "message" in request else Write
    made = e.RequestMade(id=f"{len(run.log):08x}", by="person", request=kind.model_validate(request))
    return run.send(made)


def texts(actions: list[a.Action], name: str) -> list[str]:
    return [str(it.values["text"]) for it in actions if isinstance(it, a.Tell) and it.task == name]


# -- who may write ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topology", "lead", "to", "allowed"),
    [
        ("star", "", "bob", True),
        ("star", "", "all", True),
        ("star", "claude", "bob", False),
        ("star", "claude", "all", False),
        ("star", "claude", "lead", True),
        ("star", "claude", "person", True),
        ("mesh", "claude", "bob", True),
        ("mesh", "claude", "all", True),
        ("hierarchical", "", "bob", True),
        ("hierarchical", "", "cy", False),
        ("hierarchical", "", "all", False),
        ("mesh", "", "ada", False),
        ("mesh", "", "zoe", False),
        ("mesh", "", "workbench", False),
    ],
)
def test_the_topology_says_who_may_write_to_whom(topology: str, lead: str, to: str, allowed: bool) -> None:
    tasks = [task("a"), task("b"), task("c"), task("d", "a", "b")]  # the work of ada and bob goes together
    run = Story(*tasks, team=TRIO, topology=topology, lead=lead)
    run.mark("a", "message", "hello", to=to)
    assert bool(run.state.mail) is allowed
    assert bool(refusals(run)) is not allowed


def test_without_a_lead_who_writes_to_it_writes_to_the_person() -> None:
    run = trio()
    run.mark("a", "message", "hello", to="lead")
    assert run.state.mail["m1"].to == "person"


def test_a_quota_ends_chatter_and_a_message_to_all_counts_for_each() -> None:
    run = trio(message_quota=3)
    run.mark("a", "message", "1", to="all")
    run.mark("a", "message", "2", to="bob")
    actions = run.mark("a", "message", "3", to="bob")
    assert [it.kind for it in actions if isinstance(it, a.Tell)] == ["refused"]
    assert "as much as one attempt may" in refusals(run)[0]
    run.mark("a", "message", "help", to="person")
    assert [it.text for it in run.state.mail.values()] == ["1", "2", "help"], (
        "who is in charge can be reached"
    )


# -- who is told --------------------------------------------------------------------------------------


def test_two_who_answer_each_other_come_to_an_end_and_who_is_waited_for_may_answer_all_the_same() -> None:
    run = trio(message_quota=3, topology="mesh")
    run.mark("a", "message", "hi", to="bob")
    for number in range(20):
        name, last = "ba"[number % 2], list(run.state.mail)[-1]
        run.send(
            e.MarkerReceived(
                task=name, attempt=1, name=f"x{number}", kind="answer", note="yes?", reply_to=last
            )
        )
    assert len(run.state.mail) == 6 and "may (3 messages" in refusals(run)[0]
    run.mark("c", "question", "which?", to="bob")
    run.send(e.MarkerReceived(task="b", attempt=1, name="y", kind="answer", note="this", reply_to="m7"))
    assert not run.state.asks and run.state.answers == {"m7": "m8"}


def test_everybody_else_is_told_what_is_for_all() -> None:
    run = trio()
    assert told(run.mark("a", "message", "hello", to="all")) == [("b", "m1"), ("c", "m1")]


def test_what_a_session_took_up_is_not_told_to_it_again() -> None:
    """Cut off, it goes on: with what it was told and perhaps never heard, and with nothing else."""
    run = Story(task("a"), task("b"), continues=True)
    run.ready("a")
    for text in ("one", "two", "three"):
        run.mark("b", "message", text, to="ada")
    run.send(e.MessagesRead(task="a", attempt=1, messages=("m1",)))
    run.send(e.StopRequested(reason="x"))
    run.ended("b", interrupted=True)
    run.ended("a", interrupted=True, commit="half", session="s")
    assert run.state.teammates["ada"].unread == ["m2", "m3"]
    run.send(e.RunResumed(pid=1))
    attempt = run.state.attempt("a", 2)
    assert (attempt.why, attempt.mail, attempt.heard) == ("continued", (), ["m1"])
    actions = run.send(e.AgentStarted(task="a", attempt=2, pid=1, session="s"))
    assert told(actions) == [("a", "m2"), ("a", "m3")]


def test_a_session_that_was_lost_hears_all_of_it_again() -> None:
    run = Story(task("a"), task("b"), continues=True)
    run.ready("a")
    for text in ("one", "two"):
        run.mark("b", "message", text, to="ada")
    run.send(e.MessagesRead(task="a", attempt=1, messages=("m1", "m2")))
    run.send(e.StopRequested(reason="x"))
    run.ended("b", interrupted=True)
    run.ended("a", interrupted=True, commit="half", session="s")
    run.send(e.RunResumed(pid=1))
    actions = run.send(e.AgentStarted(task="a", attempt=2, pid=1, session="another"))
    assert told(actions) == [("a", "m1"), ("a", "m2")]


@pytest.mark.parametrize(("session", "hears"), [("s", ["m2"]), ("another", ["m1", "m2"])])
def test_what_comes_before_a_session_goes_on_waits_and_overtakes_nothing(
    session: str, hears: list[str]
) -> None:
    run = Story(task("a"), task("b"), continues=True)
    run.ready("a")
    run.mark("b", "message", "one", to="ada")
    run.send(e.MessagesRead(task="a", attempt=1, messages=("m1",)))
    run.send(e.StopRequested(reason="x"))
    run.ended("b", interrupted=True)
    run.ended("a", interrupted=True, commit="half", session="s")
    run.send(e.RunResumed(pid=1))
    assert told(run.mark("b", "message", "two", attempt=2, to="ada")) == []
    actions = run.send(e.AgentStarted(task="a", attempt=2, pid=1, session=session))
    assert told(actions) == [("a", name) for name in hears]


def test_who_was_cut_off_with_a_question_before_it_answers_it_when_it_goes_on() -> None:
    run = Story(task("a"), task("b"), continues=True, topology="mesh")
    run.ready("a")
    run.ready("b")
    run.mark("a", "question", "which port?", to="bob")
    run.send(e.StopRequested(reason="x"))
    for name in ("b", "a"):
        run.ended(name, interrupted=True, commit=f"half-{name}", session=f"s-{name}")
    run.send(e.RunResumed(pid=1))
    assert list(run.state.asks) == ["m1"] and not run.state.answers
    actions = run.send(e.AgentStarted(task="b", attempt=2, pid=1, session="s-b"))
    assert told(actions) == [("b", "m1")]


def test_an_agent_that_cannot_go_on_gets_its_mail_in_the_next_brief() -> None:
    run = Story(task("a"), task("b"))
    run.ready("a")
    run.mark("b", "message", "one", to="ada")
    run.send(e.MessagesRead(task="a", attempt=1, messages=("m1",)))
    run.mark("b", "message", "two", to="ada")
    run.send(e.StopRequested(reason="x"))
    run.ended("b", interrupted=True)
    run.ended("a", interrupted=True)
    run.send(e.RunResumed(pid=1))
    assert run.state.attempt("a", 2).mail == ("m1", "m2")


@pytest.mark.parametrize("continues", [False, True])
def test_a_question_that_was_answered_is_not_told_to_a_new_session(continues: bool) -> None:
    run = Story(task("a"), task("b"), continues=continues)
    run.ready("a")
    run.mark("b", "question", "one?", to="ada")
    run.mark("b", "question", "two?", to="ada")
    run.send(e.MessagesRead(task="a", attempt=1, messages=("m1", "m2")))
    run.send(e.MarkerReceived(task="a", attempt=1, name="x", kind="answer", note="yes", reply_to="m1"))
    run.send(e.StopRequested(reason="x"))
    for name in ("b", "a"):
        run.ended(name, interrupted=True, commit="half" if continues else None, session="s")
    run.send(e.RunResumed(pid=1))
    if continues:
        run.send(e.AgentStarted(task="a", attempt=2, pid=1, session="another"))
    attempt = run.state.attempt("a", 2)
    assert "m1" not in {*attempt.mail, *attempt.told, *run.state.teammates["ada"].unread}


def test_an_attempt_that_is_made_again_hears_again_what_was_written_and_was_not_answered() -> None:
    """The agent of the first was killed, say: the next one is another, which knows nothing."""
    run = Story(task("a"), task("b"), attempts=2)
    run.ready("a")
    run.mark("b", "message", "one", to="ada")
    run.mark("b", "question", "two?", to="ada")
    run.send(e.MarkerReceived(task="a", attempt=1, name="x", kind="answer", note="yes", reply_to="m2"))
    run.send(e.MessagesRead(task="a", attempt=1, messages=("m1", "m2")))
    run.send(e.AttemptFailed(task="a", attempt=1, reason="killed", final=False, broke=True))
    run.ended("a")
    assert run.state.attempt("a", 2).mail == ("m1",)


def test_what_was_heard_for_a_task_that_is_over_is_not_told_for_the_next() -> None:
    run = Story(task("a"), task("b"), task("c", "b"), attempts=1)
    run.ready("a")
    run.mark("b", "message", "one", to="ada")
    run.send(e.MessagesRead(task="a", attempt=1, messages=("m1",)))
    run.send(e.AttemptFailed(task="a", attempt=1, reason="killed", final=True))
    run.ended("a")
    assert not run.state.teammates["ada"].unread


def test_what_came_too_late_for_one_attempt_is_in_the_next_brief() -> None:
    run = Story(task("a"), task("b"), task("c", "a"))
    run.ready("a")
    run.mark("b", "message", "one", to="ada")  # told, and the agent ends without having heard it
    run.deliver("a")
    assert run.state.teammates["ada"].unread == ["m1"]


def test_messages_follow_each_other() -> None:
    run = trio()
    with pytest.raises(IllegalEvent, match="cannot follow"):
        run.send(e.MessageSent(message=run_message("m2")))
    run.send(e.MessageSent(message=run_message("m1")))
    with pytest.raises(IllegalEvent, match="cannot follow"):
        run.send(e.MessageSent(message=run_message("m1")))


def run_message(name: str) -> Message:
    return Message(id=name, kind=MessageKind.MESSAGE, sender="person", to="ada", text="x")


# -- questions ----------------------------------------------------------------------------------------


def test_a_teammate_asks_another_and_waits_at_the_end_of_its_turn() -> None:
    run = trio()
    actions = run.mark("a", "question", "which?", to="bob")
    assert told(actions) == [("b", "m1")]
    assert run.turn("a") == [] or all(isinstance(it, a.Wake) for it in run.turn("a"))
    assert run.state.attempt("a", 1).waiting
    answered = run.send(
        e.MarkerReceived(task="b", attempt=1, name="x", kind="answer", note="that one", reply_to="m1")
    )
    assert told(answered) == [("a", "m2")]
    attempt = run.state.attempt("a", 1)
    assert (attempt.waiting, attempt.phase, run.state.asks) == (False, Phase.WORKING, {})
    assert run.state.mail["m2"].thread == "m1"


def test_who_is_asked_whether_it_is_done_and_asks_back_is_not_judged_before_the_answer() -> None:
    run = trio(on_question="ask")
    assert run.turn("a") == [a.Tell("a", 1, "ask_done")]
    run.mark("a", "question", "which of the two?")
    assert not any(isinstance(it, a.CollectWork) for it in run.turn("a"))
    assert run.state.attempt("a", 1).waiting
    ask(run, message="m1", text="the first")
    assert run.turn("a") == [a.CollectWork("a", 1)], "it is not asked a second time"


def test_nobody_answers_what_was_not_asked_of_them() -> None:
    run = trio()
    run.mark("a", "question", "which?", to="bob")
    run.send(e.MarkerReceived(task="c", attempt=1, name="x", kind="answer", note="me!", reply_to="m1"))
    assert "was written to you" in refusals(run)[0] and "m1" in run.state.asks


def test_who_waits_for_each_other_is_told_to_go_on() -> None:
    run = trio()
    run.mark("a", "question", "?", to="bob")
    run.mark("b", "question", "?", to="cy")
    actions = run.mark("c", "question", "?", to="ada")
    assert "wait for each other: ada, bob, cy, ada" in texts(actions, "a")[-1]
    assert set(run.state.asks) == {"m2", "m3"}, "one is enough to break it"


def test_a_question_that_is_not_the_oldest_closes_a_circle_too() -> None:
    run = Story(task("a"), task("b"), task("c"), team=TRIO, on_question="ask")
    run.mark("a", "question", "?", to="person")
    run.mark("c", "question", "?", to="bob")
    run.mark("b", "question", "?", to="ada")
    actions = run.mark("a", "question", "?", to="bob")
    assert "wait for each other: ada, bob, ada" in texts(actions, "a")[-1]


def test_a_long_chain_of_waiting_teammates_costs_little() -> None:
    names = [f"t{number}" for number in range(400)]
    tasks = [task(f"k{name}") for name in names]
    run = Story(*tasks, team=tuple(names), on_question="ask", answer_seconds=1e6)
    at = {attempt.teammate: attempt.task for attempt in run.state.working.values()}
    for one, other in pairwise(names[1:]):
        run.mark(at[one], "question", "?", to=other)
    began = time.process_time()
    run.mark(at[names[0]], "question", "?", to=names[1])
    assert time.process_time() - began < 0.25, "each ask is looked at a few times, not once for each other"
    assert len(run.state.asks) == len(names) - 1
    run.mark(at[names[-1]], "question", "?", to=names[0])
    assert "wait for each other" in run.state.mail[run.state.answers.popitem()[1]].text


def test_who_is_not_at_work_is_not_waited_for() -> None:
    run = Story(task("a"), task("b", "a"))
    (answer,) = texts(run.mark("a", "question", "?", to="bob"), "a")
    assert "bob is not at work" in answer


def test_who_stops_working_is_not_waited_for() -> None:
    run = trio()
    run.mark("a", "question", "?", to="bob")
    run.mark("b", "blocked", "cannot")
    run.turn("b")
    run.collected("b")
    actions = run.ended("b")
    assert "bob is not at work" in texts(actions, "a")[0]


@pytest.mark.parametrize("policy", ["proceed", "ask", "hold", "fail"])
def test_a_question_for_a_person_goes_by_the_policy(policy: str) -> None:
    run = Story(task("a"), on_question=policy, answer_seconds=60.0, continues=True)
    run.ready("a")
    actions = run.mark("a", "question", "which?")
    attempt = run.state.attempt("a", 1)
    match policy:
        case "proceed":
            assert "best judgement" in texts(actions, "a")[0] and not run.state.asks
        case "fail":
            assert attempt.blocked == "asked, and nobody was there to answer: which?" and not run.state.asks
        case "ask":
            assert [it.hold for it in actions if isinstance(it, a.Wake)] == [run.state.asks["m1"].hold]
            run.turn("a")
            assert attempt.waiting and attempt.phase is Phase.TURN_OVER
        case _:
            assert run.turn("a") == [a.EndAttempt("a", 1, interrupt=True)]
            run.ended("a", interrupted=True, commit="half", session="s")
            assert (run.state.outcome, run.state.reason) == (
                "stopped", "waits for an answer: m1, a question of ada (a)",
            )  # fmt: skip
            run.send(e.RunResumed(pid=1))
            assert run.state.outcome == "stopped", "nobody has answered yet"
            ask(run, message="m1", text="that one")
            (started,) = run.send(e.RunResumed(pid=1))
            assert isinstance(started, a.StartAttempt) and started.why == "continued"
            assert run.state.teammates["ada"].unread == ["m2"]


def test_who_is_not_answered_in_time_goes_on() -> None:
    run = Story(task("a"), on_question="ask", answer_seconds=60.0)
    run.mark("a", "question", "which?")
    run.turn("a")
    run.now += 100.0
    actions = run.send(e.Awoke())
    assert "Nobody is there to answer" in texts(actions, "a")[0]
    assert run.state.attempt("a", 1).phase is Phase.WORKING


def test_the_lead_is_asked_first_and_then_the_person() -> None:
    run = Story(task("a"), lead="claude", answer_seconds=60.0)
    run.mark("a", "question", "which?")
    assert (run.state.asks["m1"].to, run.state.for_lead) == ("lead", ["m1"])
    run.now += 100.0
    actions = run.send(e.Awoke())
    assert any(isinstance(it.event, e.AskPassedOn) and it.event.to == "person" for it in run.log)
    assert "best judgement" in texts(actions, "a")[0], "nobody is there, by the policy"


def test_a_person_answers_once() -> None:
    run = Story(task("a"), on_question="ask")
    run.mark("a", "question", "which?")
    assert told(ask(run, message="m1", text="that one")) == [("a", "m2")]
    ask(run, message="m1", text="no, this one")
    (refused,) = [it.event for it in run.log if isinstance(it.event, e.RequestRefused)]
    assert "has its answer already" in refused.reason


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"to": "zoe", "text": "x"}, "nobody called 'zoe'"),
        ({"to": "lead", "text": "x"}, "has no lead"),
        ({"to": "person", "text": "x"}, "oneself"),
        ({"to": "ada", "text": "x", "reply_to": "m9"}, "no message 'm9'"),
        ({"message": "m9", "text": "x"}, "is not there"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(request_: dict[str, str], why: str) -> None:
    run = trio()
    assert told(ask(run, **request_)) == []
    (refused,) = [it.event for it in run.log if isinstance(it.event, e.RequestRefused)]
    assert why in refused.reason


def test_a_request_is_taken_once() -> None:
    run = trio()
    made = e.RequestMade(id="12345678", by="person", request=Write(to="ada", text="x"))
    run.send(made)
    with pytest.raises(IllegalEvent, match="taken before"):
        run.send(made)
    assert len(run.state.mail) == 1
