"""Undoing, as the core knows it: what goes, in which order, and what becomes of the rest."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import merge, undo
from workbench.core.apply import apply
from workbench.core.decide import decide
from workbench.core.models import Reversal, RunSettings, Task, Verdict
from workbench.core.report import graph, headline, markdown, report
from workbench.core.state import RunState, TaskStatus
from workbench.errors import IllegalEvent, UsageError
from workbench.testing.playbook import Playbook, nonce_of, started

TASKS = [
    Task(id="a", title="A", gates=("own a",)),
    Task(id="b", title="B", after=("a",), gates=("own b",)),
    Task(id="c", title="C"),
    Task(id="d", title="D", after=("b", "c")),
    Task(id="z", title="Z"),
]
TEAM = ("ada", "bob", "cleo")


def verdict(tree: str, gate: str = "test", *, green: bool = True) -> Verdict:
    return Verdict(tree=tree, gate=gate, environment="env", green=green, seconds=1.0)


def begun(tasks: Sequence[Task] = TASKS) -> Playbook:
    book = Playbook()
    book.note(started(tasks, RunSettings(team=TEAM, gates=("test",))))
    book.note(e.BaseChecked(verdicts=(verdict("tree-base"),)))
    return book


def work(book: Playbook, task: str, teammate: str = "ada") -> None:
    """A teammate delivers a task."""
    number = book.state.tasks[task].attempt + 1
    of = {"task": task, "attempt": number}
    for event in (
        e.AttemptStarted(
            **of, teammate=teammate, nonce=nonce_of(task, number), start=book.state.tip, why="first"
        ),
        e.TurnEnded(**of, live=True),
        e.WorkCollected(**of, commit=f"w-{task}", tree=f"wt-{task}", changed=True, snapshot=False, pin="p"),
        e.TaskDelivered(**of, commit=f"w-{task}", tree=f"wt-{task}"),
        e.AttemptEnded(**of, teammate=teammate),
    ):
        book.note(event)


def land(book: Playbook, task: str, *files: str) -> None:
    work(book, task)
    tip, commit = book.state.tip, f"L-{task}"
    book.note(e.LandingStarted(tasks=(task,)))
    book.note(e.CandidateMade(task=task, parent=tip, commit=commit, tree=f"t-{task}"))
    book.note(e.BatchBuilt(tasks=(task,), base=tip, base_tree="x"))
    book.note(e.CandidateChecked(task=task, commit=commit, verdicts=(verdict(f"t-{task}"),)))
    number = book.state.tasks[task].delivered_by
    book.note(
        e.TaskLanded(task=task, attempt=number, commit=commit, parent=tip, tree=f"t-{task}", files=files)
    )


def reversals(state: RunState, *named: str) -> tuple[Reversal, ...]:
    made: list[Reversal] = []
    for it in undo.chosen(state, named):
        task, tip = it.landing.task, made[-1].commit if made else state.published
        made.append(
            Reversal(task=task, landing=it.landing.commit, parent=tip, commit=f"U-{task}", tree=f"u-{task}")
        )
    return tuple(made)


def take_off(book: Playbook, *named: str, verdicts: tuple[Verdict, ...] = ()) -> None:
    going = reversals(book.state, *named)
    book.note(e.UndoStarted(reversals=going, verdicts=verdicts))
    for reversal in going:
        book.note(e.LandingUndone.model_validate(reversal.model_dump()))


def all_landed() -> Playbook:
    book = begun()
    for task in ("a", "z", "b", "c", "d"):
        land(book, task, f"{task}.txt", "shared.txt")
    book.note(e.RunFinished(outcome="landed"))
    return book


# -- what goes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ([], [("d", "the last landing")]),
        (["z"], [("z", "named")]),
        (["c"], [("d", "depends on c"), ("c", "named")]),
        (["a"], [("d", "depends on b"), ("b", "depends on a"), ("a", "named")]),
        (["z", "d"], [("d", "named"), ("z", "named")]),
        (["z", "z"], [("z", "named")]),
    ],
)
def test_a_task_goes_with_all_that_depends_on_it_newest_first(
    named: list[str], expected: list[tuple[str, str]]
) -> None:
    found = undo.chosen(all_landed().state, named)
    assert [(it.landing.task, it.why) for it in found] == expected


def test_what_was_undone_is_not_the_last_landing_any_more() -> None:
    book = all_landed()
    take_off(book)
    assert [it.landing.task for it in undo.chosen(book.state, [])] == ["c"]
    take_off(book, "a", "c", "z")
    with pytest.raises(UsageError, match="Every landing of run r was undone"):
        undo.chosen(book.state, [])


def test_what_cannot_be_undone_is_named() -> None:
    book = begun()
    with pytest.raises(UsageError, match="Nothing has landed"):
        undo.chosen(book.state, [])
    land(book, "a")
    with pytest.raises(UsageError, match="b has not landed: it is ready"):
        undo.chosen(book.state, ["a", "b"])
    with pytest.raises(UsageError, match="no task 'x'"):
        undo.chosen(book.state, ["x"])
    take_off(book, "a")
    with pytest.raises(UsageError, match="undone already, by U-a; its landing L-a is kept"):
        undo.chosen(book.state, ["a"])


def test_gates_are_those_of_what_stays() -> None:
    state = all_landed().state
    assert undo.gates_after(state, {"d"}) == ("test", "own a", "own b")
    assert undo.gates_after(state, {"a", "b", "d"}) == ("test",)
    state.settings = state.settings.model_copy(update={"no_gates": True})
    assert undo.gates_after(state, {"d"}) == ()


def test_only_later_work_in_the_same_files_stands_in_the_way() -> None:
    book = all_landed()
    (gone,) = undo.chosen(book.state, ["z"])
    assert undo.in_the_way(book.state, [gone.landing], ["shared.txt"]) == ("b", "c", "d")
    assert undo.in_the_way(book.state, [gone.landing], ["a.txt"]) == ()
    take_off(book, "c")
    assert undo.in_the_way(book.state, [gone.landing], ["shared.txt"]) == ("b",)


# -- what becomes of the run -----------------------------------------------------------------------------


def test_a_finished_run_is_incomplete_then_and_says_so() -> None:
    book = all_landed()
    take_off(book, "c", verdicts=(verdict("u-c", green=False), verdict("u-c")))
    state = book.state
    assert (state.outcome, state.tip, state.published) == ("incomplete", "U-c", "U-c")
    assert state.reason == "2 of 5 tasks are not landed: c, d"
    assert state.verdicts["u-c", "test", "env"].green and state.flakes == {"test": 1}
    found = report(state, {"a": True, "b": True, "z": True})
    assert not found.complete and "3 of 5 tasks landed" in headline(found)
    assert [(task.status, task.landed, task.proven) for task in found.tasks if task.id in "cd"] == [
        ("undone", "", None)
    ] * 2
    assert graph(found).splitlines()[:4] == [
        "●   U-c  c undone",
        "●   U-d  d undone",
        "●─╮ L-d  d",
        "│ ● w-d  ada",
    ]
    assert "undone by U-c" in markdown(found)
    with pytest.raises(IllegalEvent, match="the run is over: incomplete"):
        book.note(e.RunResumed(pid=1))


def test_what_waited_is_held_and_its_work_leaves_the_queue() -> None:
    tasks = [
        Task(id="a", title="A"),
        *(Task(id=name, title=name, after=("a",)) for name in ("ready", "delivered", "sent-back")),
        Task(id="later", title="L", after=("delivered",)),
        Task(id="free", title="F"),
    ]
    book = begun(tasks)
    land(book, "a")
    work(book, "delivered")
    work(book, "sent-back")
    book.note(e.LandingStarted(tasks=("sent-back",)))
    book.note(e.TaskConflicted(task="sent-back", paths=("f",)))
    book.note(e.BatchBuilt(tasks=(), base="L-a", base_tree="t-a"))
    book.note(e.StopRequested(reason="stop"))
    book.note(e.RunFinished(outcome="stopped", reason="stop"))

    take_off(book)

    state = book.state
    held = {name: task.reason for name, task in state.tasks.items() if task.status is TaskStatus.HELD}
    assert held == {
        "ready": "waits for a, which is undone",
        "delivered": "waits for a, which is undone",
        "sent-back": "waits for a, which is undone",
        "later": "waits for delivered, which is held",
    }
    assert state.outcome == "stopped" and not state.queue and state.over == 5
    actions = book.send(e.RunResumed(pid=1))
    assert [(it.task, state.tip) for it in actions if isinstance(it, a.StartAttempt)] == [("free", "U-a")]
    assert len(actions) == 1


def test_the_next_conflict_does_not_blame_what_is_undone() -> None:
    book = begun([Task(id=name, title=name, gates=("own",)) for name in "abcx"])
    for task in "ab":
        land(book, task, "shared.txt")
    book.note(e.StopRequested(reason="stop"))
    book.note(e.RunFinished(outcome="stopped"))
    take_off(book, "a")
    book.note(e.RunResumed(pid=1))
    assert [it.task for it in merge.landed_since(book.state, "base")] == ["b"]
    assert merge.landed_since(book.state, "U-a") == []
    land(book, "c", "shared.txt")
    assert [it.task for it in merge.landed_since(book.state, "U-a")] == ["c"]
    assert book.state.published == "L-c" and [it.task for it in book.state.standing] == ["b", "c"]
    lines = [
        line.split()[1:]
        for line in graph(report(book.state)).splitlines()
        if "●─╮" in line or "undone" in line
    ]
    assert lines == [["L-c", "c"], ["U-a", "a", "undone"], ["L-b", "b"], ["L-a", "a"]]


# -- what may not come ------------------------------------------------------------------------------------


def test_illegal_undoing_names_itself_and_changes_nothing() -> None:
    book = all_landed()
    one = reversals(book.state, "d")
    both = reversals(book.state, "c")
    going = {"working": begun(), "undoing": all_landed(), "done": all_landed()}
    work(going["working"], "z")
    going["working"].note(e.LandingStarted(tasks=("z",)))
    going["undoing"].note(e.UndoStarted(reversals=one))
    take_off(going["done"], "d")
    confirmed = e.LandingUndone.model_validate(one[0].model_dump())
    moved = one[0].model_copy(update={"landing": "L-x"})
    cases: list[tuple[Playbook, e.Event, str]] = [
        (going["working"], e.UndoStarted(reversals=one), "in flight"),
        (going["undoing"], e.UndoStarted(reversals=one), "undoing of d is not accounted for"),
        (going["undoing"], e.LandingUndone.model_validate(both[1].model_dump()), "next is 'd'"),
        (going["done"], e.UndoStarted(reversals=one), "does not begin at U-d"),
        (going["done"], confirmed, "no undoing was begun"),
        (going["done"], e.UndoDropped(), "nothing is being undone"),
        (book, e.UndoStarted(reversals=()), "does not begin at L-d"),
        (book, e.UndoStarted(reversals=(one[0], one[0])), "does not follow U-d"),
        (book, e.UndoStarted(reversals=(moved,)), "landed as L-d, not as L-x"),
        (
            book,
            e.UndoStarted(reversals=(both[1].model_copy(update={"parent": "L-d"}),)),
            "'c' cannot be undone while 'd' stays landed",
        ),
        (book, confirmed, "no undoing was begun"),
    ]
    for played, event, words in cases:
        before = copy.deepcopy(played.state)
        with pytest.raises(IllegalEvent, match=words):
            apply(played.state, e.Record(played.state.seq + 1, 99.0, event))
        assert played.state == before


def test_an_open_undoing_must_be_accounted_for_before_a_resume() -> None:
    book = begun()
    land(book, "a")
    book.note(e.RunFinished(outcome="stopped"))
    book.note(e.UndoStarted(reversals=reversals(book.state)))
    with pytest.raises(IllegalEvent, match="unaccounted"):
        book.note(e.RunResumed(pid=1))
    book.note(e.UndoDropped())
    assert book.state.tasks["a"].status is TaskStatus.LANDED
    book.note(e.RunResumed(pid=1))


def test_nothing_follows_from_undoing_a_finished_run() -> None:
    book = all_landed()
    event = e.UndoStarted(reversals=reversals(book.state))
    book.note(event)
    assert decide(book.state, event) == []


def test_a_gate_that_only_an_undone_task_had_says_nothing_about_the_base() -> None:
    """The next task with such a gate of its own is red by its own fault: the run does not stop for it."""
    book = begun([Task(id=name, title=name, gates=("own",)) for name in "ax"])
    land(book, "a")
    book.note(e.StopRequested(reason="stop"))
    book.note(e.RunFinished(outcome="stopped"))
    take_off(book, "a")
    book.note(e.RunResumed(pid=1))
    work(book, "x")
    book.note(e.LandingStarted(tasks=("x",)))
    book.note(e.CandidateMade(task="x", parent="U-a", commit="L-x", tree="t-x"))
    book.note(e.BatchBuilt(tasks=("x",), base="U-a", base_tree="u-a"))
    red = e.CandidateChecked(task="x", commit="L-x", verdicts=(verdict("t-x", "own", green=False),))
    book.send(red)

    book.send(red)

    assert [it.task for it in book.events(e.TaskRejected)] == ["x"]  # type: ignore[attr-defined]
    assert not book.state.stopping
