"""Messages, questions and steering, in words."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from workbench.cli.lines import LiveTable
from workbench.cli.mailbox import lines
from workbench.core import events as e
from workbench.core.inbox import inbox
from workbench.core.mail import PERSON
from workbench.core.models import BUDGET_SPENT
from workbench.core.requests import Answer, Pause, Request, RequestShutdown, Retry, Skip, Write
from workbench.core.story.mail import to_answer, waits
from workbench.core.story.story import Story as Told
from workbench.core.story.team import afresh, again, resting, rows
from workbench.testing.story import Story, task

HOSTILE = "which\x1b[2J port?\r\n\x07second\u202e line"


def asked() -> Story:
    """Ada asks the person and waits."""
    run = Story(task("a"), task("b"), on_question="ask")
    run.send(e.WorktreeReady(teammate="ada", path="/w/ada", branch="ada", seconds=0.1))
    run.mark("a", "question", HOSTILE)
    run.turn("a")
    return run


def make(run: Story, request: Request) -> None:
    number = len(run.events(e.RequestMade)) + 1
    run.send(e.RequestMade(id=f"{number:08x}", by=PERSON, request=request))


def told(run: Story) -> list[str]:
    """The lines of a display that saw every record as it came."""
    story = Told()
    said = (story.line(run.state, record.event) for record in run.log)
    return [f"{it.who}: {it.what}" for it in said if it is not None]


def test_a_question_is_told_with_the_command_that_answers_it() -> None:
    (said,) = [it for it in told(asked()) if " asks " in it]
    assert said == 'ada: asks you (m1): which [2J port?\nworkbench answer m1 "…"'


def test_who_asks_whom_is_not_taken_for_who_is_asked() -> None:
    run = asked()
    make(run, RequestShutdown(teammate="ada", reason="enough"))
    assert "person: asks ada to leave (m2): enough" in told(run)
    said = lines(inbox(run.state, {}), 5.0)
    assert any(line.startswith("m2  shutdown from you: waits for ada") for line in said), said


def test_a_display_says_once_what_a_teammate_says() -> None:
    run = asked()
    run.mark("b", "message", "look at port.py", to="ada")
    assert [it for it in told(run) if "port.py" in it] == ["bob: to ada: look at port.py"]


def test_who_waits_for_whom_is_shown() -> None:
    run = asked()
    assert [row.doing for row in rows(run.state)] == ["waits for you (m1)", "working"]
    assert waits(run.state) == ["ada (a) waits for you: m1 which [2J port?"]
    assert to_answer(run.state) == "1 waits for your answer: workbench inbox"
    make(run, Answer(message="m1", text="8080"))
    assert to_answer(run.state) == "" and waits(run.state) == []
    assert "person: to ada, answering m1: 8080" in told(run)


def test_the_live_display_says_that_somebody_waits() -> None:
    run = asked()
    out = io.StringIO()
    console = Console(file=out, width=100)
    table = LiveTable(console, clock=lambda: 0.0)
    table.show(run.state, run.log[-1])
    console.print(table.foot())
    assert "1 waits for your answer: workbench inbox" in out.getvalue()


def test_what_people_ask_of_the_run_is_told_and_what_was_refused() -> None:
    run = Story(task("a"), task("b"), task("c"), team=("ada",))
    for request in (Pause(), Pause(), Skip(task="c"), Retry(task="c"), Write(to="all", text="hi")):
        make(run, request)
    assert told(run)[-5:] == [
        "run: paused: nothing new starts until `workbench resume`",
        "run: a request was refused: The run is paused already.",
        "run: c is left out, as asked for; what waits for it goes on",
        "run: c is tried again, as asked for",
        "person: to all: hi",
    ]
    assert "workbench resume" in resting(run.state)


def test_a_run_that_waits_for_answers_says_where_they_are() -> None:
    assert afresh("r", "waits for an answer: m1, a question of ada (a)") == (
        "`workbench inbox r` shows what is asked, and how to answer; then `workbench resume r` goes on"
    )


@pytest.mark.parametrize("reason", ["waits for an answer: m1", BUDGET_SPENT, "interrupted with Ctrl-C"])
def test_the_command_that_goes_on_is_a_command_and_nothing_else(reason: str) -> None:
    words = again("r", reason).split()
    assert words[:3] == ["workbench", "resume", "r"] and not set("`();") & set("".join(words))


@pytest.mark.parametrize("everything", [False, True])
def test_nothing_that_somebody_wrote_moves_the_cursor(everything: bool) -> None:
    run = asked()
    run.mark("b", "message", HOSTILE, to=PERSON)
    said = lines(inbox(run.state, {"m1": 1.0}, everything=everything), 5.0, everything=everything)
    assert all(line.isprintable() for line in said), said
    assert any("second\\u202e line" in line for line in said)


def test_an_empty_inbox_says_so_and_a_long_one_is_cut() -> None:
    run = Story(task("a"), message_quota=100)
    assert lines(inbox(run.state, {}), 5.0) == ["r: nothing waits for you"]
    for number in range(12):
        run.mark("a", "message", f"number {number}", to=PERSON)
    said = lines(inbox(run.state, {}), 5.0)
    assert said[0] == "(2 earlier messages: workbench inbox --all)"
    assert said[1].startswith("m3  ada → you") and said[2] == "    number 2"
