"""What a plan could be better at is found, at its line, with a way out; a good plan is left in peace."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.core.discovery import Surroundings, discover
from workbench.core.models import Plan, Task
from workbench.core.plan import parse
from workbench.core.plan.review import Circumstances, Finding, as_data, errors, review
from workbench.core.plan.suitability import ENOUGH, judge

HEAD = "---\ngates: [pytest]\n---\n# P\n\n## Contract\n\nNames.\n\n## Tasks\n\n"
PYTEST = discover(["pyproject.toml"], {"pyproject.toml": "[tool.pytest.ini_options]\n"})


def tasks(*lines: str) -> Plan:
    """A plan of tasks written as ``id after,after: glob, glob``."""
    text = HEAD
    for line in lines:
        head, _, globs = line.partition(": ")
        id_, _, after = head.partition(" ")
        text += f"### {id_}: Do {id_}\n" + (f"- after: {after}\n" if after else "")
        text += (f"- files: {globs}\n" if globs else "") + "\nDo it.\n\n"
    return parse(text)


def rules(plan: Plan, offers: Surroundings | None = None) -> dict[str, Finding]:
    return {finding.rule: finding for finding in review(plan, Circumstances(offers=offers))}


def test_a_good_plan_is_left_in_peace() -> None:
    assert review(tasks("a: src/a.py", "b: src/b.py", "c a,b: src/c.py"), Circumstances(offers=PYTEST)) == ()


def test_the_readme_and_the_starter_are_good_plans() -> None:
    root = Path(__file__).parents[2]
    text = (root / "README.md").read_text().partition("```markdown\n")[2].partition("```")[0]
    assert review(parse(text)) == ()
    assert not errors(review(parse((root / "templates/plan.md").read_text())))


@pytest.mark.parametrize(
    ("one", "other"), [("src/**", "src/a.py"), ("src", "src/a.py"), ("**/*.py", "src/x/a.py")]
)
def test_overlapping_files_without_an_order(one: str, other: str) -> None:
    plan = tasks(f"a: {one}", f"b: {other}")
    found = rules(plan)["overlap"]
    assert (found.severity, found.task, found.line) == ("error", "b", plan.tasks[1].line)
    assert one in found.sentence and other in found.sentence and "after" in found.hint
    assert "overlap" not in rules(tasks(f"a: {one}", "m a: z", f"b m: {other}")), (
        "an order, if an indirect one"
    )


def test_prose_that_two_change_is_no_error() -> None:
    assert rules(tasks("a: CHANGELOG.md", "b: CHANGELOG.md"))["overlap"].severity == "warning"


def test_gates() -> None:
    none = Plan(title="t", tasks=(Task(id="a", title="a"),))
    assert rules(none)["no-gate"].severity == "warning"
    offered = rules(none, PYTEST)["no-gate"]
    assert offered.severity == "error" and "python -m pytest -q" in offered.hint
    assert not {it.rule for it in review(none, Circumstances(gates=("x",)))} & {"no-gate"}
    odd = none.model_copy(update={"gates": ("npm test",)})
    assert "no script 'test'" in rules(odd, PYTEST)["unknown-gate"].sentence
    assert rules(odd, PYTEST)["unknown-gate"].severity == "error"
    assert rules(odd, discover([], {}))["unknown-gate"].severity == "warning", "there is nothing better"
    assert "unknown-gate" not in rules(odd)
    mild = none.model_copy(update={"gates": ("python -m compileall -q .",)})
    assert rules(mild, PYTEST)["unknown-gate"].severity == "warning"


def test_tasks_that_are_too_big() -> None:
    def sized(**changed: object) -> Finding | None:
        task = Task.model_validate({"id": "a", "title": "a", **changed})
        return rules(Plan(title="t", tasks=(task, Task(id="b", title="b"))), None).get("too-big")

    assert sized(body="word " * 450) is None
    assert (found := sized(body="word " * 451)) and found.severity == "warning"
    assert (found := sized(body="word " * 901)) and found.severity == "error"
    assert (found := sized(body="- point\n" * 15, files=tuple(f"f{n}" for n in range(11))))
    assert found.severity == "error" and "15 points and 11 file globs" in found.sentence
    everything = Plan(title="t", tasks=(Task(id="a", title="a", files=("**",)), Task(id="b", title="b")))
    assert rules(everything)["everything"].severity == "error"


def test_width_against_the_team() -> None:
    pair = tasks("a: a", "b: b")
    assert "idle" not in rules(pair) and "idle" not in rules(pair.model_copy(update={"team": 2}))
    idle = rules(pair.model_copy(update={"team": 3}))["idle"]
    assert "a team of 3, but at most 2" in idle.sentence and "`team: 2`" in idle.hint
    assert "no-width" in rules(tasks("a: a", "b a: b"))
    assert "single" in rules(tasks("a: a"))


def test_files_that_nobody_names_or_owns() -> None:
    assert "b" in rules(tasks("a: a", "b"))["no-files"].sentence
    plan = tasks("a: src/**", "b: web").model_copy(update={"contract": "`src/a.py`, lib/new.py and old.py."})
    assert "lib/new.py" in rules(plan)["no-owner"].sentence
    offers = discover(["lib/new.py", "lib/old.py"], {})
    assert "no-owner" not in rules(plan, offers), "what exists may be named"
    assert "no-contract" in rules(tasks("a: a", "b: b", "c a: c").model_copy(update={"contract": ""}))


def test_orders_that_are_not_needed() -> None:
    implied = rules(tasks("a: a", "b a: b", "c a,b: c"))["implied"]
    assert '"c" need not name "a"' in implied.sentence
    long = tasks("one: a.py", "two one: b.py", "three two: c.py", "four three: d.py")
    assert "one → two → three → four" in rules(long)["long-chain"].sentence
    told = long.model_copy(
        update={"tasks": tuple(t.model_copy(update={"body": f"Builds on {t.after}"}) for t in long.tasks)}
    )
    assert "long-chain" not in rules(told)


def test_errors_come_first_and_programs_can_read_them() -> None:
    found = review(tasks("a", "b: x", "c: x"))
    assert [it.severity for it in found] == sorted(it.severity for it in found)
    assert set(as_data(found[0])) == {"severity", "rule", "task", "line", "problem", "hint"}


@pytest.mark.parametrize("glob", ["**" * 50, "*a" * 100, "**/*a" * 6 + "b" * 200, "src/{}.py"])
def test_large_and_hostile_plans_are_reviewed_in_no_time(glob: str) -> None:
    many = tuple(Task(id=f"t{n}", title="t", files=(glob, glob.format(n))) for n in range(2000))
    text = " ".join(f"d/x{n}.py" for n in range(2000))
    assert len(review(Plan(title="t", tasks=many, contract=text))) < 60


GOOD = {name: {"score": 5, "reason": "Yes."} for name in ("collective", "asynchronous", "traces")}


def test_a_wide_plan_is_worth_a_team() -> None:
    scored = judge(tasks(*(f"t{n}: f{n}" for n in range(9))), GOOD)
    assert (scored.total, scored.team, scored.worth_a_team) == (15, 4, True)


@pytest.mark.parametrize(
    ("lines", "points"),
    [
        (("a: a", "b a: b", "c b: c"), {"collective": 2, "asynchronous": 1, "traces": 5}),
        (("a: a",), {"collective": 1, "asynchronous": 1, "traces": 1}),
        (("a: a", "b: b"), {"collective": 3, "asynchronous": 5, "traces": 5}),
        (("a: x", "b: x", "c: x"), {"collective": 3, "asynchronous": 5, "traces": 5}),
        (("a: a", "b a: b", "c b: c", "d: d"), {"collective": 5, "asynchronous": 2, "traces": 5}),
    ],
)
def test_the_graph_bounds_what_the_model_says(lines: tuple[str, ...], points: dict[str, int]) -> None:
    scored = judge(tasks(*lines), GOOD)
    assert {name: score.points for name, score in scored.scores.items()} == points
    assert all(bool(score.limited) is (score.points < 5) for score in scored.scores.values())
    assert scored.worth_a_team is (sum(points.values()) >= ENOUGH)
    assert scored.team == 1 or scored.worth_a_team


@pytest.mark.parametrize(
    "given", [{}, {"collective": 3}, {"collective": {"score": "5"}}, {"collective": {"score": True}}]
)
def test_nonsense_is_one_point(given: dict[str, object]) -> None:
    scored = judge(tasks("a: a", "b: b", "c: c"), given)
    assert scored.scores["collective"].points == 1 and scored.team == 1 and scored.why


def test_points_stay_between_one_and_five() -> None:
    wild = {"collective": {"score": 1e99}, "asynchronous": {"score": -3}, "traces": {"score": float("nan")}}
    scored = judge(tasks("a: a", "b: b", "c: c"), wild)
    assert [score.points for score in scored.scores.values()] == [5, 1, 1]
