"""The pace of the team: rate and usage limits, an agent that keeps failing, deadlines, memory, budgets."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import Usage
from workbench.core.pace import Hold
from workbench.core.pacing import CIRCUIT_FAILURES, pause_of, share
from workbench.core.state import TaskStatus
from workbench.testing.story import Story, task

BOTH = ("ada", "bob")


def starts(actions: list[a.Action]) -> list[str]:
    return [action.task for action in actions if isinstance(action, a.StartAttempt)]


def wakes(actions: list[a.Action]) -> list[Hold]:
    return [action.hold for action in actions if isinstance(action, a.Wake)]


def crash(run: Story, name: str, attempt: int = 1) -> list[a.Action]:
    run.turn(name, attempt, live=False, error="it crashed")
    run.collected(name, attempt)
    return run.ended(name, attempt)


def pass_time(run: Story, hold: Hold) -> list[a.Action]:
    run.now = max(run.now, hold.until)
    return run.send(e.Awoke())


# -- retries ---------------------------------------------------------------------------------------


def test_after_its_agent_broke_a_task_waits_longer_each_time_and_goes_to_somebody_else() -> None:
    run = Story(task("a"), retry_seconds=10.0, attempts=9)
    waited = []
    for attempt, mate in ((1, "ada"), (2, "bob"), (3, "ada")):
        assert run.state.attempts["a", attempt].teammate == mate
        actions = crash(run, "a", attempt)
        assert starts(actions) == []
        (hold,) = wakes(actions)
        waited.append(hold.until - hold.since)
        assert starts(run.send(e.Awoke())) == [], "it is not time yet"
        assert starts(pass_time(run, hold)) == ["a"]
    for seconds, once in zip(waited, (10, 20, 40), strict=True):
        assert 0.75 * once <= seconds <= 1.25 * once


def test_a_red_gate_is_no_broken_agent_and_is_tried_again_at_once_by_the_same_teammate() -> None:
    run = Story(task("a"), retry_seconds=10.0)
    run.mark("a", "done")
    run.turn("a", live=False)
    run.collected("a")
    run.checked("a", False)
    run.checked("a", False)
    assert run.ended("a") == [a.StartAttempt("a", "ada", 2, "retry", "a1")]


def test_who_waits_to_try_again_does_not_hold_up_the_others() -> None:
    run = Story(task("a"), task("b"), team=("ada",), retry_seconds=100.0)
    assert starts(crash(run, "a")) == ["b"]


def test_a_clock_that_is_set_back_holds_nobody_up() -> None:
    hold = Hold(1000.0, 1010.0)
    assert hold.holds(1000.0)
    assert not hold.holds(1010.0)
    assert not hold.holds(10.0)


def test_shares_are_spread_over_all_there_is() -> None:
    found = sorted(share(f"nonce-{number}") for number in range(200))
    assert found[0] < 0.05
    assert found[-1] > 0.95
    assert share("x") == share("x")


# -- the circuit -------------------------------------------------------------------------------------


def opened(**values: object) -> tuple[Story, list[a.Action]]:
    """A run whose agent failed until the circuit opened; the actions after that."""
    names = [f"t{number}" for number in range(CIRCUIT_FAILURES + 2)]
    run = Story(*(task(name) for name in names), team=("ada",), attempts=1, retry_seconds=5.0, **values)
    actions: list[a.Action] = []
    for name in names[:CIRCUIT_FAILURES]:
        assert run.state.tasks[name].status is TaskStatus.RUNNING
        actions = crash(run, name)
    return run, actions


def test_five_failures_in_a_row_open_the_circuit_and_a_trial_that_works_closes_it() -> None:
    run, actions = opened()
    assert [type(it).__name__ for it in run.events(e.CircuitOpened)] == ["CircuitOpened"]
    assert starts(actions) == []
    (hold,) = wakes(actions)
    assert hold.until - hold.since == 60.0
    assert starts(pass_time(run, hold)) == ["t5"]
    run.deliver("t5")
    assert run.events(e.CircuitClosed) == [e.CircuitClosed(agent="claude")]
    assert run.state.tasks["t6"].status is TaskStatus.RUNNING


def test_a_trial_that_fails_opens_the_circuit_again() -> None:
    run, actions = opened()
    pass_time(run, wakes(actions)[0])
    actions = crash(run, "t5")
    assert len(run.events(e.CircuitOpened)) == 2
    assert starts(actions) == []
    assert starts(pass_time(run, wakes(actions)[0])) == ["t6"]


def test_one_trial_at_a_time() -> None:
    names = [f"t{number}" for number in range(8)]
    run = Story(*(task(name) for name in names), team=("ada", "bob"), attempts=1, retry_seconds=5.0)
    for name in names[:CIRCUIT_FAILURES]:
        actions = crash(run, name)
    assert run.state.pace.circuit is not None
    actions = crash(run, names[5])  # it had started before
    assert starts(actions) == []
    assert len(run.events(e.CircuitOpened)) == 1
    assert starts(pass_time(run, wakes(actions)[0])) == ["t6"]
    assert starts(run.send(e.Awoke())) == []


def test_work_that_is_red_does_not_count_as_a_failing_agent() -> None:
    run = Story(*(task(f"t{number}") for number in range(7)), team=("ada",), attempts=1)
    for number in range(6):
        run.mark(f"t{number}", "done")
        run.turn(f"t{number}", live=False)
        run.collected(f"t{number}")
        run.checked(f"t{number}", False)
        run.checked(f"t{number}", False)
        run.ended(f"t{number}")
    assert run.events(e.CircuitOpened) == []
    assert run.state.tasks["t6"].status is TaskStatus.RUNNING


# -- limits --------------------------------------------------------------------------------------------


def retried(name: str, status: int | None = 529, seconds: float = 8.0) -> e.AgentRetried:
    return e.AgentRetried(task=name, attempt=1, status=status, error="overloaded", delay_seconds=seconds)


def test_a_rate_limit_of_one_slows_all_and_the_team_gets_faster_again() -> None:
    team = ("ada", "bob", "cy", "dan")
    run = Story(*(task(f"t{number}") for number in range(9)), team=team)
    run.send(retried("t0", seconds=100.0))
    run.send(retried("t1", seconds=100.0))
    slowed = e.TeamSlowed(cap=2, seconds=100.0, status=529)
    assert run.events(e.TeamSlowed) == [slowed], "one limit, told once"
    for name in ("t0", "t1", "t2"):
        run.deliver(name)
    assert len(run.state.working) == 1
    (hold,) = wakes(run.send(e.Awoke()))
    assert len(starts(pass_time(run, hold))) == 1, "two may work at once"
    for _ in range(4):
        run.now += 60.0
        run.send(e.Awoke())
    assert len(run.state.working) == 4
    assert run.state.pace.cap is None


@pytest.mark.parametrize("status", [None, 400, 500])
def test_other_errors_of_the_api_slow_nobody(status: int | None) -> None:
    run = Story(task("a"))
    assert run.send(retried("a", status)) == []


def test_a_usage_limit_burns_no_attempt_and_the_run_goes_on_at_the_reset() -> None:
    run = Story(task("a"), task("b"), task("c"), continues=True, attempts=1)
    run.ready("a")
    run.ready("b")
    actions = run.turn("a", live=False, error="The limit is reached.", limit="usage", resets_at=5000.0)
    assert actions[0] == a.EndAttempt("a", 1, interrupt=True)
    actions = run.turn("b", live=False, error="The limit is reached.", limit="usage", resets_at=5000.0)
    assert actions == [a.EndAttempt("b", 1, interrupt=True)]
    assert len(run.events(e.TeamPaused)) == 1
    run.ended("a", interrupted=True, commit="half", session="s")
    actions = run.ended("b", interrupted=True, commit="half", session="s")
    assert starts(actions) == [], "c would meet the same limit"
    (hold,) = wakes(actions)
    assert 5000.0 <= hold.until <= 5030.0
    actions = pass_time(run, hold)
    assert actions[:2] == [
        a.StartAttempt("a", "ada", 2, "continued", "half", "s"),
        a.StartAttempt("b", "bob", 2, "continued", "half", "s"),
    ]
    assert run.state.tasks["a"].tries == 0


def test_a_limit_without_a_known_end_is_waited_out_longer_each_time() -> None:
    run = Story(task("a"), team=("ada",), continues=True, retry_seconds=5.0)
    waited = []
    for attempt in (1, 2, 3):
        run.turn("a", attempt, live=False, error="HTTP 529", limit="rate")
        actions = run.ended("a", attempt, interrupted=True, commit="half", session="s")
        (hold,) = wakes(actions)
        waited.append(hold.until - run.events(e.TeamPaused)[-1].until + hold.until - hold.since)  # type: ignore[attr-defined]
        assert starts(pass_time(run, hold)) == ["a"]
    assert waited[0] < waited[1] < waited[2]
    assert 45 <= waited[0] <= 75


def test_work_that_was_done_when_the_limit_came_is_judged_and_not_begun_again() -> None:
    run = Story(task("a"), task("b"), attempts=1)
    run.mark("a", "done")
    actions = run.turn("a", live=False, error="limit", limit="usage", resets_at=5000.0)
    assert actions[0] == a.CollectWork("a", 1)
    run.collected("a")
    assert any(isinstance(action, a.BuildBatch) for action in run.checked("a", True))
    assert run.state.pace.pause is not None


def test_a_reset_that_is_known_takes_the_place_of_a_guess() -> None:
    run = Story(task("a"), task("b"), task("c"), team=("ada", "bob", "cy"), retry_seconds=5.0)
    run.turn("a", live=False, error="limit", limit="usage")
    run.turn("b", live=False, error="limit", limit="usage", resets_at=5000.0)
    run.turn("c", live=False, error="limit", limit="usage")
    assert [it.resets for it in run.events(e.TeamPaused) if isinstance(it, e.TeamPaused)] == [False, True]
    assert run.state.pace.pause is not None
    assert run.state.pace.pause.hold.until >= 5000.0


def test_a_limit_without_end_stops_the_run_after_hours() -> None:
    run = Story(task("a"), team=("ada",), retry_seconds=5.0)
    for attempt in range(1, 40):
        run.turn("a", attempt, live=False, error="HTTP 529", limit="rate")
        actions = run.ended("a", attempt, interrupted=True)
        if run.state.finished:
            break
        pass_time(run, wakes(actions)[0])
    assert run.state.outcome == "stopped"
    assert "the limit was still there after 16 pauses: HTTP 529" in run.state.reason
    assert run.now > 5 * 3600


def test_rests_get_longer_even_when_a_task_is_tried_again_at_once() -> None:
    run = Story(task("a"), team=("ada",), continues=True, retry_seconds=0.0)
    rests = [pause_of(run.state, None, "") - run.state.at]
    for attempt in range(1, 9):
        run.turn("a", attempt, live=False, error="exit 75", limit="rate")
        run.ended("a", attempt, interrupted=True, commit="half", session="s")
        run.now += 100.0
        run.send(e.Awoke())
        rests.append(pause_of(run.state, None, "") - run.state.at)
    assert rests[0] > 0.05 and rests == sorted(rests) and rests[-1] > 10


def test_landings_go_on_while_the_team_is_paused() -> None:
    run = Story(task("a"), task("b"))
    run.turn("b", live=False, error="limit", limit="usage", resets_at=5000.0)
    assert any(isinstance(action, a.BuildBatch) for action in run.deliver("a"))
    run.ended("b", interrupted=True)
    run.land("a")
    assert run.status("a") is TaskStatus.LANDED
    assert not run.state.finished


def test_a_paused_run_can_be_stopped_and_forgets_the_pause_when_it_is_resumed() -> None:
    run = Story(task("a"), team=("ada",))
    run.turn("a", live=False, error="limit", limit="usage", resets_at=5000.0)
    run.ended("a", interrupted=True)
    run.send(e.StopRequested(reason="asked to"))
    assert run.state.outcome == "stopped"
    assert starts(run.send(e.RunResumed(pid=1))) == ["a"]


# -- deadlines -------------------------------------------------------------------------------------------


def passed(deadline: str = "idle", last: bool = False) -> e.DeadlinePassed:
    return e.DeadlinePassed.model_validate(
        {"task": "a", "attempt": 1, "deadline": deadline, "seconds": 1800.0, "last": last}
    )


def test_a_silent_agent_is_nudged_then_stopped_and_its_work_is_kept() -> None:
    run = Story(task("a"))
    (told,) = run.send(passed())
    assert isinstance(told, a.Tell)
    assert told.kind == "nudge"
    (cut,) = run.send(passed(last=True))
    assert isinstance(cut, a.CutShort)
    assert "no sign of life for 30 minutes" in cut.reason
    assert run.turn("a", live=False, error=cut.reason) == [a.CollectWork("a", 1)]
    run.collected("a")
    assert run.ended("a") == [a.StartAttempt("a", "bob", 2, "retry", "a1")]


def test_a_deadline_that_passes_while_gates_run_is_nobodys_fault() -> None:
    run = Story(task("a"))
    run.mark("a", "done")
    run.turn("a")
    assert run.send(passed("wall", last=True)) == []


# -- memory and money --------------------------------------------------------------------------------------


def test_no_more_start_than_fit_into_memory_but_always_one() -> None:
    run = Story(*(task(f"t{number}") for number in range(5)), team=("ada", "bob", "cy"))
    run.send(e.RoomMeasured(attempts=1, free_mb=100))
    for name in ("t0", "t1"):
        assert starts(run.deliver(name)) == []
    run.deliver("t2")
    assert len(run.state.working) == 1
    assert len(starts(run.send(e.RoomMeasured(attempts=3, free_mb=9000)))) == 1, "the last that there is"


def test_budgets_are_warned_of_once_at_four_fifths() -> None:
    run = Story(task("a", budget_usd=1.0), task("b"), budget_usd=2.0)
    run.turn("a", usage=Usage(cost_usd=0.79))
    assert run.events(e.BudgetWarned) == []
    run.turn("b", usage=Usage(cost_usd=0.82))
    assert run.events(e.BudgetWarned) == [e.BudgetWarned(spent_usd=1.61, budget_usd=2.0)]
    run.mark("a", "progress")
    run.send(e.Told(task="a", attempt=1, kind="message", text="go on"))
    run.turn("a", usage=Usage(cost_usd=0.81))
    assert run.events(e.BudgetWarned)[1:] == [e.BudgetWarned(task="a", spent_usd=0.81, budget_usd=1.0)]


def test_a_task_whose_budget_is_spent_is_given_up_and_its_work_kept() -> None:
    run = Story(task("a"), task("b"), task_budget_usd=1.0, attempts=5)
    run.turn("a", live=False, error="it crashed", usage=Usage(cost_usd=1.2))
    run.collected("a")
    (failed,) = run.events(e.AttemptFailed)
    assert isinstance(failed, e.AttemptFailed)
    assert failed.final
    assert failed.commit == "a1"
    assert "budget of $1.00 is spent" in failed.reason
    assert not failed.broke, "money is no broken agent"


def test_a_task_without_money_gets_no_fixup() -> None:
    run = Story(task("a", budget_usd=1.0), task("b"))
    run.mark("a", "done")
    run.turn("a", usage=Usage(cost_usd=1.5))
    run.collected("a")
    run.checked("a", True)
    run.ended("a", usage=Usage(cost_usd=1.5))
    run.conflict("a", "f.py")
    run.batch_built()
    assert run.status("a") is TaskStatus.FAILED


def test_what_most_wait_for_starts_first() -> None:
    run = Story(
        task("x"), task("y", "x"), task("p"), task("q", "p"), task("r", "p"), task("s", "p"), team=("ada",)
    )
    assert starts(run.first) == ["p"]


def test_a_command_that_always_says_not_now_is_not_started_all_the_time() -> None:
    run = Story(task("a"), retry_seconds=0.0)
    assert pause_of(run.state, None, "nonce") >= run.state.at + 0.75


def test_a_reset_in_a_thousand_years_is_not_believed() -> None:
    run = Story(task("a"), continues=True, retry_seconds=5.0)
    run.ready("a")
    run.turn("a", live=False, error="The limit is reached.", limit="usage", resets_at=1.8e12)
    (paused,) = run.events(e.TeamPaused)
    assert isinstance(paused, e.TeamPaused)
    assert not paused.resets and paused.until < run.now + 100


def test_a_session_that_ended_for_want_of_money_did_not_fail() -> None:
    run = Story(task("a"), continues=True, attempts=1, budget_usd=1.0)
    run.ready("a")
    run.turn("a", live=False, error="The budget is used up.", usage=Usage(cost_usd=1.0))
    assert run.collected("a") == [a.EndAttempt("a", 1, interrupt=True)]
    run.ended("a", interrupted=True, commit="half", session="s", usage=Usage(cost_usd=1.0))
    assert run.state.outcome == "stopped" and run.state.reason == "the budget is spent"
    assert run.state.tasks["a"].tries == 0 and run.state.tasks["a"].why == "continued"
