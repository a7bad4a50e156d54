"""Playbooks: an event in, the actions that follow out."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import RunSettings, Usage
from workbench.core.state import Phase, TaskStatus
from workbench.testing.playbook import Playbook, started
from workbench.testing.story import Story, task, verdict

T = TaskStatus


def test_the_happy_path() -> None:
    run = Story(task("a"), task("b", "a"), team=("ada",))
    assert run.first == [a.StartAttempt("a", "ada", 1, "first")]
    assert run.ready("a") == []
    assert run.mark("a", "progress") == []
    assert run.mark("a", "done") == []
    assert run.turn("a") == [a.CollectWork("a", 1)]
    assert run.collected("a") == [a.CheckWork("a", 1, "a1", "tree-a1", ("test",))]
    assert run.checked("a", True) == [a.BuildBatch(("a",), ("a1",)), a.EndAttempt("a", 1)]
    assert run.ended("a") == []
    assert run.built("a") == [a.CheckCandidate("a", "L-a", "tree-L-a", ("test",))]
    publish = run.gated("a", True)
    assert publish == [a.Publish((a.Candidate("a", 1, "base", "L-a", "tree-L-a"),))]
    assert run.landed("a") == [a.StartAttempt("b", "ada", 1, "first")]
    assert run.log[-1].event.start == "L-a"  # type: ignore[attr-defined]
    run.deliver("b")
    assert run.land("b") == [a.Tidy()]
    assert run.state.outcome == "landed"


def test_a_tree_that_is_known_green_is_not_checked_again() -> None:
    run = Story(task("a"))
    run.turn("a", live=False)
    assert run.collected("a", tree="tree-base") == [a.BuildBatch(("a",), ("a1",)), a.EndAttempt("a", 1)]
    assert run.built("a", a="tree-base") == [a.Publish((a.Candidate("a", 1, "base", "L-a", "tree-base"),))]


def test_a_tree_that_was_red_is_checked_again() -> None:
    run = Story(task("a"))
    run.mark("a", "done")
    run.turn("a")
    run.collected("a")
    run.checked("a", False)
    run.mark("a", "done")
    run.turn("a")
    assert run.collected("a") == [a.CheckWork("a", 1, "a1", "tree-a1", ("test",))]


def begun(*gates: str) -> Playbook:
    run = Playbook()
    assert run.send(started([task("a")], RunSettings(team=("ada",), gates=gates))) == [a.CheckBase()]
    return run


def base(**said: bool) -> e.BaseChecked:
    """What gates said of the base, by their names."""
    return e.BaseChecked(verdicts=tuple(verdict("tree-base", green, gate) for gate, green in said.items()))


def test_a_base_that_is_red_twice_refuses_the_run() -> None:
    run = begun("test")
    assert run.send(base(test=False)) == [a.CheckBase()]
    assert run.state.outcome is None
    assert run.send(base(test=False)) == []
    assert run.state.outcome == "refused"
    assert "`test` is red on the base" in run.state.reason
    assert run.events(e.FlakeSeen) == []


def test_a_base_that_is_red_once_costs_nothing_but_a_second_look() -> None:
    run = begun("test")
    run.send(base(test=False))
    assert run.send(base(test=True)) == [a.StartAttempt("a", "ada", 1, "first")]
    assert run.events(e.FlakeSeen) == [e.FlakeSeen(task="", gate="test", evidence="1 failed")]
    assert run.state.flakes == {"test": 1}


def test_each_gate_gets_a_second_look_at_the_base() -> None:
    run = begun("lint", "test")
    assert run.send(base(lint=False)) == [a.CheckBase()]
    assert run.state.unproven("tree-base", ("lint", "test")) == ("lint", "test")
    assert run.send(base(lint=True, test=False)) == [a.CheckBase()], "another gate, red for the first time"
    assert run.state.unproven("tree-base", ("lint", "test")) == ("test",)
    assert run.send(base(test=False)) == []
    assert (run.state.outcome, len(run.events(e.FlakeSeen))) == ("refused", 1)
    assert "`test`" in run.state.reason


@pytest.mark.parametrize("green", [True, False])
def test_killed_before_the_second_look_it_is_taken_then(green: bool) -> None:
    """As if nothing had happened: what the log holds counts."""
    run = begun("test")
    run.send(base(test=False))
    run.restart()
    assert run.send(e.RunResumed(pid=1)) == [a.CheckBase()]
    run.send(base(test=green))
    assert (run.state.outcome, len(run.events(e.FlakeSeen))) == (None if green else "refused", int(green))


def test_elsewhere_it_is_a_first_look() -> None:
    """Resumed where tools are other ones, a gate that was red has not been red there."""
    run = begun("test")
    run.send(base(test=False))
    run.restart()
    run.send(e.RunResumed(pid=1, environment="other"))
    red = verdict("tree-base", False).model_copy(update={"environment": "other"})
    assert run.send(e.BaseChecked(verdicts=(red,))) == [a.CheckBase()]


def test_done_without_a_change_is_told_once_and_then_fails() -> None:
    run = Story(task("a", attempts=1))
    run.mark("a", "done")
    run.turn("a")
    assert run.collected("a", changed=False) == [a.Tell("a", 1, "no_change")]
    run.mark("a", "done")
    assert run.turn("a") == [a.CollectWork("a", 1)]
    assert run.collected("a", changed=False) == [a.EndAttempt("a", 1)]
    assert "no change" in run.state.tasks["a"].reason


def recheck(name: str, attempt: int) -> a.CheckWork:
    commit = f"{name}{attempt}"
    return a.CheckWork(name, attempt, commit, f"tree-{commit}", ("test",))


def test_a_gate_that_is_red_once_costs_nobody_an_attempt() -> None:
    run = Story(task("a"), attempts=1)
    run.turn("a", live=False)
    run.collected("a")
    assert run.checked("a", False) == [recheck("a", 1)]
    assert run.checked("a", True) == [a.BuildBatch(("a",), ("a1",)), a.EndAttempt("a", 1)]
    assert [event.gate for event in run.events(e.FlakeSeen) if isinstance(event, e.FlakeSeen)] == ["test"]


def test_each_gate_gets_a_second_look_of_its_own() -> None:
    run = Story(task("a"), attempts=1, gates=("lint", "test"))
    run.turn("a", live=False)
    run.collected("a")

    def red(gate: str, *green: str) -> list[a.Action]:
        verdicts = (*(verdict("tree-a1", True, it) for it in green), verdict("tree-a1", False, gate))
        return run.send(e.WorkChecked(task="a", attempt=1, commit="a1", verdicts=verdicts))

    assert [type(action) for action in red("lint")] == [a.CheckWork]
    assert [type(action) for action in red("test", "lint")] == [a.CheckWork], "that one was red once"
    assert red("test") == [a.EndAttempt("a", 1)]


def test_red_output_goes_back_into_the_session_until_repairs_are_spent() -> None:
    run = Story(task("a"), team=("ada",), repairs=1, attempts=2)
    run.mark("a", "done")
    run.turn("a")
    run.collected("a")
    told = run.checked("a", False)
    assert told == [a.Tell("a", 1, "gate_red", {"command": "test", "exit_code": None, "output": "1 failed"})]
    run.mark("a", "done")
    run.turn("a")
    run.collected("a")
    assert run.checked("a", False) == [recheck("a", 1)], "none is given up for a gate that was red once"
    assert run.checked("a", False) == [a.EndAttempt("a", 1)]
    assert run.ended("a") == [a.StartAttempt("a", "ada", 2, "retry", "a1")]
    assert "1 failed" in run.state.tasks["a"].evidence
    run.turn("a", 2, error="it crashed", live=False)
    assert run.collected("a", 2) == [a.EndAttempt("a", 2)]
    assert run.status("a") is T.FAILED
    assert run.ended("a", 2) == [a.Tidy(("ada", "ada"))]
    assert (run.state.outcome, run.state.tasks["a"].reason) == ("incomplete", "it crashed")


@pytest.mark.parametrize("green", [True, False])
def test_a_turn_without_done_is_asked_about_once_and_then_judged_by_its_gates(green: bool) -> None:
    run = Story(task("a"))
    assert run.turn("a") == [a.Tell("a", 1, "ask_done")]
    assert run.turn("a") == [a.CollectWork("a", 1)]
    run.collected("a")
    actions = run.checked("a", green)
    if green:
        assert actions == [a.BuildBatch(("a",), ("a1",)), a.EndAttempt("a", 1)]
    else:
        assert actions == [recheck("a", 1)]
        assert run.checked("a", False) == [a.EndAttempt("a", 1)]
        assert run.events(e.AttemptFailed)


@pytest.mark.parametrize("when", ["before it is collected", "while it is gated"])
@pytest.mark.parametrize("looks", [(True,), (False, True), (False, False)])
def test_blocked_after_done_is_believed_when_the_gates_are_red(when: str, looks: tuple[bool, ...]) -> None:
    """A marker is a hint: green work that was done counts whatever is said of it later, at any moment."""
    run = Story(task("a"), task("b", "a"))
    run.mark("a", "done")
    run.turn("a")
    if when == "before it is collected":
        assert run.mark("a", "blocked", "no database") == []
    assert run.collected("a") == [recheck("a", 1)]
    if when == "while it is gated":
        assert run.mark("a", "blocked", "no database") == []
    *first, last = looks
    for green in first:
        assert run.checked("a", green) == [recheck("a", 1)], "it is not asked to repair what it gave up"
    left = run.checked("a", last)
    if last:
        assert left == [a.BuildBatch(("a",), ("a1",)), a.EndAttempt("a", 1)]
        assert len(run.events(e.FlakeSeen)) == len(first)
    else:
        assert left == [a.EndAttempt("a", 1)]
        assert run.events(e.TaskBlocked) == [
            e.TaskBlocked(task="a", attempt=1, reason="no database", commit="a1")
        ]
        assert run.status("b") is T.HELD


@pytest.mark.parametrize("green", [True, False])
def test_blocked_while_it_is_gated_counts_where_nothing_was_done(green: bool) -> None:
    """Gates that are green on half of the work prove nothing about the other half."""
    run = Story(task("a"))
    run.turn("a")
    run.turn("a")
    assert run.collected("a") == [recheck("a", 1)]
    assert run.mark("a", "blocked", "no database") == []
    assert run.checked("a", green) == [a.EndAttempt("a", 1)]
    assert (run.status("a"), run.state.tasks["a"].reason) == (T.BLOCKED, "no database")


@pytest.mark.parametrize(
    "wrong", [{"changed": False}, {"unresolved": ("f",)}, {"weakened": "a test is gone"}]
)
def test_blocked_after_done_is_believed_when_git_says_so(wrong: dict[str, Any]) -> None:
    run = Story(task("a"))
    run.mark("a", "done")
    run.turn("a")
    run.mark("a", "blocked", "no database")
    assert run.collected("a", **wrong) == [a.EndAttempt("a", 1)]
    assert (run.status("a"), run.state.tasks["a"].reason) == (T.BLOCKED, "no database")


def test_a_blocked_task_holds_all_that_waits_for_it_with_reasons() -> None:
    run = Story(task("a"), task("b", "a"), task("c", "b"), task("d"))
    run.mark("a", "blocked", "no database here")
    assert run.turn("a") == [a.CollectWork("a", 1)]
    assert run.collected("a") == [a.EndAttempt("a", 1)]
    assert [run.status(name) for name in "abcd"] == [T.BLOCKED, T.HELD, T.HELD, T.RUNNING]
    assert run.state.tasks["a"].reason == "no database here"
    assert run.state.tasks["b"].reason == "waits for a, which is blocked"
    assert run.state.tasks["c"].reason == "waits for b, which is held"
    run.ended("a")
    run.deliver("d")
    run.land("d")
    assert run.state.outcome == "incomplete"
    assert "3 of 4 tasks did not land: a, b, c" in run.state.reason


def test_a_retry_waits_until_the_attempt_before_is_gone_and_goes_to_whom_did_it() -> None:
    run = Story(task("a"))
    run.turn("a", live=False)
    assert run.collected("a", changed=False) == [a.EndAttempt("a", 1)]
    assert run.ended("a") == [a.StartAttempt("a", "ada", 2, "retry", "a1")]


def test_a_conflict_becomes_a_fixup_by_whom_made_it_with_both_sides_named() -> None:
    run = Story(task("a"), task("b"), task("x"), team=("ada", "bob", "cy"))
    assert run.deliver("a")[0] == a.BuildBatch(("a",), ("a1",))
    run.deliver("b")
    run.deliver("x")
    run.built("a")
    run.gated("a", True)
    assert run.landed("a", files=("f.py",)) == [a.BuildBatch(("b", "x"), ("b1", "x1"))]
    actions = run.conflict("b", "f.py", hunks="<<<<")
    assert actions == [a.StartAttempt("b", "bob", 2, "conflict", "b1")]
    standing = run.state.tasks["b"]
    assert (standing.others, standing.conflicts, standing.evidence) == (("a",), ("f.py",), "<<<<")
    assert run.built("x") == [a.CheckCandidate("x", "L-x", "tree-L-x", ("test",))], "it blocks nobody"


def test_fixups_are_bounded_and_then_the_task_fails() -> None:
    run = Story(task("a", attempts=1), team=("ada",))
    run.deliver("a")
    assert run.conflict("a", "f") == [a.StartAttempt("a", "ada", 2, "conflict", "a1")]
    assert run.batch_built() == []
    run.deliver("a", 2)
    run.conflict("a", "f")
    assert run.status("a") is T.FAILED
    assert run.batch_built() == [a.Tidy(("ada", "ada"))]
    assert run.state.outcome == "incomplete"


def test_a_clean_merge_that_is_red_twice_on_a_green_tip_is_rejected() -> None:
    run = Story(task("a"), team=("ada",))
    run.deliver("a")
    again = run.built("a")
    assert run.gated("a", False) == again == [a.CheckCandidate("a", "L-a", "tree-L-a", ("test",))]
    assert run.gated("a", False) == [a.CheckCandidate("a", "base", "tree-base", ("test",))]
    assert run.status("a") is T.LANDING, "not blamed before the tip is proven again"
    assert run.gated("base", True) == [a.StartAttempt("a", "ada", 2, "rejected", "a1")]
    assert run.state.tasks["a"].evidence == "$ test\n1 failed"


def test_a_lost_publication_is_built_again_on_the_new_tip() -> None:
    run = Story(task("a"))
    run.deliver("a")
    run.built("a")
    run.gated("a", True)
    assert run.send(e.PublicationLost(expected="base", found="moved")) == [a.BuildBatch(("a",), ("a1",))]
    assert run.state.tip == "moved"


def test_an_integration_branch_that_is_gone_does_not_become_the_place_to_start_from() -> None:
    run = Story(task("a"))
    run.deliver("a")
    run.built("a", a="tree-base")
    run.send(e.PublicationLost(expected="base", found=""))
    assert run.state.tip == "base"


def test_the_budget_starts_nothing_more_and_lands_what_there_is() -> None:
    run = Story(task("a"), task("b"), team=("ada",), budget_usd=1.0)
    run.mark("a", "done")
    run.turn("a", usage=Usage(cost_usd=1.0))
    run.collected("a")
    assert run.checked("a", True) == [a.BuildBatch(("a",), ("a1",)), a.EndAttempt("a", 1)]
    assert run.ended("a") == []
    run.land("a")
    assert (run.state.outcome, run.state.reason) == ("stopped", "the budget is spent")
    assert run.send(e.RunResumed(pid=1, budget_usd=5.0)) == [a.StartAttempt("b", "ada", 1, "first")]


def test_a_refused_login_stops_everyone_and_burns_no_attempt() -> None:
    run = Story(task("a"), task("b"))
    assert run.turn("a", live=False, error="sign in", login=True) == [
        a.EndAttempt("a", 1, interrupt=True),
        a.EndAttempt("b", 1, interrupt=True),
    ]
    assert run.turn("b", live=False, error="sign in", login=True) == []
    run.ended("a", interrupted=True)
    run.ended("b", interrupted=True)
    assert (run.state.outcome, run.state.reason) == ("stopped", "sign in")
    assert {task.tries for task in run.state.tasks.values()} == {0}
    again = run.send(e.RunResumed(pid=1))
    assert [action.task for action in again if isinstance(action, a.StartAttempt)] == ["a", "b"]


def phases(run: Story, phase: Phase) -> None:
    """Bring attempt 1 at ``a`` to ``phase``."""
    if phase is not Phase.WORKING:
        run.mark("a", "done")
        run.turn("a")
    if phase in (Phase.COLLECTED, Phase.CHECKED, Phase.CLOSING):
        run.collected("a")
    if phase is Phase.CLOSING:
        run.checked("a", True)


@pytest.mark.parametrize("phase", [Phase.WORKING, Phase.TURN_OVER, Phase.COLLECTED])
def test_a_stop_interrupts_an_attempt_in_any_phase_and_it_goes_on_where_it_was(phase: Phase) -> None:
    run = Story(task("a"), team=("ada",), continues=True)
    run.ready("a")
    phases(run, phase)
    assert run.send(e.StopRequested(reason="asked to")) == [a.EndAttempt("a", 1, interrupt=True)]
    assert run.send(e.StopRequested(reason="again")) == []
    assert run.ended("a", interrupted=True, commit="half", session="s") == []
    assert run.state.outcome == "stopped"
    assert run.send(e.RunResumed(pid=1)) == [a.StartAttempt("a", "ada", 2, "continued", "half", "s")]


def test_an_attempt_cut_short_before_its_worktree_was_there_starts_afresh() -> None:
    run = Story(task("a"), team=("ada",), continues=True)
    run.send(e.StopRequested(reason="asked to"))
    run.ended("a", interrupted=True)
    assert run.send(e.RunResumed(pid=1)) == [a.StartAttempt("a", "ada", 2, "first")]


def test_work_that_was_delivered_stays_so_when_a_stop_comes() -> None:
    run = Story(task("a"), team=("ada",))
    phases(run, Phase.CLOSING)
    assert run.send(e.StopRequested(reason="x")) == [
        a.EndAttempt("a", 1, interrupt=True),
        a.DropLanding(),
    ]
    run.send(e.LandingDropped())
    run.ended("a", interrupted=True)
    assert (run.state.outcome, run.status("a")) == ("stopped", T.DELIVERED)
    assert run.send(e.RunResumed(pid=1)) == [a.BuildBatch(("a",), ("a1",))]


@pytest.mark.parametrize(
    "phase", ["building", "checking", "checking again", "checking the base", "publishing"]
)
def test_a_stop_during_a_landing(phase: str) -> None:
    run = Story(task("a"), task("b", "a"), team=("ada",))
    run.deliver("a")
    if phase != "building":
        run.built("a")
    if phase == "checking again":
        run.gated("a", False)
    if phase == "checking the base":
        run.gated("a", False)
        run.gated("a", False)
    if phase == "publishing":
        run.gated("a", True)
    assert run.send(e.StopRequested(reason="asked to")) == [a.DropLanding()]
    if phase == "building":
        assert run.built("a") == [], "what comes late is ignored"
    if phase == "publishing":
        run.landed("a")
        assert run.send(e.RunResumed(pid=1)) == [a.StartAttempt("b", "ada", 1, "first")]
    else:
        run.send(e.LandingDropped())
        assert run.state.outcome == "stopped"
        assert run.send(e.RunResumed(pid=1)) == [a.BuildBatch(("a",), ("a1",))]


def test_a_worktree_that_another_task_was_about_to_get_is_not_gone_on_in() -> None:
    """Its teammate may have begun to make it ready: what it held is not there any more, perhaps."""
    run = Story(task("a"), task("b"), team=("ada",), continues=True)
    run.ready("a")
    run.send(e.StopRequested(reason="asked to"))
    run.ended("a", interrupted=True, commit="half", session="s")
    assert run.state.teammates["ada"].held == "a"
    run.note(e.RunResumed(pid=1))
    run.note(e.AttemptStarted(task="b", attempt=1, teammate="ada", nonce="n", start="base", why="first"))
    run.send(e.StopRequested(reason="asked to"))
    run.ended("b", interrupted=True)
    assert run.send(e.RunResumed(pid=1)) == [a.StartAttempt("a", "ada", 2, "retry", "half", None)]


def test_a_stop_while_the_base_is_checked() -> None:
    run = Playbook()
    run.send(started([task("a")], RunSettings(team=("ada",), gates=("test",))))
    run.send(e.StopRequested(reason="asked to"))
    assert run.state.outcome == "stopped"
    assert run.send(e.RunResumed(pid=1)) == [a.CheckBase()]


def test_turns_that_end_late_change_nothing_but_whether_it_lives() -> None:
    run = Story(task("a", attempts=1))
    run.mark("a", "done")
    run.turn("a")
    assert run.turn("a") == []
    run.collected("a")
    assert run.turn("a", live=False) == []
    run.checked("a", False)
    assert run.checked("a", False) == [a.EndAttempt("a", 1)], "nobody is left to repair it"


@pytest.mark.parametrize("what", ["collected", "checked"])
def test_work_that_comes_in_after_its_attempt_was_given_up_is_only_noted(what: str) -> None:
    run = Story(task("a"), team=("ada",))
    phases(run, Phase.TURN_OVER if what == "collected" else Phase.COLLECTED)
    broke = e.EffectFailed(action="StartAttempt", error="broke", task="a", attempt=1)
    assert run.send(broke) == [a.EndAttempt("a", 1)]
    assert (run.collected("a") if what == "collected" else run.checked("a", True)) == []
    assert run.send(broke) == []
    assert run.ended("a")[0] == a.StartAttempt("a", "ada", 2, "retry", None if what == "collected" else "a1")


def test_a_fixup_that_never_got_going_keeps_carrying_the_delivered_work() -> None:
    run = Story(task("a"), team=("ada",))
    run.deliver("a")
    run.conflict("a", "f")
    run.batch_built()
    run.send(e.EffectFailed(action="StartAttempt", error="broke", task="a", attempt=2))
    assert run.ended("a", 2) == [a.StartAttempt("a", "ada", 3, "retry", "a1")]


def test_unresolved_conflict_markers_go_back_into_the_session() -> None:
    run = Story(task("a"))
    run.mark("a", "done")
    run.turn("a")
    assert run.collected("a", unresolved=("f",)) == [a.Tell("a", 1, "unresolved", {"paths": ("f",)})]


def test_messages_are_told_in_order_and_only_to_those_at_work() -> None:
    run = Story(task("a"), task("b"))
    run.mark("b", "done")
    run.turn("b")
    assert run.mark("a", "message", "one", to="bob") == []
    assert run.mark("a", "message", "two", to="all") == []
    run.collected("b")
    told = run.checked("b", False)
    texts = [
        action.values["text"] for action in told if isinstance(action, a.Tell) and action.kind == "message"
    ]
    assert texts == ["one", "two"]
    assert run.state.teammates["bob"].unread == []


def test_messages_to_someone_without_a_task_wait_for_the_next_brief() -> None:
    run = Story(task("a"), task("b", "a"))
    assert run.mark("a", "message", "hello", to="bob") == []
    run.mark("a", "blocked", "not today")
    run.turn("a")
    run.collected("a")
    run.ended("a")
    assert [run.state.mail[letter].text for letter in run.state.teammates["bob"].unread] == ["hello"]


def test_questions_and_quarantined_markers_are_answered() -> None:
    run = Story(task("a"))
    (told,) = [action for action in run.mark("a", "question", "which one?") if isinstance(action, a.Tell)]
    assert (told.kind, told.message, told.values["question"]) == ("answer", "m2", "which one?")
    assert told.values["sender"] == "workbench" and "best judgement" in str(told.values["text"])
    aside = e.MarkerQuarantined(task="a", attempt=1, name="x", reason="forged")
    assert run.send(aside) == [a.Tell("a", 1, "quarantine", {"name": "x", "reason": "forged"})]
    run.turn("a")
    run.turn("a")
    assert run.send(aside) == []
    assert run.mark("a", "question", "late?") == []


@pytest.mark.parametrize("action", ["Landing", "Publish"])
def test_a_landing_that_could_not_be_made_is_tried_again_and_then_stops_the_run(action: str) -> None:
    run = Story(task("a"), task("b"), task("c"), team=("ada", "bob", "cy"))
    run.deliver("a")
    run.deliver("b")
    run.land("a")
    failed = e.EffectFailed(action=action, error="no space")
    for _ in range(2):
        assert run.send(failed) == [a.BuildBatch(("b",), ("b1",))]
    assert run.send(failed) == [a.EndAttempt("c", 1, interrupt=True)]
    assert run.send(failed) == [], "nothing is being landed any more"
    run.ended("c", interrupted=True)
    assert (run.state.outcome, run.state.reason) == ("stopped", "landing failed 3 times: no space")
    assert (run.status("b"), run.state.tasks["b"].fixups) == (T.DELIVERED, 0), "nobody is to blame"
    assert run.send(e.RunResumed(pid=1))[-1] == a.BuildBatch(("b",), ("b1",))
    assert run.send(failed) == [a.BuildBatch(("b",), ("b1",))], "counted anew"
    run.land("b")
    assert run.status("b") is T.LANDED


def test_only_failures_in_a_row_stop_the_run() -> None:
    run = Story(*(task(name) for name in "abcd"), team=("ada", "bob", "cy", "dee"), batch=1)
    for name in "abcd":
        run.deliver(name)
    for name in "abcd":
        for _ in range(2):
            assert len(run.send(e.EffectFailed(action="Landing", error="x"))) == 1
        run.land(name)
    assert run.state.outcome == "landed"


def test_a_worktree_that_holds_other_work_by_now_is_not_gone_on_in() -> None:
    run = Story(task("a"), task("b"), team=("ada",), continues=True)
    run.ready("a")
    run.send(e.StopRequested(reason="x"))
    run.ended("a", interrupted=True, commit="half-a", session="s")
    run.send(e.RunResumed(pid=1))
    # Attempt 2 at a dies before its worktree was there; meanwhile ada's worktree holds something else.
    run.state.teammates["ada"].held = "b"
    run.send(e.StopRequested(reason="x"))
    run.ended("a", 2, interrupted=True, commit="half-a", session="s")
    assert run.send(e.RunResumed(pid=1)) == [a.StartAttempt("a", "ada", 3, "retry", "half-a")]
