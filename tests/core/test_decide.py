"""Playbooks: an event in, the actions that follow out."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import RunSettings, Task, Usage, Verdict
from workbench.core.state import Phase, TaskStatus
from workbench.testing.playbook import Playbook, started

T = TaskStatus


def task(name: str, *after: str, **values: object) -> Task:
    return Task.model_validate({"id": name, "title": f"Do {name}", "after": after, **values})


def verdict(tree: str, green: bool = True, gate: str = "test") -> Verdict:
    return Verdict(
        tree=tree, gate=gate, environment="env", green=green, seconds=1.0, output="" if green else "1 failed"
    )


class Run(Playbook):
    """A run under way, with words for what teammates do."""

    def __init__(self, *tasks: Task, team: tuple[str, ...] = ("ada", "bob"), **values: object) -> None:
        super().__init__()
        settings = RunSettings.model_validate({"team": team, "gates": ("test",), **values})
        assert self.send(started(tasks, settings)) == [a.CheckBase()]
        self.first = self.send(e.BaseChecked(verdicts=(verdict("tree-base"),)))

    def ready(self, name: str, attempt: int = 1) -> list[a.Action]:
        mate = self.state.attempts[name, attempt].teammate
        self.send(e.WorktreeReady(teammate=mate, path=f"/w/{mate}", branch=mate, seconds=0.1))
        return self.send(e.AgentStarted(task=name, attempt=attempt, pid=1))

    def mark(self, name: str, kind: str, note: str = "", attempt: int = 1, to: str = "") -> list[a.Action]:
        place = f"m{len(self.log)}"
        return self.send(
            e.MarkerReceived(task=name, attempt=attempt, name=place, kind=kind, note=note, to=to)
        )

    def turn(self, name: str, attempt: int = 1, live: bool = True, **values: object) -> list[a.Action]:
        return self.send(
            e.TurnEnded.model_validate({"task": name, "attempt": attempt, "live": live, **values})
        )

    def collected(self, name: str, attempt: int = 1, tree: str = "", **values: object) -> list[a.Action]:
        fields = {"commit": f"{name}{attempt}", "tree": tree or f"tree-{name}{attempt}", "pin": "p"}
        return self.send(
            e.WorkCollected.model_validate(
                {"task": name, "attempt": attempt, "changed": True, "snapshot": False, **fields, **values}
            )
        )

    def checked(self, name: str, green: bool, attempt: int = 1) -> list[a.Action]:
        commit = f"{name}{attempt}"
        return self.send(
            e.WorkChecked(
                task=name, attempt=attempt, commit=commit, verdicts=(verdict(f"tree-{commit}", green),)
            )
        )

    def ended(self, name: str, attempt: int = 1, **values: object) -> list[a.Action]:
        mate = self.state.attempts[name, attempt].teammate
        return self.send(
            e.AttemptEnded.model_validate({"task": name, "attempt": attempt, "teammate": mate, **values})
        )

    def deliver(self, name: str, attempt: int = 1) -> list[a.Action]:
        self.mark(name, "done", attempt=attempt)
        self.turn(name, attempt)
        self.collected(name, attempt)
        actions = self.checked(name, True, attempt)
        self.ended(name, attempt)
        return actions

    def candidate(self, name: str, tree: str = "") -> list[a.Action]:
        commit = f"L-{name}"
        return self.send(
            e.CandidateMade(task=name, parent=self.state.tip, commit=commit, tree=tree or f"tree-{commit}")
        )

    def land(self, name: str) -> list[a.Action]:
        self.candidate(name)
        self.send(e.CandidateChecked(task=name, commit=f"L-{name}", verdicts=(verdict(f"tree-L-{name}"),)))
        return self.landed(name)

    def landed(self, name: str, files: tuple[str, ...] = ()) -> list[a.Action]:
        attempt = self.state.tasks[name].delivered_by
        return self.send(
            e.TaskLanded(
                task=name, attempt=attempt, commit=f"L-{name}", parent=self.state.tip, tree="", files=files
            )
        )

    def status(self, name: str) -> TaskStatus:
        return self.state.tasks[name].status


def test_the_happy_path() -> None:
    run = Run(task("a"), task("b", "a"), team=("ada",))
    assert run.first == [a.StartAttempt("a", "ada", 1, "first")]
    assert run.ready("a") == []
    assert run.mark("a", "progress") == []
    assert run.mark("a", "done") == []
    assert run.turn("a") == [a.CollectWork("a", 1)]
    assert run.collected("a") == [a.CheckWork("a", 1, "a1", "tree-a1", ("test",))]
    assert run.checked("a", True) == [a.BuildCandidate("a", "a1"), a.EndAttempt("a", 1)]
    assert run.ended("a") == []
    assert run.candidate("a") == [a.CheckCandidate("a", "L-a", "tree-L-a", ("test",))]
    publish = run.send(e.CandidateChecked(task="a", commit="L-a", verdicts=(verdict("tree-L-a"),)))
    assert publish == [a.Publish("a", 1, "L-a", "base", "tree-L-a")]
    assert run.landed("a") == [a.StartAttempt("b", "ada", 1, "first")]
    assert run.log[-1].event.start == "L-a"  # type: ignore[attr-defined]
    run.deliver("b")
    assert run.land("b") == [a.Tidy()]
    assert run.state.outcome == "landed"


def test_a_tree_that_is_known_green_is_not_checked_again() -> None:
    run = Run(task("a"))
    run.turn("a", live=False)
    assert run.collected("a", tree="tree-base") == [a.BuildCandidate("a", "a1"), a.EndAttempt("a", 1)]
    assert run.candidate("a", tree="tree-base") == [a.Publish("a", 1, "L-a", "base", "tree-base")]


def test_a_tree_that_was_red_is_checked_again() -> None:
    run = Run(task("a"))
    run.mark("a", "done")
    run.turn("a")
    run.collected("a")
    run.checked("a", False)
    run.mark("a", "done")
    run.turn("a")
    assert run.collected("a") == [a.CheckWork("a", 1, "a1", "tree-a1", ("test",))]


def test_a_red_base_refuses_the_run() -> None:
    run = Playbook()
    run.send(started([task("a")], RunSettings(team=("ada",), gates=("test",))))
    assert run.send(e.BaseChecked(verdicts=(verdict("tree-base", green=False),))) == []
    assert run.state.outcome == "refused"
    assert "`test` is red on the base" in run.state.reason


def test_done_without_a_change_is_told_once_and_then_fails() -> None:
    run = Run(task("a", attempts=1))
    run.mark("a", "done")
    run.turn("a")
    assert run.collected("a", changed=False) == [a.Tell("a", 1, "no_change")]
    run.mark("a", "done")
    assert run.turn("a") == [a.CollectWork("a", 1)]
    assert run.collected("a", changed=False) == [a.EndAttempt("a", 1)]
    assert "no change" in run.state.tasks["a"].reason


def test_red_output_goes_back_into_the_session_until_repairs_are_spent() -> None:
    run = Run(task("a"), team=("ada",), repairs=1, attempts=2)
    run.mark("a", "done")
    run.turn("a")
    run.collected("a")
    told = run.checked("a", False)
    assert told == [a.Tell("a", 1, "gate_red", {"command": "test", "exit_code": None, "output": "1 failed"})]
    run.mark("a", "done")
    run.turn("a")
    run.collected("a")
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
    run = Run(task("a"))
    assert run.turn("a") == [a.Tell("a", 1, "ask_done")]
    assert run.turn("a") == [a.CollectWork("a", 1)]
    run.collected("a")
    actions = run.checked("a", green)
    if green:
        assert actions == [a.BuildCandidate("a", "a1"), a.EndAttempt("a", 1)]
    else:
        assert actions == [a.EndAttempt("a", 1)]
        assert run.events(e.AttemptFailed)


def test_a_blocked_task_holds_all_that_waits_for_it_with_reasons() -> None:
    run = Run(task("a"), task("b", "a"), task("c", "b"), task("d"))
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


def test_a_retry_waits_for_the_teammate_that_is_just_closing() -> None:
    run = Run(task("a"))
    run.turn("a", live=False, error="it crashed")
    assert run.collected("a") == [a.EndAttempt("a", 1)]
    assert run.ended("a") == [a.StartAttempt("a", "ada", 2, "retry", "a1")]


def test_a_conflict_becomes_a_fixup_by_whom_made_it_with_both_sides_named() -> None:
    run = Run(task("a"), task("b"), task("x"), team=("ada", "bob", "cy"))
    for name in "abx":
        run.deliver(name)
    run.candidate("a")
    run.send(e.CandidateChecked(task="a", commit="L-a", verdicts=(verdict("tree-L-a"),)))
    assert run.landed("a", files=("f.py",)) == [a.BuildCandidate("b", "b1")]
    actions = run.send(e.ConflictFound(task="b", parent="L-a", paths=("f.py",), hunks="<<<<"))
    assert actions == [a.StartAttempt("b", "bob", 2, "conflict", "b1"), a.BuildCandidate("x", "x1")]
    standing = run.state.tasks["b"]
    assert (standing.others, standing.conflicts, standing.evidence) == (("a",), ("f.py",), "<<<<")


def test_fixups_are_bounded_and_then_the_task_fails() -> None:
    run = Run(task("a", attempts=1), team=("ada",))
    run.deliver("a")
    assert run.send(e.ConflictFound(task="a", parent="base", paths=("f",))) == [
        a.StartAttempt("a", "ada", 2, "conflict", "a1")
    ]
    run.deliver("a", 2)
    run.send(e.ConflictFound(task="a", parent="base", paths=("f",)))
    assert run.status("a") is T.FAILED
    assert run.state.outcome == "incomplete"


def test_a_clean_merge_that_is_red_is_rejected() -> None:
    run = Run(task("a"), team=("ada",))
    run.deliver("a")
    run.candidate("a")
    actions = run.send(
        e.CandidateChecked(task="a", commit="L-a", verdicts=(verdict("tree-L-a", green=False),))
    )
    assert actions == [a.StartAttempt("a", "ada", 2, "rejected", "a1")]
    assert run.state.tasks["a"].evidence == "$ test\n1 failed"


def test_a_lost_publication_is_built_again_on_the_new_tip() -> None:
    run = Run(task("a"))
    run.deliver("a")
    run.candidate("a")
    run.send(e.CandidateChecked(task="a", commit="L-a", verdicts=(verdict("tree-L-a"),)))
    assert run.send(e.PublicationLost(task="a", expected="base", found="moved")) == [
        a.BuildCandidate("a", "a1")
    ]
    assert run.state.tip == "moved"


def test_an_integration_branch_that_is_gone_does_not_become_the_place_to_start_from() -> None:
    run = Run(task("a"))
    run.deliver("a")
    run.candidate("a", tree="tree-base")
    run.send(e.PublicationLost(task="a", expected="base", found=""))
    assert run.state.tip == "base"


def test_the_budget_starts_nothing_more_and_lands_what_there_is() -> None:
    run = Run(task("a"), task("b"), team=("ada",), budget_usd=1.0)
    run.mark("a", "done")
    run.turn("a", usage=Usage(cost_usd=1.0))
    run.collected("a")
    assert run.checked("a", True) == [a.BuildCandidate("a", "a1"), a.EndAttempt("a", 1)]
    assert run.ended("a") == []
    run.land("a")
    assert (run.state.outcome, run.state.reason) == ("stopped", "the budget is spent")
    assert run.send(e.RunResumed(pid=1, budget_usd=5.0)) == [a.StartAttempt("b", "ada", 1, "first")]


def test_a_refused_login_stops_everyone_and_burns_no_attempt() -> None:
    run = Run(task("a"), task("b"))
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


def phases(run: Run, phase: Phase) -> None:
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
    run = Run(task("a"), team=("ada",), continues=True)
    run.ready("a")
    phases(run, phase)
    assert run.send(e.StopRequested(reason="asked to")) == [a.EndAttempt("a", 1, interrupt=True)]
    assert run.send(e.StopRequested(reason="again")) == []
    assert run.ended("a", interrupted=True, commit="half", session="s") == []
    assert run.state.outcome == "stopped"
    assert run.send(e.RunResumed(pid=1)) == [a.StartAttempt("a", "ada", 2, "continued", "half", "s")]


def test_an_attempt_cut_short_before_its_worktree_was_there_starts_afresh() -> None:
    run = Run(task("a"), team=("ada",), continues=True)
    run.send(e.StopRequested(reason="asked to"))
    run.ended("a", interrupted=True)
    assert run.send(e.RunResumed(pid=1)) == [a.StartAttempt("a", "ada", 2, "first")]


def test_work_that_was_delivered_stays_so_when_a_stop_comes() -> None:
    run = Run(task("a"), team=("ada",))
    phases(run, Phase.CLOSING)
    assert run.send(e.StopRequested(reason="x")) == [
        a.EndAttempt("a", 1, interrupt=True),
        a.DropLanding("a"),
    ]
    run.send(e.LandingDropped(task="a"))
    run.ended("a", interrupted=True)
    assert (run.state.outcome, run.status("a")) == ("stopped", T.DELIVERED)
    assert run.send(e.RunResumed(pid=1)) == [a.BuildCandidate("a", "a1")]


@pytest.mark.parametrize("phase", ["building", "checking", "publishing"])
def test_a_stop_during_a_landing(phase: str) -> None:
    run = Run(task("a"), task("b", "a"), team=("ada",))
    run.deliver("a")
    if phase != "building":
        run.candidate("a")
    if phase == "publishing":
        run.send(e.CandidateChecked(task="a", commit="L-a", verdicts=(verdict("tree-L-a"),)))
    assert run.send(e.StopRequested(reason="asked to")) == [a.DropLanding("a")]
    if phase == "building":
        assert run.candidate("a") == [], "what comes late is ignored"
    if phase == "publishing":
        run.landed("a")
        assert run.send(e.RunResumed(pid=1)) == [a.StartAttempt("b", "ada", 1, "first")]
    else:
        run.send(e.LandingDropped(task="a"))
        assert run.state.outcome == "stopped"
        assert run.send(e.RunResumed(pid=1)) == [a.BuildCandidate("a", "a1")]


def test_a_stop_while_the_base_is_checked() -> None:
    run = Playbook()
    run.send(started([task("a")], RunSettings(team=("ada",), gates=("test",))))
    run.send(e.StopRequested(reason="asked to"))
    assert run.state.outcome == "stopped"
    assert run.send(e.RunResumed(pid=1)) == [a.CheckBase()]


def test_turns_that_end_late_change_nothing_but_whether_it_lives() -> None:
    run = Run(task("a", attempts=1))
    run.mark("a", "done")
    run.turn("a")
    assert run.turn("a") == []
    run.collected("a")
    assert run.turn("a", live=False) == []
    assert run.checked("a", False) == [a.EndAttempt("a", 1)], "nobody is left to repair it"


@pytest.mark.parametrize("what", ["collected", "checked"])
def test_work_that_comes_in_after_its_attempt_was_given_up_is_only_noted(what: str) -> None:
    run = Run(task("a"), team=("ada",))
    phases(run, Phase.TURN_OVER if what == "collected" else Phase.COLLECTED)
    broke = e.EffectFailed(action="StartAttempt", error="broke", task="a", attempt=1)
    assert run.send(broke) == [a.EndAttempt("a", 1)]
    assert (run.collected("a") if what == "collected" else run.checked("a", True)) == []
    assert run.send(broke) == []
    assert run.ended("a")[0] == a.StartAttempt("a", "ada", 2, "retry", None if what == "collected" else "a1")


def test_a_fixup_that_never_got_going_keeps_carrying_the_delivered_work() -> None:
    run = Run(task("a"), team=("ada",))
    run.deliver("a")
    run.send(e.ConflictFound(task="a", parent="base", paths=("f",)))
    run.send(e.EffectFailed(action="StartAttempt", error="broke", task="a", attempt=2))
    assert run.ended("a", 2) == [a.StartAttempt("a", "ada", 3, "retry", "a1")]


def test_unresolved_conflict_markers_go_back_into_the_session() -> None:
    run = Run(task("a"))
    run.mark("a", "done")
    run.turn("a")
    assert run.collected("a", unresolved=("f",)) == [a.Tell("a", 1, "unresolved", {"paths": ("f",)})]


def test_messages_are_told_in_order_and_only_to_those_at_work() -> None:
    run = Run(task("a"), task("b"))
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
    run = Run(task("a"), task("b", "a"))
    assert run.mark("a", "message", "hello", to="bob") == []
    run.mark("a", "blocked", "not today")
    run.turn("a")
    run.collected("a")
    run.ended("a")
    assert [letter.text for letter in run.state.teammates["bob"].unread] == ["hello"]


def test_questions_and_quarantined_markers_are_answered() -> None:
    run = Run(task("a"))
    assert run.mark("a", "question", "which one?") == [a.Tell("a", 1, "answer", {"question": "which one?"})]
    aside = e.MarkerQuarantined(task="a", attempt=1, name="x", reason="forged")
    assert run.send(aside) == [a.Tell("a", 1, "quarantine", {"name": "x", "reason": "forged"})]
    run.turn("a")
    run.turn("a")
    assert run.send(aside) == []
    assert run.mark("a", "question", "late?") == []


@pytest.mark.parametrize("action", ["Landing", "Publish"])
def test_a_landing_that_could_not_be_made_is_rejected(action: str) -> None:
    run = Run(task("a"), team=("ada",))
    run.deliver("a")
    failed = e.EffectFailed(action=action, error="no space", task="a")
    assert run.send(failed) == [a.StartAttempt("a", "ada", 2, "rejected", "a1")]
    assert run.send(failed) == [], "it is not being landed any more"


def test_a_worktree_that_holds_other_work_by_now_is_not_gone_on_in() -> None:
    run = Run(task("a"), task("b"), team=("ada",), continues=True)
    run.ready("a")
    run.send(e.StopRequested(reason="x"))
    run.ended("a", interrupted=True, commit="half-a", session="s")
    run.send(e.RunResumed(pid=1))
    # Attempt 2 at a dies before its worktree was there; meanwhile ada's worktree holds something else.
    run.state.teammates["ada"].held = "b"
    run.send(e.StopRequested(reason="x"))
    run.ended("a", 2, interrupted=True, commit="half-a", session="s")
    assert run.send(e.RunResumed(pid=1)) == [a.StartAttempt("a", "ada", 3, "retry", "half-a")]
