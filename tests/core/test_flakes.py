"""Flakes by test, and excused failures: counted, rated, said, and shown in the report."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.flakes import Unreliable, excused_failures, flakes, percent, sections
from workbench.core.models import RunSettings, Verdict
from workbench.core.report import markdown, report
from workbench.core.story.events import line
from workbench.testing.playbook import Playbook, started
from workbench.testing.story import Story, task, verdict


def red(tree: str, *failing: str, gate: str = "test") -> Verdict:
    return verdict(tree, False, gate).model_copy(update={"failing": failing})


def excused(tree: str, *tests: str) -> Verdict:
    return verdict(tree).model_copy(update={"quarantined": tests, "exit_code": 1})


def at_work() -> Story:
    run = Story(task("one"), team=("ada",))
    run.ready("one")
    return run


def collect(run: Story) -> list[a.Action]:
    """The teammate says that it is done, with the same tree each time."""
    run.mark("one", "done")
    run.turn("one")
    return run.collected("one")


def check(run: Story, *verdicts: Verdict) -> list[a.Action]:
    return run.send(e.WorkChecked(task="one", attempt=1, commit="one1", verdicts=verdicts))


def test_work_that_was_red_and_is_green_with_the_same_tree_has_a_flake() -> None:
    run = at_work()
    assert collect(run) == [a.CheckWork("one", 1, "one1", "tree-one1", ("test",))]
    check(run, red("tree-one1", "test_a", "test_b"))
    assert run.events(e.FlakeSeen) == []
    assert collect(run) == [a.CheckWork("one", 1, "one1", "tree-one1", ("test",))]
    check(run, verdict("tree-one1"))
    (seen,) = run.events(e.FlakeSeen)
    assert seen == e.FlakeSeen(task="one", gate="test", evidence="1 failed", tests=("test_a", "test_b"))
    assert run.status("one") == "landing"
    assert [(it.test, it.times, it.runs, it.rate) for it in flakes(run.state)] == [
        ("test_a", 1, 3, 0.3333), ("test_b", 1, 3, 0.3333),
    ]  # fmt: skip
    before = run.state
    run.restart()
    assert (run.state.flaky, run.state.runs_of) == (before.flaky, before.runs_of)


def test_another_tree_that_is_green_is_no_flake() -> None:
    run = at_work()
    collect(run)
    check(run, red("tree-one1", "test_a"))
    run.mark("one", "done")
    run.turn("one")
    run.collected("one", tree="mended")
    check(run, verdict("mended"))
    assert run.events(e.FlakeSeen) == [] and flakes(run.state) == ()


def test_a_flake_of_a_candidate_names_its_tests() -> None:
    run = Story(task("one"), team=("ada",))
    run.deliver("one")
    run.built("one")
    run.send(e.CandidateChecked(task="one", commit="L-one", verdicts=(red("tree-L-one", "test_a"),)))
    run.gated("one", True)
    assert [it.tests for it in run.events(e.FlakeSeen) if isinstance(it, e.FlakeSeen)] == [("test_a",)]
    assert [(it.name, it.times, it.runs) for it in flakes(run.state)] == [("test_a", 1, 4)]


def test_a_gate_that_names_no_test_is_named_itself() -> None:
    run = Story(task("one"), team=("ada",))
    run.deliver("one")
    run.built("one")
    run.gated("one", False)
    run.gated("one", True)
    (flake,) = flakes(run.state)
    assert (flake.test, flake.name, flake.runs) == ("", "(the gate) test", 4)
    assert "| (no test named) | `test` | 1 | 4 | 25 % |" in markdown(report(run.state))


def test_what_is_excused_in_the_green_run_was_no_flake() -> None:
    run = at_work()
    collect(run)
    check(run, red("tree-one1", "test_a", "test_net"))
    collect(run)
    check(run, excused("tree-one1", "test_net"))
    (seen,) = run.events(e.FlakeSeen)
    assert isinstance(seen, e.FlakeSeen) and seen.tests == ("test_a",)
    assert run.status("one") == "landing", "excused is green"
    assert [(it.test, it.times, it.runs) for it in excused_failures(run.state)] == [("test_net", 1, 3)]


def test_the_report_has_the_sections_only_when_there_is_something_in_them() -> None:
    run = at_work()
    assert "## Flakes" not in markdown(report(run.state))
    collect(run)
    check(run, red("tree-one1", "test_a|`x`"))
    collect(run)
    check(run, excused("tree-one1", "test_net"))
    result = report(run.state)
    text = markdown(result)
    assert "## Flakes" in text and "| `test_a\\|'x'` | `test` | 1 | 3 | 33 % |" in text
    assert "## Quarantined failures" in text and "| `test_net` | `test` | 1 | 3 | 33 % |" in text
    assert result.model_dump(mode="json")["flakes"] == [
        {"test": "test_a|`x`", "gate": "test", "times": 1, "runs": 3, "rate": 0.3333}
    ]
    assert sections((), ()) == []


def test_the_worst_comes_first() -> None:
    run = at_work()
    run.state.runs_of.update({"test": 10, "lint": 4})
    run.state.flaky.update({("test", "b"): 1, ("test", "a"): 1, ("lint", ""): 2})
    assert [(it.gate, it.test) for it in flakes(run.state)] == [("lint", ""), ("test", "a"), ("test", "b")]


@pytest.mark.parametrize(
    ("rate", "words"), [(1.0, "100 %"), (0.2, "20 %"), (0.01, "1 %"), (0.001, "<1 %"), (0.0, "0 %")]
)
def test_rates_for_people(rate: float, words: str) -> None:
    assert percent(rate) == words


def said(run: Story, event: e.Event) -> str:
    words = line(run.state, event)
    assert words is not None and words.tone == "warn"
    return words.what


def test_what_is_said() -> None:
    run = at_work()
    flake = e.FlakeSeen(task="one", gate="make test", tests=("a", "b", "c", "d\x1b[31m"))
    assert said(run, flake) == (
        "`make test` was red in a, b, c and 1 more, then green on the same tree: flaky"
    )
    assert "was red, then green" in said(run, e.FlakeSeen(task="one", gate="x"))
    base = e.BaseChecked(verdicts=(excused("tree-base", "net"),))
    assert said(run, base) == "FAILED on the base, and excused because quarantined: net (`test`)"
    doubtful = Playbook()
    doubtful.send(started([task("one")], RunSettings(team=("ada",), gates=("test",))))
    first = e.BaseChecked(verdicts=(verdict("tree-base", green=False),))
    doubtful.note(first)
    words = line(doubtful.state, first)
    assert words is not None and words.what == "`test` is red on the base; it is run once more"
    doubtful.note(first)
    words = line(doubtful.state, first)
    assert words is not None and words.what == "`test` is red on the base:\n1 failed"
    work = e.WorkChecked(task="one", attempt=1, commit="c", verdicts=base.verdicts)
    assert "FAILED on the work of one, and excused" in said(run, work)
    candidate = e.CandidateChecked(task="one", commit="c", verdicts=base.verdicts)
    assert "FAILED on the candidate of one, and excused" in said(run, candidate)
    green = work.model_copy(update={"verdicts": (verdict("t"), red("t", "x"))})
    assert line(run.state, green) is None


def test_names_are_kept_in_the_log() -> None:
    event = e.WorkChecked(task="a", attempt=1, commit="c", verdicts=(excused("t", "net"), red("t", "x")))
    assert e.load("WorkChecked", e.dump(event)) == event
    old = '{"task":"a","gate":"g"}'
    assert e.load("FlakeSeen", old) == e.FlakeSeen(task="a", gate="g"), "logs from before hold no tests"
    assert Unreliable(test="t", gate="g", times=1, runs=2, rate=0.5).name == "t"


def test_of_green_verdicts_no_output_is_remembered_and_of_red_ones_it_is() -> None:
    run = at_work()
    long = verdict("t-green").model_copy(update={"output": "x" * 20_000})
    collect(run)
    check(run, long, verdict("t-red", green=False))
    known = run.state.verdicts
    assert known["t-green", "test", "env"].green and not known["t-red", "test", "env"].green
    assert [known[tree, "test", "env"].output for tree in ("t-green", "t-red")] == ["", "1 failed"]
