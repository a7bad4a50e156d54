"""What a brief and the messages of commits say."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.brief import brief_values, landing_message, snapshot_message
from workbench.core.models import Plan, RunSettings, Task
from workbench.core.requests import Write
from workbench.testing.playbook import Playbook, started

TASKS = [Task(id="a", title="Build it", gates=("lint",)), Task(id="b", title="Use it", after=("a",))]


def under_way(agent: str = "claude") -> Playbook:
    book = Playbook()
    first = started(TASKS, RunSettings(team=("ada", "bob"), gates=("test",), agent=agent))
    plan = Plan(title="The plan", tasks=tuple(TASKS), context="For all.", contract="Interfaces.")
    book.send(first.model_copy(update={"plan": plan}))
    book.send(e.BaseChecked(verdicts=()))
    return book


def conflicted() -> Playbook:
    book = under_way()
    for event in (
        e.TurnEnded(task="a", attempt=1, live=False),
        e.WorkCollected(task="a", attempt=1, commit="c", tree="t", changed=True, snapshot=False, pin="p"),
        e.WorkChecked(task="a", attempt=1, commit="c", verdicts=()),
        e.RequestMade(id="1", by="person", request=Write(to="ada", text="hello")),
        e.AttemptEnded(task="a", attempt=1, teammate="ada"),
        e.ConflictFound(task="a", parent="base", paths=("f",), hunks="<<<<<<< f"),
    ):
        book.send(event)
    return book


def test_a_first_brief_has_all_there_is_to_know_and_nothing_of_earlier_attempts() -> None:
    book = under_way()
    values = brief_values(book.state, book.state.attempts["a", 1], ())
    assert values["task"] == TASKS[0]
    assert (values["plan_title"], values["context"], values["contract"]) == (
        "The plan", "For all.", "Interfaces.",
    )  # fmt: skip
    assert values["gates"] == ("test", "lint")
    assert values["teammates"] == ["bob"]
    assert (values["evidence"], values["hunks"], values["why"]) == ("", "", "first")
    assert values["agent"] == "claude"


def test_a_fixups_brief_carries_the_conflict_and_the_mail_that_waited() -> None:
    book = conflicted()
    values = brief_values(book.state, book.state.attempts["a", 2], ("f",))
    assert (values["why"], values["conflicts"], values["hunks"]) == ("conflict", ("f",), "<<<<<<< f")
    letters = values["messages"]
    assert isinstance(letters, list)
    assert [(it["id"], it["sender"], it["text"]) for it in letters] == [("m1", "person", "hello")]


def test_any_other_agent_is_a_command() -> None:
    book = under_way("command:make work")
    assert brief_values(book.state, book.state.attempts["a", 1], ())["agent"] == "command"


def test_commit_messages_end_in_trailers_that_say_whose_work_it_is() -> None:
    book = under_way()
    snapshot = snapshot_message(book.state.attempts["a", 1], "Build it")
    assert snapshot.splitlines()[0] == "Build it"
    assert snapshot.endswith(
        "Workbench-Task: a\nWorkbench-Attempt: 1\nWorkbench-Teammate: ada\nWorkbench-Snapshot: true\n"
    )
    book.state.tasks["a"].delivered_by = 1
    landing = landing_message(book.state, "a")
    assert landing.splitlines()[0] == "Land a: Build it"
    assert landing.endswith(
        "Workbench-Run: r\nWorkbench-Task: a\nWorkbench-Attempt: 1\nWorkbench-Teammate: ada\n"
    )
