"""Plans that want approval before anything is written, and tool uses that wait, under every policy."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.actions import Action
from workbench.core.brief import brief_values
from workbench.core.models import Task
from workbench.core.requests import Answer, ProposeChange, Retry
from workbench.core.state import AttemptState, TaskStatus
from workbench.errors import IllegalEvent
from workbench.testing.story import Story


def planned(by: str = "person", **values: Any) -> Story:
    """A run in which ada is at a, which is planned first, and waits for nothing yet."""
    task = Task.model_validate(
        {"id": "a", "title": "A", "plan_by": by, "attempts": values.pop("tries", None)}
    )
    run = Story(task, Task(id="b", title="B", after=("a",)), team=("ada",), **{"continues": True, **values})
    run.ready("a")
    return run


def attempt(run: Story, number: int = 1) -> AttemptState:
    return run.state.attempts["a", number]


def answer(
    run: Story, message: str, decision: str = "yes", text: str = "", by: str = "person"
) -> list[Action]:
    request = Answer.model_validate({"message": message, "decision": decision, "text": text})
    return run.send(e.RequestMade(id=f"{len(run.log):08x}", by=by, request=request))


def sent(run: Story) -> list[tuple[str, str, str, str]]:
    return [(it.kind, it.sender, it.to, it.decision) for it in run.state.mail.values()]


def awake(run: Story, seconds: float) -> list[Action]:
    run.now += seconds
    return run.send(e.Awoke())


def told(actions: list[Action]) -> list[str]:
    return [it.kind for it in actions if isinstance(it, a.Tell)]


def interrupted(run: Story, number: int = 1) -> list[Action]:
    return run.send(
        e.AttemptEnded(
            task="a", attempt=number, teammate="ada", interrupted=True, commit=f"a{number}", session="s"
        )
    )


def delivered(run: Story, number: int = 1) -> None:
    run.mark("a", "done", attempt=number)
    assert run.turn("a", number) == [a.CollectWork("a", number)]
    run.collected("a", number)
    run.checked("a", True, attempt=number)
    assert run.state.tasks["a"].status is not TaskStatus.RUNNING


def test_a_plan_is_approved_and_what_comes_then_is_delivered() -> None:
    run = planned(on_plan="ask")
    assert attempt(run).planning
    assert isinstance(run.mark("a", "plan", "one word")[0], a.Wake)
    assert sent(run) == [("plan-approval", "ada", "person", "")]
    assert attempt(run).waits_on == "person", "though its turn is not over"
    run.turn("a")
    assert attempt(run).waiting
    actions = answer(run, "m1", text="go ahead")
    assert told(actions) == ["plan_approved"]
    assert not attempt(run).planning and attempt(run).waits_on == "" and not attempt(run).waiting
    assert run.state.tasks["a"].approved == "one word"
    delivered(run)


def test_in_the_middle_of_a_turn_it_is_told_as_well() -> None:
    run = planned(on_plan="ask")
    run.mark("a", "plan", "one word")
    assert told(answer(run, "m1")) == ["plan_approved"]


def test_what_is_turned_down_is_revised_and_three_times_is_enough() -> None:
    run = planned(on_plan="ask")
    for number in range(2):
        run.mark("a", "plan", f"plan {number}")
        run.turn("a")
        assert told(answer(run, f"m{2 * number + 1}", "no", "smaller")) == ["plan_rejected"]
        assert attempt(run).planning
    run.mark("a", "plan", "plan 2")
    run.turn("a")
    actions = answer(run, "m5", "no", "still too large")
    assert told(actions) == ["plan_rejected"]
    assert a.CutShort("a", 1, "3 plans of it were turned down") in actions
    assert run.turn("a", live=False, error="3 plans of it were turned down") == [a.CollectWork("a", 1)]
    run.collected("a", changed=False)
    (failed,) = run.events(e.AttemptFailed)
    assert isinstance(failed, e.AttemptFailed)
    assert (failed.broke, failed.final, failed.evidence) == (False, False, "still too large")
    assert run.state.tasks["a"].turned_down == 0, "the next attempt has its own"


def test_approval_holds_for_all_further_attempts_and_stands_in_their_briefs() -> None:
    run = planned(on_plan="approve")
    run.mark("a", "plan", "one word")
    run.turn("a", live=False, error="crashed")
    run.collected("a")
    run.send(e.AttemptEnded(task="a", attempt=1, teammate="ada"))
    again = attempt(run, 2)
    assert not again.planning and again.carry == "a1"
    values = brief_values(run.state, again, ())
    assert (values["approved"], values["approver"]) == ("one word", "")
    run.mark("a", "plan", "two words", attempt=2)
    (refused,) = run.events(e.MessageRefused)
    assert "yours is approved" in str(refused)


def test_a_second_plan_before_the_first_is_answered_is_refused() -> None:
    run = planned(on_plan="ask")
    run.mark("a", "plan", "one")
    assert told(run.mark("a", "plan", "two")) == ["refused"]
    assert len(run.state.asks) == 1


def test_who_stops_without_a_plan_is_asked_once_and_then_given_up_unlanded() -> None:
    run = planned(tries=1)
    run.mark("a", "done", "ready")
    assert run.turn("a") == [a.Tell("a", 1, "ask_plan")]
    assert run.turn("a") == [a.CollectWork("a", 1)]
    assert run.collected("a") == [a.EndAttempt("a", 1)]
    assert "without a plan that was approved" in run.state.tasks["a"].reason
    assert run.events(e.TaskDelivered) == []


def test_what_was_written_without_approval_is_no_start_for_the_next() -> None:
    run = planned()
    run.turn("a", live=False)
    run.collected("a")
    run.send(e.AttemptEnded(task="a", attempt=1, teammate="ada"))
    assert attempt(run, 2).planning and attempt(run, 2).carry is None


def test_no_attempt_delivers_without_approval_whatever_is_decided() -> None:
    run = planned()
    run.mark("a", "done")
    run.turn("a")
    with pytest.raises(IllegalEvent, match="no approved plan"):
        run.send(e.TaskDelivered(task="a", attempt=1, commit="a1", tree="tree-a1"))


def test_writing_too_early_ends_the_attempt_and_the_plan_holds() -> None:
    run = planned(on_plan="approve")
    run.mark("a", "plan", "sneaky")
    reason = "it wrote before"
    assert run.send(e.PlanBreached(task="a", attempt=1, reason=reason)) == [a.CutShort("a", 1, reason)]
    run.turn("a", live=False, error=reason)
    run.collected("a")
    run.send(e.AttemptEnded(task="a", attempt=1, teammate="ada"))
    assert (attempt(run, 2).planning, attempt(run, 2).carry) == (False, None)


def test_green_gates_do_not_make_up_for_writing_too_early() -> None:
    """It was found out only while they ran, and the work was delivered all the same (seed 306163)."""
    run = planned(on_plan="approve")
    run.mark("a", "plan", "sneaky")
    run.mark("a", "done")
    assert run.turn("a") == [a.CollectWork("a", 1)]
    assert isinstance(run.collected("a")[0], a.CheckWork)
    run.send(e.PlanBreached(task="a", attempt=1, reason="it wrote before"))
    run.turn("a", live=False, error="it wrote before")
    with pytest.raises(IllegalEvent, match="cannot deliver: it wrote before"):
        run.send(e.TaskDelivered(task="a", attempt=1, commit="a1", tree="tree-a1"))
    run.checked("a", True)
    (failed,) = run.events(e.AttemptFailed)
    assert isinstance(failed, e.AttemptFailed)
    assert (failed.reason, failed.broke) == ("it wrote before", False)
    run.send(e.AttemptEnded(task="a", attempt=1, teammate="ada"))
    assert (attempt(run, 2).planning, attempt(run, 2).carry) == (False, None)


# -- policies ----------------------------------------------------------------------------------------


def test_approve_is_at_once_and_says_so() -> None:
    run = planned(on_plan="approve")
    actions = run.mark("a", "plan", "one word")
    (tell,) = actions
    assert isinstance(tell, a.Tell) and tell.kind == "plan_approved"
    assert tell.values["sender"] == "workbench" and "unseen" in str(tell.values["text"])
    assert sent(run)[1] == ("answer", "workbench", "ada", "yes")


def test_hold_frees_the_teammate_and_stops_the_run_until_there_is_an_answer() -> None:
    run = planned()
    assert run.mark("a", "plan", "one word") == []
    assert run.turn("a") == [a.EndAttempt("a", 1, interrupt=True)]
    interrupted(run)
    assert run.state.outcome == "stopped"
    assert run.state.reason == "waits for an answer: m1, a plan-approval of ada (a)"
    run.restart()
    run.send(e.RunResumed(pid=2))
    assert run.state.outcome == "stopped", "nothing was answered"
    assert answer(run, "m1") == []
    (start,) = run.send(e.RunResumed(pid=3))
    assert isinstance(start, a.StartAttempt) and start.why == "continued"
    assert not attempt(run, 2).planning, "from the start"
    run.send(e.AgentStarted(task="a", attempt=2, pid=1, session="s"))
    assert [it.kind for it in run.events(e.Told) if isinstance(it, e.Told)] == ["plan_approved"]
    delivered(run, 2)


def test_ask_waits_for_a_while_and_then_holds() -> None:
    run = planned(on_plan="ask", answer_seconds=60.0)
    run.mark("a", "plan", "one word")
    run.turn("a")
    assert awake(run, 30.0)[0] == a.Wake(run.state.asks["m1"].hold)  # type: ignore[arg-type]
    assert awake(run, 31.0) == [a.EndAttempt("a", 1, interrupt=True)]
    interrupted(run)
    assert run.state.outcome == "stopped" and "m1" in run.state.reason


def test_a_command_is_ended_at_once_since_it_has_no_turns() -> None:
    run = planned(agent="command:x", continues=False)
    assert run.mark("a", "plan", "one word") == [a.EndAttempt("a", 1, interrupt=True)]


def test_a_command_that_exits_when_it_has_planned_works_when_that_is_approved() -> None:
    run = planned(agent="command:x", continues=False, on_plan="ask")
    run.mark("a", "plan", "one word")
    assert run.turn("a", live=False) == [a.EndAttempt("a", 1, interrupt=True)]
    interrupted(run)
    assert run.state.outcome is None, "somebody is waited for"
    (start,) = [it for it in answer(run, "m1") if isinstance(it, a.StartAttempt)]
    assert start.attempt == 2 and not attempt(run, 2).planning and run.state.tasks["a"].tries == 0


def test_so_does_one_whose_plan_was_approved_before_it_ended() -> None:
    run = planned(agent="command:x", continues=False, on_plan="approve")
    run.mark("a", "plan", "one word")
    assert run.turn("a", live=False) == [a.CollectWork("a", 1)]
    assert run.collected("a", changed=False) == [a.EndAttempt("a", 1, interrupt=True)]
    assert isinstance(interrupted(run)[0], a.StartAttempt)
    run.turn("a", 2, live=False)
    run.collected("a", 2, changed=False)
    assert len(run.events(e.AttemptFailed)) == 1, "once is enough"


def test_a_rejection_reaches_who_was_held_and_stands_in_the_brief() -> None:
    run = planned()
    run.mark("a", "plan", "two words")
    run.turn("a")
    interrupted(run)
    answer(run, "m1", "no", "one is enough")
    run.send(e.RunResumed(pid=2))
    assert attempt(run, 2).planning
    values = brief_values(run.state, attempt(run, 2), ())
    assert (values["approver"], values["turned_down"], values["feedback"]) == (
        "person", "two words", "one is enough",
    )  # fmt: skip
    run.send(e.AgentStarted(task="a", attempt=2, pid=1, session="s"))
    assert [it.kind for it in run.events(e.Told) if isinstance(it, e.Told)] == ["plan_rejected"]


def test_the_lead_decides_where_it_is_named_and_there() -> None:
    run = planned("lead", lead="claude", on_plan="hold", answer_seconds=60.0)
    run.mark("a", "plan", "one word")
    run.turn("a")
    assert attempt(run).waits_on == "lead"
    assert told(answer(run, "m1", by="lead")) == ["plan_approved"]


def test_without_a_lead_the_person_is_asked() -> None:
    run = planned("lead")
    run.mark("a", "plan", "one word")
    assert sent(run) == [("plan-approval", "ada", "person", "")]


def test_what_a_lead_leaves_goes_to_the_person_and_is_held() -> None:
    run = planned("lead", lead="claude", answer_seconds=60.0)
    run.mark("a", "plan", "one word")
    run.turn("a")
    assert awake(run, 61.0) == [a.EndAttempt("a", 1, interrupt=True)]
    assert run.events(e.AskPassedOn) == [e.AskPassedOn(message="m1", to="person")]


def test_what_is_the_persons_to_decide_is_not_the_leads() -> None:
    run = planned("person", lead="claude", on_plan="ask")
    run.mark("a", "plan", "one word")
    answer(run, "m1", by="lead")
    (refused,) = run.events(e.RequestRefused)
    assert "for a person" in str(refused) and attempt(run).planning


def test_no_teammate_approves_a_plan() -> None:
    run = planned(on_plan="ask")
    run.mark("a", "plan", "one word")
    run.send(e.MarkerReceived(task="a", attempt=1, name="x", kind="answer", reply_to="m1", decision="yes"))
    assert attempt(run).planning and "m1" in run.state.asks


def test_news_of_another_tasks_plan_unlock_nothing() -> None:
    tasks = (
        Task(id="a", title="A", plan_by="person"),
        Task(id="b", title="B", plan_by="person"),
    )
    run = Story(*tasks, team=("ada",), continues=True)
    run.ready("a")
    run.mark("a", "plan", "one")
    run.turn("a")
    interrupted(run)
    run.ready("b")
    actions = answer(run, "m1")
    assert told(actions) == ["answer"]
    assert run.state.attempts["b", 1].planning and run.state.tasks["a"].approved == "one"


# -- permissions -------------------------------------------------------------------------------------


def permitted(**values: Any) -> Story:
    run = Story(Task(id="a", title="A"), team=("ada",), on_permission="ask", **values)
    run.ready("a")
    run.send(
        e.PermissionAsked(task="a", attempt=1, key="p1", tool="WebFetch", target="https://x", reason="no")
    )
    return run


def test_a_permission_is_the_persons_to_give_and_the_tool_use_goes_on() -> None:
    run = permitted(lead="claude")
    assert sent(run) == [("permission", "ada", "person", "")]
    assert attempt(run).waits_on == "person" and not attempt(run).waiting
    assert run.state.mail["m1"].text == "WebFetch https://x\n\nno"
    (rule,) = answer(run, "m1")
    assert rule == a.Rule("a", 1, "p1", True, "The person in charge says yes.")
    assert attempt(run).waits_on == "" and run.state.teammates["ada"].unread == []


def test_a_refusal_carries_its_reason_in_the_tool_and_a_yes_its_words_in_a_message() -> None:
    run = permitted()
    assert answer(run, "m1", "no", "never") == [
        a.Rule("a", 1, "p1", False, "The person in charge says no: never")
    ]
    assert run.events(e.Told) == []
    run = permitted()
    actions = answer(run, "m1", "yes", "with care")
    assert told(actions) == ["answer"] and any(isinstance(it, a.Rule) and it.allowed for it in actions)


def test_when_nobody_answers_a_permission_in_time_it_is_refused() -> None:
    run = permitted(answer_seconds=60.0)
    actions = awake(run, 61.0)
    assert [(it.allowed, "in time" in it.why) for it in actions if isinstance(it, a.Rule)] == [(False, True)]
    assert sent(run)[1] == ("answer", "workbench", "ada", "no") and not run.state.asks


def test_what_an_attempt_asked_permission_for_is_moot_when_it_is_over() -> None:
    run = permitted()
    interrupted(run)
    assert not run.state.asks
    answer(run, "m1")
    assert len(run.events(e.RequestRefused)) == 1


# -- waits that end otherwise ------------------------------------------------------------------------


def test_who_waits_and_is_woken_by_something_older_waits_on() -> None:
    run = planned(on_plan="ask")
    run.mark("a", "plan", "one word")
    run.turn("a")
    run.turn("a")  # a text told within the turn before was taken up after it
    assert attempt(run).waiting and attempt(run).waits_on == "person"
    assert told(answer(run, "m1")) == ["plan_approved"]


def test_an_agent_that_dies_while_it_waits_is_given_up() -> None:
    run = planned(on_plan="ask")
    run.mark("a", "plan", "one word")
    run.turn("a")
    assert run.turn("a", live=False, error="killed") == [a.CollectWork("a", 1)]
    run.collected("a", changed=False)
    run.send(e.AttemptEnded(task="a", attempt=1, teammate="ada"))
    assert not run.state.asks and attempt(run, 2).planning


def test_time_that_runs_out_with_nobody_at_work_stops_the_run() -> None:
    run = planned(agent="command:x", continues=False, on_plan="ask", answer_seconds=60.0)
    run.mark("a", "plan", "one word")
    run.turn("a", live=False)
    interrupted(run)
    assert run.state.outcome is None
    awake(run, 61.0)
    assert run.state.outcome == "stopped" and "m1" in run.state.reason


def test_one_given_up_for_its_plans_and_tried_again_has_all_its_plans_before_it_and_nothing_unapproved() -> (
    None
):
    run = Story(
        Task.model_validate({"id": "a", "title": "A", "plan_by": "person", "attempts": 1}),
        Task(id="b", title="B"),
        team=("ada", "bob"),
        on_plan="ask",
    )
    run.ready("a")
    for number in range(3):
        run.mark("a", "plan", f"plan {number}")
        run.turn("a")
        answer(run, f"m{2 * number + 1}", "no", "smaller")
    run.turn("a", live=False, error="cut short")
    run.collected("a")
    run.ended("a")
    assert run.state.tasks["a"].status is TaskStatus.FAILED
    run.send(e.RequestMade(id="0000ffff", by="person", request=Retry(task="a")))
    assert attempt(run, 2).planning and attempt(run, 2).carry is None
    run.mark("a", "plan", "another", attempt=2)
    run.turn("a", 2)
    actions = answer(run, "m7", "no", "still too large")
    assert told(actions) == ["plan_rejected"]
    assert not any(isinstance(it, a.CutShort) for it in actions), "that was the first of its plans"


@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize("fields", ["- plan: person\n", ""])
def test_a_plan_for_what_the_task_was_is_none_for_what_it_is_by_now(approved: bool, fields: str) -> None:
    tasks = (Task(id="a", title="A", plan_by="person", body="old"), Task(id="b", title="B"))
    run = Story(*tasks, team=("ada", "bob"), continues=True)
    run.ready("a")
    run.mark("a", "plan", "the old way")
    run.turn("a")
    if approved:
        run.send(e.RunPaused(by="person"))
    interrupted(run)
    if approved:
        answer(run, "m1")
        assert run.state.tasks["a"].approved == "the old way"
    text = f"# Played\n\n## Tasks\n\n### a: A\n{fields}\nnew\n\n### b: B\n"
    run.send(e.RequestMade(id="0000ffff", by="person", request=ProposeChange(text=text, approved=True)))
    if approved:
        run.send(e.RunUnpaused(by="person"))
    assert run.state.tasks["a"].approved == "" and not run.state.asks
    assert attempt(run, 2).planning == bool(fields) and attempt(run, 2).carry == "a1"
