"""The plan of a run becomes another: what may change where, who is asked, and what follows."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.changes import PlanChange, description, difference, gist
from workbench.core.changing import open_change
from workbench.core.mail import PERSON, MessageKind
from workbench.core.mailing import held
from workbench.core.models import Plan, Role, RunSettings, Task
from workbench.core.plan import render
from workbench.core.report import report
from workbench.core.report.pages import proposal_words
from workbench.core.requests import Answer, ProposeChange
from workbench.core.state import TaskStatus
from workbench.testing.playbook import Playbook, started
from workbench.testing.story import Story

SETTINGS = RunSettings(team=("ada",), gates=("test",))
COUNT = iter(range(10_000))


def task(name: str, *after: str, title: str = "", gates: tuple[str, ...] = ()) -> Task:
    return Task(id=name, title=title or name.upper(), after=after, gates=gates)


def run_of(*tasks: Task, **settings: object) -> Story:
    """A run of one teammate whose base is green: the first task that can start is at work."""
    return Story(*tasks, team=("ada",), **settings)


def landed(story: Story, name: str) -> None:
    story.deliver(name)
    story.land(name)


def failed(story: Story, name: str, *, final: bool) -> None:
    story.send(e.AttemptFailed(task=name, attempt=1, reason="it broke", final=final))


def ask(book: Playbook, *tasks: Task, approved: bool = False, **texts: str) -> list[a.Action]:
    """Propose a plan of exactly these tasks."""
    plan = Plan(title="Played", tasks=tasks, **texts)
    request = ProposeChange(text=render(plan), approved=approved)
    return book.send(e.RequestMade(id=f"{next(COUNT):08x}", by=PERSON, request=request))


def answer(book: Playbook, decision: str = "yes", message: str = "") -> list[a.Action]:
    asked = open_change(book.state)
    name = message or (asked.message.id if asked is not None else "m0")
    request = Answer.model_validate({"message": name, "decision": decision})
    return book.send(e.RequestMade(id=f"{next(COUNT):08x}", by=PERSON, request=request))


def status(book: Playbook, name: str) -> TaskStatus:
    return book.state.tasks[name].status


def refusal(book: Playbook) -> str:
    last = book.events(e.RequestRefused)[-1]
    assert isinstance(last, e.RequestRefused)
    return last.reason


def changed(book: Playbook) -> e.PlanChanged:
    last = book.events(e.PlanChanged)[-1]
    assert isinstance(last, e.PlanChanged)
    return last


def replays(book: Playbook) -> None:
    lived = book.state
    book.restart()
    assert book.state == lived


# -- asking --------------------------------------------------------------------------------------------


def test_nothing_changes_before_a_person_says_yes() -> None:
    book = run_of(task("a"), task("b", "a"))
    ask(book, task("a"), task("b", "a"), task("c"))
    assert "c" not in book.state.tasks
    asked = open_change(book.state)
    assert asked is not None and asked.to == PERSON and asked.message.kind is MessageKind.CHANGE
    assert "+ c: C" in asked.message.text
    answer(book)
    assert status(book, "c") is TaskStatus.READY
    assert book.state.plan is not None and [it.id for it in book.state.plan.tasks] == ["a", "b", "c"]
    assert not book.state.asks and book.state.proposed is None
    replays(book)


def test_a_no_changes_nothing_and_is_remembered() -> None:
    book = run_of(task("a"))
    ask(book, task("a"), task("c"))
    proposed = book.state.proposed
    answer(book, "no")
    assert list(book.state.tasks) == ["a"] and book.state.proposed is None and not book.state.asks
    assert proposed is not None and book.state.declined == {"": proposed.change}
    replays(book)


def test_only_a_run_that_does_not_go_on_is_to_be_resumed_for_an_answer() -> None:
    story = run_of(task("a"))
    ask(story, task("a"), task("b"))
    (going_on,) = proposal_words(report(story.state))
    assert "`workbench answer m1 yes` (or no)." in going_on and "resume" not in going_on
    landed(story, "a")
    assert story.state.outcome == "landed"
    (over,) = proposal_words(report(story.state))
    assert over.endswith("(or no) and `workbench resume r`.")


def test_a_newer_proposal_takes_the_place_of_an_open_one() -> None:
    book = run_of(task("a"))
    ask(book, task("a"), task("c"))
    first = open_change(book.state)
    ask(book, task("a"), task("d"))
    assert first is not None and list(book.state.asks) == ["m2"]
    answer(book, message=first.message.id)
    assert "has its answer already" in refusal(book)
    answer(book)
    assert list(book.state.tasks) == ["a", "d"]


def test_who_asks_may_approve_at_once() -> None:
    book = run_of(task("a"))
    ask(book, task("a"), task("c"), approved=True)
    assert "c" in book.state.tasks and not book.state.mail


def test_only_a_person_decides_what_the_plan_is() -> None:
    book = run_of(task("a"))
    ask(book, task("a"), task("c"))
    request = Answer(message="m1", decision="yes")
    book.send(e.RequestMade(id="ffffffff", by="lead", request=request))
    assert "for a person to answer" in refusal(book) and list(book.state.tasks) == ["a"]
    text = render(Plan(title="Played", tasks=(task("a"), task("z"))))
    book.send(e.RequestMade(id="fffffffe", by="lead", request=ProposeChange(text=text)))
    assert "The lead may not ask for that" in refusal(book)


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ((task("a"), task("b", "z")), 'waits for "z"'),
        ((task("b", "a"), task("a", "b")), "in a circle"),
        ((task("a"), task("b", "a")), "nothing that is not so"),
        ((task("b"),), "waits for"),
    ],
)
def test_what_is_no_plan_or_no_change_is_refused(tasks: tuple[Task, ...], said: str) -> None:
    book = run_of(task("a"), task("b", "a"))
    if said == "waits for":  # b waits for a, which is left out
        tasks = (task("b", "a"),)
    ask(book, *tasks)
    assert said in refusal(book)
    assert book.state.proposed is None


def test_the_answer_to_what_changed_nothing_does_not_end_a_run_whose_base_is_being_checked() -> None:
    book = Playbook()
    book.send(started([task("a")], SETTINGS))
    ask(book, task("a"), task("c"))
    answer(book)
    ask(book, task("a"), task("c"), task("d"))
    answer(book, "no")
    assert not book.events(e.RunFinished) and "c" in book.state.tasks


# -- what may change where -----------------------------------------------------------------------------


def test_a_task_that_waits_takes_any_change() -> None:
    book = run_of(task("a"), task("b", "a"), task("c"))
    assert status(book, "a") is TaskStatus.RUNNING
    ask(book, task("a"), task("b", title="Anew"), task("c", "b"), approved=True)
    assert status(book, "b") is TaskStatus.READY and book.state.tasks["b"].spec.title == "Anew"
    assert status(book, "c") is TaskStatus.PENDING and book.state.tasks["c"].unmet == {"b"}
    assert [name for _, name in book.state.startable] == ["b"]
    assert book.state.dependents["b"] == ("c",) and book.state.tasks["b"].rank == 1
    replays(book)


def test_a_task_at_work_keeps_what_it_was_told_and_the_rest_is_done() -> None:
    book = run_of(task("a"), task("b", "a"))
    ask(book, task("a", title="Other"), task("b", "a"), task("c"))
    asked = open_change(book.state)
    assert asked is not None and "a cannot be changed while it is at work: write to ada" in asked.message.text
    answer(book)
    assert book.state.tasks["a"].spec.title == "A" and "c" in book.state.tasks
    (said,) = changed(book).refused
    assert said.startswith("a cannot be changed while it is at work: write to ada")


def test_nothing_is_asked_where_nothing_can_be_done() -> None:
    book = run_of(task("a"))
    ask(book, task("a", title="Other"))
    assert "while it is at work" in refusal(book) and not book.state.asks


@pytest.mark.parametrize(
    ("stage", "said"),
    [("deliver", "it is landing already"), ("land", "it is landed already"), ("fail", "it was given up")],
)
def test_what_is_over_is_a_fact(stage: str, said: str) -> None:
    story = run_of(task("a"), task("b"))
    if stage == "fail":
        failed(story, "a", final=True)
    else:
        story.deliver("a")
    if stage == "land":
        story.land("a")
    ask(story, task("a", title="Other"), task("b"), approved=True)
    assert said in refusal(story)
    ask(story, task("b"), approved=True)
    assert "a cannot be dropped" in refusal(story)


def test_a_task_that_was_not_begun_can_be_dropped_with_what_waits_for_it() -> None:
    book = run_of(task("a"), task("b", "a"), task("c", "b"))
    ask(book, task("a"), approved=True)
    assert list(book.state.tasks) == ["a"] and book.state.dependents == {"a": ()}
    assert changed(book).change.dropped == ("b", "c")
    replays(book)


def test_what_waits_for_a_dropped_task_can_wait_for_another() -> None:
    book = run_of(task("a"), task("b", "a"), task("c", "b"))
    ask(book, task("a"), task("c", "a"), approved=True)
    assert list(book.state.tasks) == ["a", "c"] and book.state.tasks["c"].unmet == {"a"}


def test_a_task_between_two_attempts_may_be_changed_and_not_dropped() -> None:
    book = run_of(task("a"), task("b"))
    failed(book, "a", final=False)
    assert status(book, "a") is TaskStatus.READY
    ask(book, task("b"), approved=True)
    assert "a cannot be dropped: it was begun" in refusal(book)
    ask(book, task("a", "b", title="Other"), task("b"), approved=True)
    assert status(book, "a") is TaskStatus.PENDING and book.state.tasks["a"].spec.title == "Other"
    actions = book.ended("a")
    assert [it.task for it in actions if isinstance(it, a.StartAttempt)] == ["b"]
    replays(book)


def test_an_interrupted_task_that_is_changed_begins_a_new_session_with_its_work() -> None:
    book = run_of(task("a"), task("b"), continues=True)
    book.send(e.StopRequested(reason="asked to"))
    book.ended("a", interrupted=True, commit="a1", session="s")
    assert book.state.tasks["a"].why == "continued"
    ask(book, task("a", title="Other"), task("b"), approved=True)
    standing = book.state.tasks["a"]
    assert (standing.why, standing.session) == ("retry", None) and standing.carry == "a1"
    assert "changed since" in standing.evidence


def test_a_held_task_goes_on_when_it_waits_for_what_is_given_up_no_more() -> None:
    book = run_of(task("a"), task("b", "a"), task("c", "b"), task("d"))
    failed(book, "a", final=True)
    assert status(book, "b") is status(book, "c") is TaskStatus.HELD
    over = book.state.over
    ask(book, task("a"), task("b"), task("c", "b"), task("d"), approved=True)
    assert status(book, "b") in (TaskStatus.READY, TaskStatus.RUNNING)
    assert status(book, "c") is TaskStatus.PENDING and book.state.over == over - 2
    assert not book.state.tasks["c"].reason
    ask(book, task("a"), task("b"), task("c", "a"), task("d"), approved=True)
    assert status(book, "c") is TaskStatus.HELD and "waits for a" in book.state.tasks["c"].reason
    replays(book)


def test_a_task_needs_a_role_and_a_gate_that_the_run_knows() -> None:
    book = Playbook()
    first = started([task("a", gates=("t",))], RunSettings(team=("ada",)))
    book.send(first.model_copy(update={"roles": (Role(name="writer"),)}))
    book.send(e.BaseChecked(verdicts=()))
    ask(book, task("a", gates=("t",)), task("b"), approved=True)
    assert "b has no gate" in refusal(book)
    cook = task("c", gates=("t",)).model_copy(update={"role": "cook"})
    ask(book, task("a", gates=("t",)), cook, approved=True)
    assert "role 'cook'" in refusal(book)
    ask(book, task("a", gates=("t",)), cook.model_copy(update={"role": "writer"}), approved=True)
    assert "c" in book.state.tasks


def test_context_and_contract_are_those_of_later_briefs() -> None:
    book = run_of(task("a"))
    ask(book, task("a"), context="New.", contract="f() -> int", approved=True)
    assert book.state.plan is not None
    assert (book.state.plan.context, book.state.plan.contract) == ("New.", "f() -> int")
    assert book.state.approved is not None and book.state.approved.contract == ""


def test_an_answer_counts_for_the_tasks_as_they_stand_then() -> None:
    book = run_of(task("a"), task("b"))
    ask(book, task("a"), task("b", title="Other"))
    landed(book, "a")
    assert status(book, "b") is TaskStatus.RUNNING
    answer(book)
    assert not book.events(e.PlanChanged) and book.state.tasks["b"].spec.title == "B"
    dropped = book.events(e.PlanChangeDropped)[-1]
    assert isinstance(dropped, e.PlanChangeDropped) and "while it is at work" in dropped.reason


def test_a_question_is_moot_when_its_task_is_held_for_another() -> None:
    """The run was over, and a person was still asked for a task that could not begin (seed 401571)."""
    story = run_of(task("a"), task("b"), on_question="hold")
    story.mark("a", "question", "which?", to="person")
    story.turn("a")
    story.ended("a", interrupted=True)
    assert held(story.state).keys() == {"a"}
    story.mark("b", "blocked", "cannot")
    story.turn("b")
    story.collected("b")
    story.ended("b")
    assert status(story, "b") is TaskStatus.BLOCKED and story.state.finished

    ask(story, task("a", "b"), task("b"), approved=True)
    assert status(story, "a") is TaskStatus.HELD and not story.state.asks
    answer(story, "yes", "m1")
    assert "has its answer already, or needs none" in refusal(story)
    story.send(e.RunResumed(pid=2))
    assert story.state.outcome == "incomplete"
    replays(story)


# -- when the run is over ------------------------------------------------------------------------------


def test_a_run_that_landed_everything_goes_on_with_what_is_added() -> None:
    story = run_of(task("a"))
    landed(story, "a")
    book = story
    assert book.state.outcome == "landed" and book.state.over_for_good
    ask(book, task("a"), task("b", "a"))
    assert book.state.over_for_good, "it is only asked about"
    answer(book)
    assert story.state.outcome != "landed" and not story.state.over_for_good
    assert status(book, "b") is TaskStatus.READY
    actions = book.send(e.RunResumed(pid=1))
    assert [it.task for it in actions if isinstance(it, a.StartAttempt)] == ["b"]
    replays(book)


def test_a_no_leaves_a_run_over() -> None:
    story = run_of(task("a"))
    landed(story, "a")
    ask(story, task("a"), task("b"))
    answer(story, "no")
    assert story.state.over_for_good and story.state.outcome == "landed"


def test_the_run_does_not_wait_for_an_answer() -> None:
    book = run_of(task("a"))
    ask(book, task("a"), task("b"))
    landed(book, "a")
    assert book.state.outcome == "landed" and open_change(book.state) is not None


# -- values --------------------------------------------------------------------------------------------


def plan(*tasks: Task, **texts: str) -> Plan:
    return Plan(title="P", tasks=tasks, **texts)


def test_what_somebody_did_not_touch_stays_as_it_stands() -> None:
    base, standing = plan(task("a"), task("b")), plan(task("a", title="Changed since"), task("b"), task("c"))
    said = plan(task("a"), task("b", title="Mine"), task("d"))
    assert difference(base, said, standing) == PlanChange(
        added=(task("d"),), changed=(task("b", title="Mine"),)
    )
    assert difference(base, base, standing).empty


def test_lines_are_no_difference() -> None:
    one = plan(task("a").model_copy(update={"line": 3}))
    assert difference(one, plan(task("a").model_copy(update={"line": 9})), one).empty


def test_the_words_show_each_new_text() -> None:
    before = {"b": Task(id="b", title="B", body="one\ntwo", files=("x",))}
    change = PlanChange(
        added=(Task(id="c", title="C", body="Body.", gates=("make",)),),
        changed=(Task(id="b", title="B", body="one\nthree"),),
        dropped=("d",),
        contract="New.",
    )
    assert gist(change) == "adds c; changes b; drops d; new contract"
    said = "\n".join(description(change, before, plan(task("a"), contract="Old.")))
    for part in ("+ c: C", "gate: make", "| Body.", "files: none (was: x)", "-two", "+three", "- d", "+New."):
        assert part in said


@pytest.mark.parametrize(
    "field",
    [
        {"title": "Another"},
        {"body": "Another."},
        {"after": ("b",)},
        {"files": ("src/**",)},
        {"gates": ("make",)},
        {"role": "reviewer"},
        {"priority": 2},
        {"attempts": 2},
        {"budget_usd": 2.0},
        {"plan_by": "person"},
    ],
)
def test_whatever_is_to_be_different_is_said(field: dict[str, object]) -> None:
    """Who approves must see it: that a task needs no plan any more, above all."""
    before = task("a")
    now = before.model_copy(update=field)
    for was, to_be in ((before, now), (now, before)):
        said = list(description(PlanChange(changed=(to_be,)), {"a": was}, Plan(title="P", tasks=(was,))))
        assert len(said) > 1, field


def test_that_case_has_every_field_of_a_task() -> None:
    cases = test_whatever_is_to_be_different_is_said.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {name for case in cases for name in case} == set(Task.model_fields) - {"id", "line"}


def test_a_text_that_is_too_long_to_show_says_so() -> None:
    new = task("a").model_copy(update={"body": "line\n" * 100})
    said = list(description(PlanChange(added=(new,)), {}, Plan(title="P", tasks=(task("b"),))))
    assert said[-1].strip() == "… 60 lines more: read them in the plan before you answer"
