"""A log, and the decisions it comes to."""

from __future__ import annotations

from hashlib import sha256

import pytest

from workbench.core import events as e
from workbench.core.audit import PLAIN, Audit, audit
from workbench.core.mail import PERSON, Message, MessageKind
from workbench.core.models import Plan, RunSettings, Task, Verdict


def oid(digit: str) -> str:
    return digit * 40


def started(*tasks: Task, gates: tuple[str, ...] = ("test",), no_gates: bool = False) -> e.RunStarted:
    return e.RunStarted(
        plan=Plan(title="A plan", tasks=tasks),
        plan_text="",
        plan_sha256="f" * 64,
        plan_path="plan.md",
        settings=RunSettings(team=("ada",), gates=gates, no_gates=no_gates),
        base=oid("0"),
        base_tree=oid("1"),
        target="main",
        integration="refs/heads/workbench/a-plan-1/integration",
    )


def verdict(tree: str, gate: str = "test", *, green: bool = True) -> Verdict:
    return Verdict(tree=oid(tree), gate=gate, environment="", green=green, seconds=1.0)


def checked(*verdicts: Verdict) -> e.CandidateChecked:
    return e.CandidateChecked(task="a", commit=oid("c"), verdicts=verdicts)


def landed(task: str, commit: str, parent: str, tree: str) -> e.TaskLanded:
    return e.TaskLanded(task=task, attempt=1, commit=oid(commit), parent=oid(parent), tree=oid(tree))


def of(*events: e.Event) -> Audit:
    return audit(e.Record(number, 1000.0 + number, event) for number, event in enumerate(events, 1))


def test_what_is_published_at_once_needs_its_gates_at_the_tip_only() -> None:
    found = of(
        started(Task(id="a", title="A"), Task(id="b", title="B")),
        checked(verdict("9", green=False), verdict("9")),
        landed("a", "a", "0", "8"),
        landed("b", "b", "a", "9"),
        e.RunFinished(outcome="landed"),
    )
    (published,) = found.publications
    assert (published.tasks, published.commit, published.missing) == (("a", "b"), oid("b"), ())
    assert [entry.verdicts for entry in found.entries if entry.kind == "landing"] == [
        (),
        ("green test (1 s)",),
    ]


def test_what_was_published_without_its_gates_is_found() -> None:
    task = Task(id="a", title="A", gates=("own",))
    begun = started(task)
    assert of(begun, checked(verdict("8")), landed("a", "a", "0", "9")).publications[0].missing == (
        "test",
        "own",
    )
    only_red = checked(verdict("9"), verdict("9", "own", green=False))
    assert of(begun, only_red, landed("a", "a", "0", "9")).publications[0].missing == ("own",)
    unproven = of(started(task, no_gates=True), landed("a", "a", "0", "9"))
    assert unproven.publications[0].missing == ()


@pytest.mark.parametrize("decision", ["yes", "no"])
def test_who_answered_what_with_the_hash_of_what_was_approved(decision: str) -> None:
    plan = Message(id="m1", kind=MessageKind.PLAN, sender="ada", to=PERSON, text="1. Do it.", task="a")
    answer = Message(
        id="m2", kind=MessageKind.ANSWER, sender=PERSON, to="ada", text="So be it", reply_to="m1",
        decision="yes" if decision == "yes" else "no",
    )  # fmt: skip
    chat = Message(id="m3", kind=MessageKind.MESSAGE, sender="ada", to="bob", text="Hello")
    found = of(*(e.MessageSent(message=it) for it in (plan, answer, chat)))
    asked, answered = found.entries
    assert (asked.kind, asked.by) == ("asks plan-approval", "ada")
    assert (answered.kind, answered.by, answered.task) == ("answers plan-approval", PERSON, "a")
    assert decision in answered.about and "So be it" in answered.about
    assert asked.sha256 == answered.sha256 == sha256(b"1. Do it.").hexdigest()


def test_permissions_are_told_whole_and_on_one_line() -> None:
    denied = e.ActionDenied(task="a", attempt=1, tool="Bash", target="rm\n-rf /", reason="outside")
    asked = e.PermissionAsked(task="a", attempt=1, key="k", tool="WebFetch", target="x.org", reason="no rule")
    found = of(denied, asked)
    assert [entry.kind for entry in found.entries] == ["permission denied", "permission asked"]
    assert found.entries[0].about == "Bash rm -rf /: outside"


def test_each_event_that_is_told_of_is_one() -> None:
    assert all(kind in e.EVENTS.values() for kind in PLAIN)
