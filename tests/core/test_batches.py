"""Playbooks of batches: what lands together, who steps aside, who is to blame and who is not."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import Task
from workbench.core.state import TaskStatus
from workbench.testing.story import Story, task

T = TaskStatus


def waiting(*tasks: Task, size: int = 4, most: int = 8, busy: str = "", **values: object) -> Story:
    """A run whose tasks are all in one landing that is being built, behind a ``first`` that landed; but
    ``busy`` is still at work, and what waits for others still waits."""
    team = tuple(f"m-{it.id}" for it in (task("first"), *tasks))
    run = Story(task("first", priority=9), *tasks, team=team, batch=most, **values)
    run.deliver("first")
    for it in tasks:
        if it.id != busy and not it.after:
            run.deliver(it.id)
    run.state.batch = size - 1  # the first landing, being green, adds one
    run.land("first")
    assert run.state.landing is not None
    return run


def names(actions: list[a.Action]) -> list[tuple[str, ...]]:
    """The batches that are to be built."""
    return [action.tasks for action in actions if isinstance(action, a.BuildBatch)]


def check(name: str, *gates: str) -> a.CheckCandidate:
    return a.CheckCandidate(name, f"L-{name}", f"tree-L-{name}", gates or ("test",))


def published(actions: list[a.Action]) -> list[str]:
    """Who is published together."""
    return [it.task for action in actions if isinstance(action, a.Publish) for it in action.candidates]


def test_three_green_tasks_cost_one_gate_run_and_one_publication() -> None:
    run = waiting(task("a"), task("b"), task("c"))
    runs = run.state.gate_runs
    assert run.built("a", "b", "c") == [check("c")]
    assert run.gated("c", True) == [
        a.Publish(
            (
                a.Candidate("a", 1, "L-first", "L-a", "tree-L-a"),
                a.Candidate("b", 1, "L-a", "L-b", "tree-L-b"),
                a.Candidate("c", 1, "L-b", "L-c", "tree-L-c"),
            )
        )
    ]
    assert run.landed("a") == run.landed("b") == []
    assert run.landed("c") == [a.Tidy()]
    assert run.state.gate_runs == runs + 1
    assert [(it.task, it.parent) for it in run.state.landings[1:]] == [
        ("a", "L-first"), ("b", "L-a"), ("c", "L-b"),
    ]  # fmt: skip


def test_what_waits_starts_from_the_published_tip_and_not_from_the_middle_of_a_batch() -> None:
    run = waiting(task("a"), task("b"), task("after-a", "a"))
    run.built("a", "b")
    run.gated("b", True)
    assert run.landed("a") == []
    assert run.status("after-a") is T.READY
    assert [action.task for action in run.landed("b") if isinstance(action, a.StartAttempt)] == ["after-a"]
    assert run.state.attempts["after-a", 1].start == "L-b"


def test_a_conflict_with_what_has_not_landed_is_put_off_and_blamed_only_when_it_has() -> None:
    run = waiting(task("a"), task("b"), task("c"))
    run.made("a")
    assert run.conflict("b", "f") == []
    assert (run.status("b"), run.state.tasks["b"].fixups) == (T.DELIVERED, 0)
    assert run.events(e.TaskDeferred) == [e.TaskDeferred(task="b", why="conflict")]
    run.made("c")
    assert run.batch_built() == [check("c")]
    assert published(run.gated("c", True)) == ["a", "c"]
    run.landed("a", files=("f",))
    assert names(run.landed("c", files=("g",))) == [("b",)]
    assert run.conflict("b", "f", hunks="<<<<") == [a.StartAttempt("b", "m-b", 2, "conflict", "b1")]
    assert run.state.tasks["b"].others == ("a",)
    assert run.batch_built() == []


def test_a_put_off_task_may_turn_out_to_merge_after_all() -> None:
    run = waiting(task("a"), task("b"))
    run.made("a")
    run.conflict("b", "f")
    run.batch_built()
    run.gated("a", False)
    run.gated("a", False)
    actions = run.gated("base", True)
    assert names(actions) == [("b",)], "what it collided with was sent back"
    assert run.built("b") == [check("b")]


def test_when_all_step_aside_the_landing_is_over() -> None:
    run = waiting(task("a"))
    run.conflict("a", "f")
    assert run.state.landing is not None
    run.batch_built()
    assert run.state.landing is None


def test_red_then_green_on_the_same_tree_is_a_flake_and_lands() -> None:
    run = waiting(task("a"), task("b"))
    run.built("a", "b")
    assert run.gated("b", False, output="timed out") == [check("b")]
    assert published(run.gated("b", True)) == ["a", "b"]
    assert run.events(e.FlakeSeen) == [e.FlakeSeen(task="b", gate="test", evidence="timed out")]
    assert run.state.flakes == {"test": 1}
    assert run.events(e.TaskRejected) == []


def test_another_gate_that_is_red_the_second_time_is_run_again_too() -> None:
    run = waiting(task("a"), gates=("lint", "test"))
    assert run.built("a") == [check("a", "lint", "test")]
    assert run.gated("a", False, "lint") == [check("a", "lint", "test")]
    assert run.gated("a", False, "lint", "test") == [check("a", "test")]
    assert run.state.flakes == {"lint": 1}
    assert published(run.gated("a", True, "test")) == ["a"]
    assert run.state.flakes == {"lint": 1, "test": 1}
    assert run.events(e.TaskRejected) == []


def test_red_twice_finds_the_culprit_lands_what_is_green_before_it_and_puts_off_the_rest() -> None:
    run = waiting(task("a"), task("b"), task("c"), task("d"))
    run.built("a", "b", "c", "d")
    run.gated("d", False)
    assert run.gated("d", False) == [check("b")]
    assert run.gated("b", True) == [check("c")]
    assert run.gated("c", False, output="first of c") == [check("c")]
    actions = run.gated("c", False, output="second of c")
    assert published(actions) == ["a", "b"]
    assert run.events(e.TaskRejected) == [
        e.TaskRejected(task="c", evidence="$ test\nsecond of c", others=("first", "a", "b"), gate="test")
    ]
    assert [action for action in actions if isinstance(action, a.FindPair)] == [
        a.FindPair(
            "c",
            "c1",
            "test",
            (a.Side("first", "first1", "L-first"), a.Side("a", "a1", "L-a"), a.Side("b", "b1", "L-b")),
            (2,),
            evidence="$ test\nsecond of c",
        )
    ]
    assert (run.status("c"), run.status("d")) == (T.REJECTED, T.DELIVERED)
    assert run.state.tasks["d"].fixups == 0
    run.landed("a")
    assert run.landed("b") == [a.BuildBatch(("d",), ("d1",))], "c waits to hear what it collides with"
    actions = run.paired("c", "b")
    assert actions == [a.StartAttempt("c", "m-c", 2, "rejected", "c1")]
    assert run.state.tasks["c"].others == ("b",)
    assert run.state.attempts["c", 2].start == "L-b", "on top of those it is red together with"


def test_a_fixup_waits_for_the_publication_of_the_other_side_whatever_else_happens() -> None:
    run = waiting(task("a"), task("b"), task("x"), busy="x")
    run.built("a", "b")
    run.gated("b", False)
    run.gated("b", False)
    run.gated("a", True)
    run.mark("x", "blocked", "cannot")
    run.turn("x")
    assert run.collected("x") == [a.EndAttempt("x", 1)]
    assert run.ended("x") == []
    assert run.status("b") is T.REJECTED
    run.paired("b", "a")
    assert run.status("b") is T.REJECTED, "a is just being published"
    lost = run.send(e.PublicationLost(expected="L-first", found="moved"))
    assert lost == [a.BuildBatch(("a",), ("a1",))], "a is to be published anew"
    run.built("a", a="tree-on-moved")
    run.gated("a", False)
    run.gated("a", False)
    sent_back = run.gated("base", True)
    assert a.StartAttempt("b", "m-b", 2, "rejected", "b1") in sent_back, "it does not wait for ever"
    assert run.state.attempts["b", 2].start == "moved"


def test_the_evidence_is_the_culprits_own_and_not_that_of_a_flake_on_the_way() -> None:
    run = waiting(task("a"), task("b"), task("c"))
    run.built("a", "b", "c")
    run.gated("c", False)
    assert run.gated("c", False, output="c is broken") == [check("a")]
    run.gated("a", False, output="a flake")
    assert run.gated("a", True) == [check("b")]
    assert published(run.gated("b", True)) == ["a", "b"]
    (rejected,) = run.events(e.TaskRejected)
    assert isinstance(rejected, e.TaskRejected)
    assert (rejected.task, rejected.evidence) == ("c", "$ test\nc is broken")
    assert run.state.flakes == {"test": 1}


def test_the_first_is_blamed_only_on_a_base_that_is_gated_anew() -> None:
    run = waiting(task("a"), task("b"))
    run.built("a", "b")
    run.gated("b", False)
    assert run.gated("b", False) == [check("a")]
    run.gated("a", False)
    assert run.gated("a", False) == [a.CheckCandidate("a", "L-first", "tree-L-first", ("test",))]
    assert (run.status("a"), run.status("b")) == (T.LANDING, T.LANDING)
    actions = run.gated("base", True)
    assert published(actions) == [] and names(actions) == [("b",)]
    assert (run.status("a"), run.status("b")) == (T.RUNNING, T.LANDING)
    assert run.state.tasks["a"].others == ("first",)


def test_a_base_that_is_red_stops_the_run_blames_nobody_and_can_be_gone_on_from() -> None:
    run = waiting(task("a"), task("b"))
    run.built("a", "b")
    run.gated("b", False)
    run.gated("b", False)
    run.gated("a", False)
    run.gated("a", False)
    assert run.gated("base", False) == [a.CheckCandidate("a", "L-first", "tree-L-first", ("test",))]
    assert run.gated("base", False) == [a.DropLanding()]
    run.send(e.LandingDropped())
    assert run.state.outcome == "stopped"
    assert "`test` is red on L-first" in run.state.reason
    assert run.events(e.TaskRejected) == []
    assert {run.status(name) for name in "ab"} == {T.DELIVERED}
    assert names(run.send(e.RunResumed(pid=1))) == [("a", "b")]
    assert run.built("a", "b") == [check("b")], "a red verdict is not believed for ever"
    assert published(run.gated("b", True)) == ["a", "b"]


def test_a_base_that_is_red_once_and_then_green_is_a_flake() -> None:
    run = waiting(task("a"))
    run.built("a")
    run.gated("a", False)
    run.gated("a", False)
    run.gated("base", False)
    run.gated("base", True)
    assert run.state.flakes == {"test": 1}
    assert len(run.events(e.TaskRejected)) == 1


def test_a_gate_of_its_own_that_is_red_blames_the_change_and_not_the_base() -> None:
    """Such a gate may well need the very change: red on the base it would say nothing."""
    run = waiting(task("a", gates=("own",)))
    assert run.built("a") == [check("a", "test", "own")]
    assert run.gated("a", False, "test", "own") == [check("a", "own")]
    actions = run.gated("a", False, "own")
    assert not [action for action in actions if isinstance(action, a.CheckCandidate)]
    (rejected,) = run.events(e.TaskRejected)
    assert isinstance(rejected, e.TaskRejected) and rejected.evidence.startswith("$ own")
    assert run.state.stopping == ""


def test_a_gate_of_something_that_landed_is_asked_of_the_base() -> None:
    run = Story(task("a", gates=("own",)), task("b", gates=("own",)))
    run.deliver("a")
    run.deliver("b")
    run.built("a")
    run.gated("a", True, "test", "own")
    run.landed("a")
    run.built("b")
    run.gated("b", False, "test", "own")
    assert run.gated("b", False, "own") == [a.CheckCandidate("b", "L-a", "tree-L-a", ("own",))]


def test_the_gates_of_all_in_the_batch_are_run_on_it_and_of_a_prefix_on_that() -> None:
    run = waiting(task("a", gates=("of a", "both")), task("b", gates=("of b", "both")), task("c"))
    assert run.built("a", "b", "c") == [check("c", "test", "of a", "both", "of b")]
    run.gated("c", False)
    assert run.gated("c", False) == [check("a", "test", "of a", "both")]
    assert run.gated("a", True, "test", "of a", "both") == [check("b", "test", "of a", "both", "of b")]


def test_a_prefix_whose_tree_is_proven_is_not_gated_again() -> None:
    run = waiting(task("a"), task("b"))
    run.built("a", "b", a="tree-L-first")  # a changes nothing
    run.gated("b", False)
    runs = run.state.gate_runs
    assert published(run.gated("b", False)) == ["a"], "the prefix a is the tip's own tree"
    assert run.state.gate_runs == runs + 1
    assert run.state.tasks["b"].status is T.REJECTED


def test_a_batch_that_is_the_tips_own_tree_is_published_without_a_gate() -> None:
    run = waiting(task("a"))
    assert published(run.built("a", a="tree-L-first")) == ["a"]


def test_a_change_that_changes_nothing_is_not_blamed_for_a_flaky_tree() -> None:
    """Red twice as a, green as the base: but they are the same tree."""
    run = waiting(task("a"), task("b"))
    run.send(e.PublicationLost(expected="L-first", found="moved"))  # a tip that nobody has gated
    run.built("a", a="tree-moved")
    run.gated("a", False)
    run.gated("a", False)
    assert published(run.gated("base", True)) == ["a"]
    assert run.events(e.TaskRejected) == [] and run.state.flakes == {"test": 1}


def test_an_acquittal_by_one_gate_says_nothing_of_the_others() -> None:
    run = waiting(task("a"), gates=("lint", "test"))
    run.send(e.PublicationLost(expected="L-first", found="moved"))
    run.built("a", a="tree-moved")
    run.gated("a", False, "lint")
    run.gated("a", False, "lint")
    (again,) = run.gated("base", True, "lint")
    assert again == a.CheckCandidate("a", "L-a", "tree-moved", ("test",))
    run.gated("a", False, "test")
    assert run.gated("a", False, "test") == [a.CheckCandidate("a", "moved", "tree-moved", ("test",))]
    run.gated("base", False, "test")
    assert run.gated("base", False, "test") == [a.DropLanding()]
    assert run.events(e.TaskRejected) == []


def test_two_prefixes_of_one_tree_are_red_or_green_together() -> None:
    run = waiting(task("a"), task("b"), task("c"))
    run.built("a", "b", "c", b="tree-L-a", c="tree-L-a")
    run.gated("c", False)
    run.gated("c", False)
    assert published(run.gated("a", True)) == ["a", "b", "c"]
    assert run.events(e.TaskRejected) == [] and run.state.flakes == {"test": 1}


def test_a_lost_publication_puts_all_back_and_builds_on_the_new_tip() -> None:
    run = waiting(task("a"), task("b"))
    run.built("a", "b")
    run.gated("b", True)
    assert names(run.send(e.PublicationLost(expected="L-first", found="moved"))) == [("a", "b")]
    assert run.state.tip == "moved"
    assert run.state.tasks["a"].fixups == run.state.trouble == 0


def test_a_failure_of_ours_puts_all_back() -> None:
    run = waiting(task("a"), task("b"))
    run.made("a")
    assert names(run.send(e.EffectFailed(action="Landing", error="broke"))) == [("a", "b")]
    assert run.built("a", "b") == [check("b")]


def test_the_batch_grows_by_one_when_green_and_is_halved_when_red() -> None:
    run = waiting(task("a"), task("b"), task("c"), size=4, most=5)
    assert run.state.batch == 4
    run.built("a", "b", "c")
    run.gated("c", False)
    run.gated("c", False)
    run.gated("a", True)
    run.gated("b", False)
    assert published(run.gated("b", False)) == ["a"]
    assert run.state.batch == 2
    run.landed("a")
    assert run.state.batch == 2, "the green part of a red batch is no reason to grow"
    run.land("c")
    assert run.state.batch == 3


def test_the_batch_size_has_bounds() -> None:
    run = waiting(task("a"), task("b"), size=2, most=2)
    run.built("a", "b")
    run.gated("b", True)
    run.landed("a")
    run.landed("b")
    assert run.state.batch == 2
    run = waiting(task("a"), size=1, most=8)
    run.built("a")
    run.gated("a", False)
    run.gated("a", False)
    run.gated("base", True)
    assert run.state.batch == 1
    assert Story(task("a"), batch=2).state.batch == 2
    assert Story(task("a"), batch=100).state.batch == 4


STAGES = ["taken", "made", "put off", "built", "doubted", "searching", "base", "base doubted"]


def at(stage: str) -> Story:
    """A batch of three brought to a stage."""
    run = waiting(task("a"), task("b"), task("c"))
    place = STAGES.index(stage)
    steps = (
        lambda: run.made("a"),
        lambda: run.conflict("b", "f"),
        lambda: [run.made("c"), run.batch_built()],
        lambda: run.gated("c", False),
        lambda: run.gated("c", False),
        lambda: [run.gated("a", False), run.gated("a", False)],
        lambda: run.gated("base", False),
    )
    for step in steps[:place]:
        step()
    return run


@pytest.mark.parametrize("stage", STAGES)
def test_a_stop_at_any_stage_puts_all_back_unblamed(stage: str) -> None:
    run = at(stage)
    assert run.send(e.StopRequested(reason="asked to")) == [a.DropLanding()]
    run.send(e.LandingDropped())
    assert run.state.outcome == "stopped"
    assert {run.status(name) for name in "abc"} == {T.DELIVERED}
    assert names(run.send(e.RunResumed(pid=1))) == [("a", "b", "c")]


@pytest.mark.parametrize("stage", STAGES)
def test_what_was_under_way_when_a_stop_comes_is_noted_and_nothing_follows(stage: str) -> None:
    run = at(stage)
    run.send(e.StopRequested(reason="asked to"))
    if stage in ("taken", "made", "put off"):
        if stage == "taken":
            assert run.made("a") == []
        if stage != "put off":
            assert run.conflict("b", "f") == []
        assert run.batch_built() == []
    elif stage.startswith("base"):
        assert run.gated("base", stage == "base") == []
    else:
        assert run.gated("a" if stage == "searching" else "c", stage == "built") == []
    assert run.send(e.EffectFailed(action="Landing", error="cut short")) == []
    run.send(e.LandingDropped())
    assert (run.state.outcome, run.events(e.TaskRejected)) == ("stopped", [])


@pytest.mark.parametrize("stage", STAGES)
def test_a_kill_at_any_stage_starts_the_batch_over(stage: str) -> None:
    run = at(stage)
    run.restart()
    run.note(e.LandingDropped())
    assert names(run.send(e.RunResumed(pid=1))) == [("a", "b", "c")]
    run.built("a", "b", "c")
    assert published(run.gated("c", True)) == ["a", "b", "c"]


@pytest.mark.parametrize("told", [0, 1, 2])
def test_a_kill_after_the_branch_has_moved_lands_what_it_holds(told: int) -> None:
    """Two of three were green; some of their landings were in the log already."""
    run = waiting(task("a"), task("b"), task("c"))
    run.built("a", "b", "c")
    run.gated("c", False)
    run.gated("c", False)
    run.gated("a", True)
    assert published(run.gated("b", True)) == ["a", "b"]
    for name in "ab"[:told]:
        run.landed(name)
    if told == 2:
        run.paired("c", "b")
    run.restart()
    for name in "ab"[told:]:
        attempt = run.state.tasks[name].delivered_by
        run.note(e.TaskLanded(task=name, attempt=attempt, commit=f"L-{name}", parent=run.state.tip, tree=""))
    if told == 2:  # the fix-up was on its way
        run.note(e.AttemptEnded(task="c", attempt=2, teammate="m-c", interrupted=True))
    again = run.send(e.RunResumed(pid=1))
    assert [action.task for action in again if isinstance(action, a.StartAttempt)] == ["c"]
    assert run.state.attempts["c", 2 + (told == 2)].start == "L-b"
    assert [it.task for it in run.state.landings] == ["first", "a", "b"]


def test_a_stop_while_the_green_part_is_published_lets_it_land() -> None:
    run = waiting(task("a"), task("b"))
    run.built("a", "b")
    run.gated("b", False)
    run.gated("b", False)
    assert published(run.gated("a", True)) == ["a"]
    assert run.send(e.StopRequested(reason="asked to")) == [a.DropLanding()]
    run.landed("a")
    assert run.state.outcome == "stopped"
    assert [it.task for it in run.state.landings] == ["first", "a"]


# -- where failing tests point, and several gates at once ---------------------------------------------


def test_failing_tests_choose_the_first_split() -> None:
    run = waiting(task("a"), task("b"), task("c"), task("d"))
    for name in "abcd":
        run.made(name, files=(f"src/{name}.py",))
    run.batch_built()
    run.gated("d", False, failing=("tests/test_d.py::test_x",))
    assert run.gated("d", False, failing=("tests/test_d.py::test_x",)) == [check("c")]
    assert published(run.gated("c", True)) == ["a", "b", "c"]
    assert run.status("d") is T.REJECTED
    assert run.state.tasks["d"].failing == ("tests/test_d.py::test_x",)


def failing_much(run: Story) -> None:
    run.state.culprits = 50


def test_where_much_fails_idle_gates_look_at_several_prefixes_at_once() -> None:
    run = waiting(task("a"), task("b"), task("c"), task("d"), gate_slots=2)
    failing_much(run)
    assert run.built("a", "b", "c", "d") == [check("d"), check("b")]
    assert run.gated("b", True) == [], "the whole is still being gated"
    assert published(run.gated("d", True)) == ["a", "b", "c", "d"]


def test_a_green_whole_ends_the_gates_on_its_parts() -> None:
    run = waiting(task("a"), task("b"), task("c"), task("d"), gate_slots=2)
    failing_much(run)
    run.built("a", "b", "c", "d")
    actions = run.gated("d", True)
    assert actions[0] == a.StopChecks(("L-b",))
    assert published(actions) == ["a", "b", "c", "d"]


def test_a_verdict_that_came_before_it_could_be_called_off_changes_nothing() -> None:
    """A gate may end, and say so, between the verdict that makes it needless and the end of it."""
    run = waiting(task("a"), task("b"), task("c"), task("d"), gate_slots=2)
    failing_much(run)
    run.built("a", "b", "c", "d")
    runs = run.state.gate_runs
    assert published(run.gated("d", True)) == ["a", "b", "c", "d"]
    assert run.gated("b", False) == [], "nothing is published twice, and nobody is sent back"
    assert run.state.gate_runs == runs + 2, "it ran all the same"
    for name in "abcd":
        run.landed(name)
    assert run.state.outcome == "landed"


def test_a_check_that_nobody_needs_and_that_breaks_does_not_drop_what_is_published() -> None:
    run = waiting(task("a"), task("b"), task("c"), task("d"), gate_slots=2)
    failing_much(run)
    run.built("a", "b", "c", "d")
    run.gated("d", True)
    assert run.send(e.EffectFailed(action="Landing", error="no more processes")) == []
    assert run.landed("a") == []


def test_gates_that_are_busy_with_single_work_are_not_idle() -> None:
    run = waiting(task("a"), task("b"), task("x"), busy="x", gate_slots=2)
    failing_much(run)
    run.mark("x", "done")
    run.turn("x")
    run.collected("x")
    assert run.built("a", "b") == [check("b")]


def test_where_little_fails_one_gate_is_enough() -> None:
    run = waiting(task("a"), task("b"), task("c"), task("d"), gate_slots=4)
    assert run.built("a", "b", "c", "d") == [check("d")]


# -- semantic conflicts -------------------------------------------------------------------------------------


def test_with_one_other_task_a_semantic_conflict_is_certain_at_once() -> None:
    run = waiting(task("a"), size=1)
    run.built("a")
    run.gated("a", False, failing=("t::x",))
    run.gated("a", False, failing=("t::x",))
    actions = run.gated("base", True)
    assert run.events(e.SemanticConflictFound) == [
        e.SemanticConflictFound(
            task="a", others=("first",), gate="test", tests=("t::x",), certain=True,
            evidence="$ test\n1 failed",
        )
    ]  # fmt: skip
    assert [action.why for action in actions if isinstance(action, a.StartAttempt)] == ["rejected"]


def test_the_run_waits_for_the_search_and_a_resumed_one_does_without() -> None:
    run = waiting(task("a"), task("b"))
    run.built("a", "b")
    run.gated("b", False)
    run.gated("b", False)
    run.gated("a", True)
    assert run.landed("a") == []
    assert run.state.outcome is None and run.status("b") is T.REJECTED
    run.send(e.StopRequested(reason="asked to"))
    assert run.state.outcome == "stopped"
    actions = run.send(e.RunResumed(pid=1))
    assert [action.task for action in actions if isinstance(action, a.StartAttempt)] == ["b"]
    assert run.state.tasks["b"].others == ("first", "a")


# -- resolutions --------------------------------------------------------------------------------


def test_a_resolution_alone_that_is_red_twice_is_thrown_away_without_a_look_at_the_base() -> None:
    run = waiting(task("a"), size=1)
    run.made("a", rung="union", resolved=("f",))
    assert run.batch_built() == [check("a")]
    assert run.gated("a", False) == [check("a")]
    assert names(run.gated("a", False)) == [("a",)]
    assert run.events(e.ResolutionRejected) == [
        e.ResolutionRejected(task="a", rung="union", paths=("f",), evidence="$ test\n1 failed")
    ]
    assert (run.status("a"), run.state.tasks["a"].thrown) == (T.LANDING, ("union",))
    assert run.state.tasks["a"].fixups == 0


def test_what_is_thrown_away_waits_behind_what_was_not_tried_yet() -> None:
    run = waiting(task("a"), task("b"), size=1)
    run.made("a", rung="union", resolved=("f",))
    run.batch_built()
    run.gated("a", False)
    assert names(run.gated("a", False)) == [("b",)]


def test_new_work_begins_the_ladder_anew() -> None:
    run = waiting(task("a"), size=1)
    run.made("a", rung="union", resolved=("f",))
    run.batch_built()
    run.gated("a", False)
    run.gated("a", False)
    run.conflict("a", "f")
    run.deliver("a", 2)
    assert run.state.tasks["a"].thrown == ()


def test_a_fixup_waits_for_its_other_side_when_that_has_to_land_anew() -> None:
    """Else it would begin, and be green, on a tip without what it collides with."""

    def starts(actions: list[a.Action]) -> list[str]:
        return [action.task for action in actions if isinstance(action, a.StartAttempt)]

    for ending in (
        e.PublicationLost(expected="L-first", found="theirs"),
        e.EffectFailed(action="Publish", error="the disk is full"),
    ):
        run = waiting(task("a"), task("b"))
        run.built("a", "b")
        run.gated("b", False)
        run.gated("b", False)
        assert published(run.gated("a", True)) == ["a"]
        assert starts(run.paired("b", "a")) == []
        actions = run.send(ending)
        assert (names(actions), starts(actions)) == ([("a",)], [])
        assert published(run.built("a")) == ["a"], "its tree is proven"
        assert starts(run.landed("a")) == ["b"]
        assert run.state.attempts["b", 2].start == "L-a"
