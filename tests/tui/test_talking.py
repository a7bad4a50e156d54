"""Talking: to whom, what about, that nothing written is lost, and who has read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import Input, TextArea

from tests.tui.conftest import screen_text
from tests.tui.played import Played, Viewer, everything, story, viewing
from workbench.core import events as e
from workbench.core.mail import ALL, PERSON, Message, MessageKind
from workbench.core.models import TEXT_LIMIT
from workbench.core.requests import Answer, Write
from workbench.tui.presenting import threads
from workbench.tui.screens.write import WriteScreen
from workbench.tui.widgets.rows import Rows

# -- exchanges -----------------------------------------------------------------------------------------


def exchange() -> Played:
    """Ada asks cy; the person joins in; cy answers; then there is a letter to all."""
    run = story()
    run.mark("parse", "question", "which port?", to="cy")
    run.ask(Write(to="ada", text="8080, I think", reply_to="m1"))
    run.ask(Write(to="ada", text="or rather 80", reply_to="m2"))
    run.ask(Answer(message="m1", text="8081"))
    run.ask(Write(to=ALL, text="well done"))
    return run


def told(run: Played, folded: set[str] | None = None) -> list[tuple[str, int, int]]:
    return [(it.message.id, it.depth, it.hidden) for it in threads.entries(run.state, folded or set())]


def test_replies_stand_beneath_what_they_answer() -> None:
    assert told(exchange()) == [("m1", 0, 0), ("m2", 1, 0), ("m3", 2, 0), ("m4", 1, 0), ("m5", 0, 0)]


def test_what_is_folded_is_one_line() -> None:
    run = exchange()
    assert told(run, {"m1"}) == [("m1", 0, 3), ("m5", 0, 0)]
    entry = threads.entries(run.state, {"m1"})[0]
    line = threads.row(entry, {}, 0.0, threads.Readers(run.state).stands(entry.message))
    assert line.cells[2].text == "▸ 4 question: which port?"


def test_a_filter_shows_whole_exchanges() -> None:
    run = exchange()
    found = threads.entries(run.state, set(), lambda it: "rather" in it.text)
    assert [it.message.id for it in found] == ["m1", "m2", "m3", "m4"]


def test_only_the_latest_letters_are_listed() -> None:
    run = story()
    for _ in range(threads.MOST + 5):
        run.ask(Write(to=ALL, text="again"))
    found = threads.entries(run.state, set())
    assert len(found) == threads.MOST and found[0].message.id == "m6"


def test_a_letter_stands_as_sent_and_as_read_when_its_session_took_it_up() -> None:
    run = story()
    run.ask(Write(to="ada", text="hello"))
    message = run.state.mail["m1"]
    assert threads.Readers(run.state).stands(message).text == "sent"
    assert threads.readers(run.state, message) == "given to ada"
    run.send(e.MessagesRead(task="parse", attempt=1, messages=("m1",)))
    assert threads.Readers(run.state).stands(message).text == "read"
    assert threads.readers(run.state, message) == "read by ada"


def test_a_letter_to_all_counts_its_readers() -> None:
    run = story()
    run.ask(Write(to=ALL, text="hello"))
    run.send(e.MessagesRead(task="parse", attempt=1, messages=("m1",)))
    message = run.state.mail["m1"]
    readers = threads.Readers(run.state).stands(message).text
    assert readers == "read 1/4"
    said = threads.readers(run.state, message)
    assert said.startswith("read by ada; ") and "bob" in said and "dan" in said


def test_what_asks_says_whether_it_was_answered() -> None:
    run = exchange()
    run.mark("login", "question", "really?")
    readers = threads.Readers(run.state)
    assert readers.stands(run.state.mail["m1"]).text == "answered m4"
    assert readers.stands(run.state.mail["m6"]).text == "waits for you"


def test_who_gets_a_reply() -> None:
    def message(sender: str, to: str) -> Message:
        return Message(id="m1", kind=MessageKind.MESSAGE, sender=sender, to=to)

    assert threads.replies_to(message("ada", PERSON)) == "ada"
    assert threads.replies_to(message(PERSON, "ada")) == "ada"
    assert threads.replies_to(message("workbench", PERSON)) == ""
    assert threads.replies_to(message("ada", "bob")) == "ada"


# -- the letters on the screen ---------------------------------------------------------------------------


async def letters(viewer: Viewer) -> Rows:
    await viewer.press("4", "left_square_bracket")
    return viewer.app.screen.query_one("#letters", Rows)


async def test_the_letters_begin_at_the_newest_and_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = exchange()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        rows = await letters(viewer)
        assert rows.key == "m5"
        run.ask(Write(to=ALL, text="the newest"))
        await viewer.settle()
        assert rows.key == "m6", "it follows while it is at the end"
        rows.point("m3")
        run.ask(Write(to=ALL, text="newer"))
        await viewer.settle()
        assert rows.key == "m3"
        await viewer.press("space")
        assert (rows.key, len(rows.rows)) == ("m1", 4)
        await viewer.press("space")
        assert len(rows.rows) == 7
        await viewer.press("minus")
        assert [row.key for row in rows.rows] == ["m1", "m5", "m6", "m7"]
        await viewer.press("minus", "slash", *"rather", "enter")
        assert [row.key for row in rows.rows] == ["m1", "m2", "m3", "m4"]


async def test_enter_on_a_letter_replies_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = exchange()
    run.mark("login", "message", "I am half through", to=PERSON)
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await letters(viewer)
        await viewer.press("enter")
        assert "I am half through" in screen_text(viewer.pilot) and "Reply to cy" in screen_text(viewer.pilot)
        await viewer.press(*"ok", "ctrl+s")
        reply = run.state.mail["m7"]
        assert (reply.to, reply.text, reply.reply_to, reply.thread) == ("cy", "ok", "m6", "m6")


async def test_enter_on_an_open_question_answers_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = story()
    run.mark("login", "question", "which port?")
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await letters(viewer)
        await viewer.press("enter", *"80", "ctrl+s")
        assert run.state.mail[run.state.answers["m1"]].text == "80"


async def test_a_hostile_letter_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with viewing(everything(), tmp_path, monkeypatch, (80, 24)) as viewer:
        rows = await letters(viewer)
        rows.point("m1")
        await viewer.settle()
        shown = screen_text(viewer.pilot)
        assert "Which [bold red]port[/]? [2J [@click=app.quit]quit[/]" in shown and "\x1b" not in shown


# -- writing -------------------------------------------------------------------------------------------


def field(viewer: Viewer) -> TextArea:
    return viewer.app.screen.query_one("#text", TextArea)


async def test_whom_is_chosen_with_completion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = story()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.write_to("")
        assert "all  ada  bob  cy  dan" in screen_text(viewer.pilot)
        await viewer.press("z")
        assert "nobody is called that" in screen_text(viewer.pilot)
        await viewer.press("ctrl+s")
        assert "There is nobody called 'z'." in viewer.said and not run.state.mail
        await viewer.press("backspace", "d", "enter")
        assert viewer.app.screen.query_one("#to", Input).value == "dan"
        await viewer.press(*"hi", "ctrl+s")
        assert [(it.to, it.text) for it in run.state.mail.values()] == [("dan", "hi")]


async def test_b_writes_to_all_and_the_inbox_to_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = story()
    run.mark("login", "question", "which port?")
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.press("b", *"x", "ctrl+s")
        await viewer.press("4", "m", *"y", "ctrl+s")
        assert [it.to for it in run.state.mail.values() if it.sender == PERSON] == [ALL, "cy"]


async def test_a_draft_is_kept_for_each_and_there_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = story()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.write_to("ada")
        await viewer.press(*"one", "enter", *"two", "escape")
        await viewer.write_to("bob")
        assert field(viewer).text == ""
        await viewer.press("escape")
        await viewer.write_to("ada")
        assert field(viewer).text == "one\ntwo"
        await viewer.press("ctrl+s")
        assert run.state.mail["m1"].text == "one\ntwo"
        await viewer.write_to("ada")
        assert field(viewer).text == "", "what was sent is no draft"
        await viewer.press("escape")
        assert not viewer.app.talking.drafts


async def test_a_draft_comes_with_whom_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with viewing(story(), tmp_path, monkeypatch) as viewer:
        viewer.app.talking.drafts["bob"] = "for bob"
        await viewer.write_to("")
        await viewer.press(*"bob", "enter")
        assert field(viewer).text == "for bob"


async def test_what_is_refused_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.write_to("bob")
        await viewer.press(*"hello")
        run.send(e.TeammateLeft(name="bob", reason="gone"))
        await viewer.press("ctrl+s")
        assert any("There is nobody called 'bob' in this run." in it for it in viewer.said)
        assert viewer.app.talking.drafts == {"bob": "hello"}


async def test_nothing_empty_and_nothing_too_long_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = story()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.write_to("bob")
        await viewer.press("space", "ctrl+s")
        assert "There is nothing to send." in viewer.said
        field(viewer).load_text("x" * TEXT_LIMIT)
        await viewer.settle()
        assert "20,000 / 20,000" in screen_text(viewer.pilot)
        await viewer.press("end", "y")
        assert "1 too many" in screen_text(viewer.pilot)
        await viewer.press("ctrl+s")
        assert isinstance(viewer.app.screen, WriteScreen) and not run.state.mail
        await viewer.press("backspace", "ctrl+s")
        assert run.state.mail["m1"].text == "x" * TEXT_LIMIT


async def test_many_lines_are_pasted_however_the_terminal_sends_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = story()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.write_to("bob")
        viewer.app.post_message(Paste("one\ntwo\n"))
        await viewer.press(*"a", "ctrl+j", *"b", "enter", *"c")
        assert field(viewer).text == "one\ntwo\na\nb\nc" and not run.state.mail


async def test_yes_with_words_may_be_sent_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        viewer.app.answer("m2", "no")
        await viewer.settle()
        await viewer.press("ctrl+s")
        assert run.state.mail[run.state.answers["m2"]].decision == "no"
        viewer.app.answer("m1")
        await viewer.settle()
        await viewer.press("ctrl+s")
        assert "m1" in run.state.asks and "There is nothing to send." in viewer.said
