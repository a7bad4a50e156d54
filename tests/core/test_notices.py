"""Who hears of a conflict to come and of a landing, and what of it is kept."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import PublicChange
from workbench.core.notices import excerpt, own_among
from workbench.errors import IllegalEvent
from workbench.testing.story import Story, task


def at_work(*names: str, team: int = 3) -> Story:
    """A run in which ``names`` are all at work."""
    run = Story(*(task(name) for name in names), team=("ada", "bob", "cy", "dan", "eve")[:team])
    for name in names[:team]:
        run.ready(name)
    return run


def foreseen(run: Story, one: str, other: str, *paths: str) -> list[a.Action]:
    return run.send(e.ConflictForeseen(task=one, other=other, paths=paths or ("f",), hunks="<<<<<<<"))


def told(actions: list[a.Action]) -> list[tuple[str, str]]:
    """Who was told which kind."""
    return [(action.task, action.kind) for action in actions if isinstance(action, a.Tell)]


# -- conflicts foreseen --------------------------------------------------------------------------------


def test_both_hear_of_a_conflict_and_of_whom_it_is_with() -> None:
    run = at_work("a", "b", "c")
    actions = foreseen(run, "a", "b", "f", "g")
    assert told(actions) == [("a", "foreseen"), ("b", "foreseen")]
    first = actions[0]
    assert isinstance(first, a.Tell)
    assert first.values == {
        "other": "b", "title": "Do b", "teammate": "bob", "delivered": False, "paths": ("f", "g"),
        "hunks": "<<<<<<<",
    }  # fmt: skip
    assert run.state.foreseen == {"a": {"b": ("f", "g")}, "b": {"a": ("f", "g")}}


def test_who_reported_done_or_ended_its_turn_is_not_woken() -> None:
    run = at_work("a", "b", "c")
    run.mark("a", "done")
    assert told(foreseen(run, "a", "b")) == [("b", "foreseen")]
    run.turn("b", live=False)
    assert told(foreseen(run, "a", "b", "g")) == []
    assert run.state.foreseen["a"] == {"b": ("g",)}, "the queue knows of it all the same"


def test_work_that_is_delivered_is_named_as_that() -> None:
    run = at_work("a", "b", "c")
    run.deliver("a")
    (tell,) = foreseen(run, "a", "b")
    assert isinstance(tell, a.Tell)
    assert (tell.task, tell.values["teammate"], tell.values["delivered"]) == ("b", "ada", True)


def test_a_conflict_that_is_cleared_or_over_is_forgotten() -> None:
    run = at_work("a", "b", "c")
    foreseen(run, "a", "b")
    foreseen(run, "a", "c")
    assert run.send(e.ConflictCleared(task="a", other="b")) == []
    assert run.state.foreseen == {"a": {"c": ("f",)}, "c": {"a": ("f",)}}
    run.deliver("a")
    run.land("a")
    assert run.state.foreseen == {}
    assert foreseen(run, "a", "b") == [], "a probe that was overtaken by the landing"
    assert run.state.foreseen == {}


def test_an_attempt_that_starts_anew_has_heard_nothing() -> None:
    run = at_work("a", "b", "c")
    foreseen(run, "a", "b")
    run.turn("a", live=False, error="it crashed")
    run.collected("a")
    assert run.state.foreseen != {}
    run.ended("a")
    assert run.state.attempts.keys() >= {("a", 2)}
    assert run.state.foreseen == {}


def test_a_file_that_everybody_changes_is_told_of_a_few_times_only() -> None:
    run = at_work("a", "b", "c", "d", "e", team=5)
    heard = [("a", "foreseen") in told(foreseen(run, "a", other)) for other in "bcde"]
    assert heard == [True, True, True, False]
    assert set(run.state.foreseen["a"]) == set("bcde"), "the queue knows of all"
    assert told(foreseen(run, "a", "e", "f", "g")) == [("a", "foreseen"), ("e", "foreseen")], "another file"


def test_nobody_is_told_while_the_run_stops() -> None:
    run = at_work("a", "b")
    run.send(e.StopRequested(reason="asked to"))
    assert foreseen(run, "a", "b") == []


def test_a_task_does_not_conflict_with_itself_or_with_one_that_is_not_there() -> None:
    run = at_work("a", "b")
    for other in ("a", "z"):
        with pytest.raises(IllegalEvent):
            foreseen(run, "a", other)
        with pytest.raises(IllegalEvent):
            run.send(e.ConflictCleared(task="a", other=other))


def test_what_conflicts_least_lands_first() -> None:
    run = at_work("a", "b", "c")
    foreseen(run, "a", "b")
    foreseen(run, "a", "c")
    run.deliver("c")  # lands alone, and the others are queued meanwhile
    run.deliver("a")
    run.deliver("b")
    run.built("c")
    run.gated("c", True)
    (build,) = [action for action in run.landed("c") if isinstance(action, a.BuildBatch)]
    assert build.tasks == ("a", "b"), "one conflict each now"


# -- landings -------------------------------------------------------------------------------------------


def test_a_publication_is_read_once_and_told_to_those_who_began_before_it() -> None:
    run = at_work("a", "b", "c")
    for name in ("a", "b"):
        run.deliver(name)
    run.built("a")
    run.gated("a", True)
    first = run.landed("a", files=("f.py",))
    assert first[0] == a.ReadLanding(("a",), "base", "L-a", ("f.py",))
    changed = PublicChange(path="f.py", name="f", how="changed", signature="f(a, b)")
    actions = run.send(
        e.LandingRead(tasks=("a",), commit="L-a", changes=(changed,), more=2, touched={"c": ("f.py",)})
    )
    (tell,) = actions
    assert isinstance(tell, a.Tell)
    assert (tell.task, tell.kind) == ("c", "landed")
    assert tell.values == {
        "tasks": [run.state.tasks["a"].spec], "changes": (changed,), "more": 2, "touched": ("f.py",),
    }  # fmt: skip


def test_a_batch_is_one_publication() -> None:
    run = Story(*(task(name) for name in "abcd"), team=("ada", "bob", "cy", "dan"))
    for name in "abcd":
        run.ready(name)
    run.deliver("a")
    run.deliver("b")
    run.deliver("c")
    assert [type(it) for it in run.land("a")] == [a.ReadLanding, a.BuildBatch]
    run.built("b", "c")
    run.gated("c", True)
    assert run.landed("b", files=("x", "b")) == []
    (read,) = run.landed("c", files=("x", "c"))
    assert read == a.ReadLanding(("b", "c"), "L-a", "L-c", ("b", "c", "x"))


def test_who_starts_on_the_new_tip_is_not_told_of_it_and_nobody_at_work_is_no_work() -> None:
    run = Story(task("a"), task("b", "a"), task("c"), team=("ada", "bob"))
    run.ready("a")
    run.ready("c")
    run.mark("c", "done")
    run.deliver("a")
    actions = run.land("a")
    assert [type(it) for it in actions] == [a.StartAttempt], "c is done, b starts on the new tip"
    run.ready("b")
    assert run.send(e.LandingRead(tasks=("a",), commit="L-a")) == []


# -- files and texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("src/app.py", "src/app.py", "src/app.pyc"),
        ("src/auth/**", "src/auth/a/b.py", "src/author.py"),
        ("src/auth/", "src/auth/a/b.py", "src/auth.py"),
        ("src/auth", "src/auth/x.py", "lib/src/auth"),
        ("src/*.py", "src/a.py", "src/a/b.py"),
        ("**/test_*.py", "test_a.py", "a/tests.py"),
        ("**/test_*.py", "a/b/test_c.py", "a/b/xtest_c.py"),
        ("./a?c", "abc", "a/c"),
        ("a.b", "a.b", "axb"),
    ],
)
def test_globs_of_a_plan(glob: str, yes: str, no: str) -> None:
    assert own_among((yes, no), (glob,), ()) == (yes,)


def test_files_that_were_changed_count_without_a_glob() -> None:
    assert own_among(("a", "b", "c"), ("c",), ("a", "z")) == ("a", "c")


def test_an_excerpt_holds_what_is_wanted_and_is_short() -> None:
    hunks = "--- a\n1\n--- not a head\n2\n--- b\n" + "\n".join(map(str, range(60)))
    assert excerpt(hunks, ("a", "b"), ("a",)) == "--- a\n1\n--- not a head\n2"
    cut = excerpt(hunks, ("a", "b"), ("b",)).splitlines()
    assert (len(cut), cut[0], cut[-1]) == (41, "--- b", "[cut]")
