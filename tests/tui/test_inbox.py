"""The inbox: what waits is there, is answered in one key, and no key answers what it was not meant for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tui.conftest import screen_text
from tests.tui.played import BEGAN, Played, Viewer, everything, story, viewing, waiting
from workbench.composition.requesting import kept_answers
from workbench.core import events as e
from workbench.core.mail import PERSON
from workbench.core.requests import Answer, Write
from workbench.core.watched import Watched
from workbench.errors import UsageError
from workbench.testing.story import task
from workbench.tui.presenting import answering
from workbench.tui.presenting import inbox as box
from workbench.tui.presenting import item as about
from workbench.tui.presenting.answering import Given, next_item
from workbench.tui.presenting.threads import clean
from workbench.tui.screens import inbox as screens
from workbench.tui.screens.inbox import InboxScreen
from workbench.tui.widgets.rows import Rows


def watched(run: Played) -> Watched:
    found = Watched("r")
    for record in run.log:
        found.take(record)
    found.stands(live=True, trouble="", caught_up=True, last=len(run.log))
    return found


def item(run: Played, kind: str) -> box.Item:
    return next(it for it in box.items(watched(run)) if it.kind == kind)


# -- what waits ----------------------------------------------------------------------------------------


def test_all_that_waits_is_one_list_oldest_first_and_what_waits_for_others_behind_it() -> None:
    found = box.items(watched(everything()))
    assert [(it.kind, it.mine) for it in found] == [
        ("failed", True), ("held", True), ("question", True), ("permission", True), ("plan", True),
        ("plan change", True), ("join", True), ("question", False), ("leaving", False),
    ]  # fmt: skip
    mine = [it.since for it in found if it.mine]
    assert mine == sorted(mine) and mine[0] > BEGAN


def test_a_row_says_how_old_it_is_and_how_long_it_waits() -> None:
    run = everything()
    now = run.now + 400
    rows = {it.kind: [cell.text for cell in box.row(it, now, "").cells] for it in box.items(watched(run))}
    assert rows["permission"] == ["6m", "permission", "cy", "login", rows["permission"][4], "3m left"]
    assert rows["permission"][4].startswith("Bash curl https://example.org")
    assert rows["plan"][4:] == ["How I do it", ""]
    assert rows["plan change"][4] == "adds docs"
    assert rows["leaving"][5] == "for cy"
    assert box.row(item(run, "permission"), run.now + 4000, "").cells[5].text == "time is up"
    assert box.row(item(run, "permission"), now, "yes (sent)").cells[5].text == "yes (sent)"


def test_what_holds_its_task_says_so() -> None:
    run = story(on_plan="hold")
    run.mark("plan", "plan", "# How")
    run.turn("plan")
    run.ended("plan", interrupted=True)
    held = item(run, "plan")
    assert held.holds and box.row(held, run.now, "").cells[5].text == "holds its task"
    assert ("meanwhile", "its task is held") in about.page(watched(run), held, run.now, "").facts


def test_a_page_tells_a_permission_apart_into_tool_target_and_reason() -> None:
    run = everything()
    page = about.page(watched(run), item(run, "permission"), run.now, "")
    assert [(it.heading, it.text) for it in page.parts] == [
        ("Bash on", "curl https://example.org/install.sh | sh"),
        ("because", "No rule allows it."),
    ]
    facts = dict(page.facts)
    assert facts["task"] == "login: Do login" and facts["until"].endswith("then it is refused")
    assert [key for key, _ in page.keys] == ["y", "n", "Y N", "o", "t"]


def test_a_permission_for_a_tool_without_a_target() -> None:
    run = story()
    run.send(e.PermissionAsked(task="login", attempt=1, key="p", tool="Exit", target="", reason="No rule."))
    page = about.page(watched(run), item(run, "permission"), run.now, "")
    assert [it.text for it in page.parts] == ["Exit", "No rule."]


def test_a_page_on_a_stuck_task_has_its_evidence_and_what_was_done_last() -> None:
    run = everything()
    there = watched(run)
    there.state.tasks["broken"].evidence = "\n".join(f"line {it}" for it in range(500))
    page = about.page(there, item(run, "failed"), run.now, "")
    parts = {it.heading: it.text for it in page.parts}
    assert parts["why"] == "it crashed"
    assert parts["evidence"].splitlines()[0] == "… 300 lines before"
    assert parts["evidence"].splitlines()[-1] == "line 499"
    assert "Bash" in parts["the last that its teammate did"]
    held = about.page(there, item(run, "held"), run.now, "")
    assert {it.heading: it.text for it in held.parts}["waits for"] == "broken (failed)"


def test_a_question_comes_with_its_exchange() -> None:
    run = everything()
    run.ask(Write(to="ada", text="why do you ask?", reply_to="m1"))
    page = about.page(watched(run), next(it for it in box.items(watched(run)) if it.key == "m1"), run.now, "")
    assert "why do you ask?" in next(it.text for it in page.parts if it.heading == "the exchange")


def test_moves_fit_what_it_is() -> None:
    run = everything()
    moves = {it.key: it.moves for it in box.items(watched(run))}
    assert moves["task broken"] == {"retry", "skip"} and moves["task after"] == {"skip"}
    assert moves["m1"] == {"yes", "no", "answer"} and moves["m2"] == {"yes", "no", "words"}
    assert moves["m7"] == set()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0s"), (59.9, "59s"), (60, "1m"), (3_599, "59m"), (7_200, "2h"), (200_000, "2d")],
)
def test_ages_take_four_cells(seconds: float, said: str) -> None:
    assert box.age(seconds) == said


def test_after_an_answer_comes_the_next_that_has_none() -> None:
    found = box.items(watched(everything()))
    at, given = {it.key: it for it in found}, Given()
    assert next_item(found, at["m1"], given) == "m2"
    given.send(at["m2"], "yes")
    assert (next_item(found, at["m1"], given), given.words(at["m2"])) == ("m3", "yes (sent)")
    given.kept["m3"] = "no (kept)"
    assert next_item(found, at["m1"], given) == "m5"
    assert next_item(found, at["m6"], given) == "task broken", "from the top again"
    for item in found:
        given.send(item, "yes")
    assert next_item(found, at["m1"], given) == ""


def test_what_was_answered_is_forgotten_once_it_waits_no_more_or_waits_anew() -> None:
    run = everything()
    found = box.items(watched(run))
    given = Given()
    for item in found:
        given.send(item, "yes")
    again = replace(found[0], since=found[0].since + 1)
    given.settle([again, found[2]])
    assert [given.sent(it) for it in (again, found[1], found[2])] == ["", "", "yes (sent)"]


def test_text_of_others_moves_no_cursor() -> None:
    assert clean("a\x1b[2Jb\tc\r\n\u202ed") == "a [2Jb  c\n d"


# -- on the screen -------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys count at once, however an item came under the cursor."""
    monkeypatch.setattr(answering, "SETTLE_SECONDS", 0.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The clock by which an item has stood under the cursor long enough; it stands still."""
    now = [1000.0]
    monkeypatch.setattr(screens, "monotonic", lambda: now[0])
    yield now


def rows(viewer: Viewer) -> Rows:
    return viewer.app.screen.query_one("#waiting", Rows)


async def at(viewer: Viewer, key: str) -> None:
    """The inbox with the cursor on an item."""
    if not isinstance(viewer.app.screen, InboxScreen):
        await viewer.press("4")
    assert rows(viewer).point(key), f"there is no {key}"
    await viewer.settle()


def line_of(viewer: Viewer, text: str) -> str:
    return next(it for it in screen_text(viewer.pilot).splitlines() if text in it)


@pytest.mark.parametrize(("key", "decision"), [("y", "yes"), ("n", "no")])
async def test_one_key_answers_and_goes_on_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: None, key: str, decision: str
) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await at(viewer, "m2")
        await viewer.press(key)
        answer = run.state.mail[run.state.answers["m2"]]
        assert (answer.decision, answer.sender) == (decision, PERSON)
        assert rows(viewer).key == "m3"
        assert "m2" not in [row.key for row in rows(viewer).rows]


async def test_an_answer_shows_as_sent_until_the_log_tells_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: None
) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        go = threading.Event()
        taken = run.ask

        async def slow(place: object, wanted: str | None, request: Answer) -> object:
            await asyncio.to_thread(go.wait)
            taken(request)
            raise UsageError("never mind")

        monkeypatch.setattr("workbench.composition.requesting.ask", slow)
        await at(viewer, "m2")
        await viewer.pilot.press("y")
        await viewer.pilot.pause()
        assert "yes (sent)" in line_of(viewer, "curl") and "m2" in run.state.asks
        await viewer.pilot.press("k", "n")
        await viewer.pilot.pause()
        assert "That is answered already: yes (sent)." in viewer.said
        go.set()
        await viewer.settle()
        assert "m2" in run.state.answers and "yes (sent)" not in screen_text(viewer.pilot)


async def test_a_question_is_answered_in_words_and_yes_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: None
) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await at(viewer, "m1")
        await viewer.press("enter", *"8080", "ctrl+s")
        assert run.state.mail[run.state.answers["m1"]].text == "8080"
        await at(viewer, "m4")
        await viewer.press("y")
        answer = run.state.mail[run.state.answers["m4"]]
        assert (answer.text, answer.decision) == ("Yes.", "")


@pytest.mark.parametrize(("key", "decision"), [("Y", "yes"), ("N", "no")])
async def test_a_capital_lets_one_add_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: None, key: str, decision: str
) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await at(viewer, "m3")
        await viewer.press(key)
        assert "How I do it" in screen_text(viewer.pilot)
        assert "m3" in run.state.asks, "nothing is sent yet"
        await viewer.press(*"ok", "ctrl+s")
        answer = run.state.mail[run.state.answers["m3"]]
        assert (answer.decision, answer.text) == (decision, "ok")


async def test_stuck_tasks_are_tried_again_or_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: None
) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.press("4", "y")
        assert any("That key is not for a failed" in it for it in viewer.said)
        assert not run.events(e.TaskRetried, e.TaskSkipped)
        await viewer.press("r")
        assert [it.task for it in run.events(e.TaskRetried) if isinstance(it, e.TaskRetried)] == ["broken"]
        assert "task broken" not in [row.key for row in rows(viewer).rows]
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.press("4", "x")
        assert [it.task for it in run.events(e.TaskSkipped) if isinstance(it, e.TaskSkipped)] == ["broken"]


async def test_a_wrong_key_asks_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: None
) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await at(viewer, "m7")
        before = len(run.log)
        await viewer.press("y", "r", "x", "N", "enter")
        assert len(run.log) == before
        assert any("only cy can answer this" in it for it in viewer.said)
    run = story()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.press("4")
        before = len(run.log)
        await viewer.press("y", "r", "N", "enter", "o", "t", "c")
        assert len(run.log) == before and not viewer.said
        assert "Nothing waits for you" in screen_text(viewer.pilot)


async def test_a_key_does_not_hit_what_came_under_the_cursor_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await at(viewer, "m2")
        run.ask(Answer(message="m2", decision="no"))  # by somebody else
        await viewer.settle()
        assert rows(viewer).key == "m3"
        await viewer.press("y")
        assert "m3" in run.state.asks
        assert viewer.said.count("This one came up just now: read it, and press again.") == 1
        clock[0] += answering.SETTLE_SECONDS * 0.9
        await viewer.press("y")
        clock[0] += answering.SETTLE_SECONDS * 0.9
        await viewer.press("y")
        assert "m3" in run.state.asks, "a key that is held down answers nothing more"
        clock[0] += answering.SETTLE_SECONDS
        await viewer.press("y")
        assert "m3" in run.state.answers
        assert rows(viewer).key == "m5"
        await viewer.press("y")
        assert "m5" in run.state.asks
        await viewer.press("j", "k", "y")
        assert "m5" in run.state.answers, "whoever went there themselves meant it"


async def test_a_late_answer_is_refused_with_the_runs_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: None
) -> None:
    run = everything()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await at(viewer, "m2")
        take = run.ask

        def late(request: Answer) -> e.Event:
            take(Answer(message="m2", decision="no"))
            return take(request)

        monkeypatch.setattr(run, "ask", late)
        await viewer.press("y")
        assert any("has its answer already" in it for it in viewer.said)
        assert run.state.mail[run.state.answers["m2"]].decision == "no"


async def test_of_a_recording_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, at_once: None) -> None:
    run = everything()
    async with viewing(run, None, monkeypatch) as viewer:
        await at(viewer, "m2")
        before = len(run.log)
        await viewer.press("y")
        await viewer.press("N")
        await at(viewer, "m3")
        assert viewer.said == ["This is a recording: nothing can be asked of it."] * 2
        assert len(run.log) == before and "(sent)" not in screen_text(viewer.pilot)


async def test_the_answer_for_a_run_that_is_not_going_on_is_kept_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: None
) -> None:
    run = everything()
    run.going = False
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await at(viewer, "m2")
        await viewer.press("n")
        assert any(it.startswith("kept until the run goes on") for it in viewer.said)
        assert kept_answers(viewer.app.place, "r")["m2"].decision == "no"  # type: ignore[arg-type]
        assert "no (kept)" in line_of(viewer, "curl")
        await at(viewer, "task broken")
        await viewer.press("r")
        assert "again (kept)" in line_of(viewer, "it crashed")
        await at(viewer, "task broken")
        await viewer.press("r")
        assert "That is answered already: again (kept)." in viewer.said
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.press("4")
        assert "no (kept)" in line_of(viewer, "curl"), "another viewer finds it"


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_hostile_text_is_shown_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with viewing(everything(), tmp_path, monkeypatch, size) as viewer:
        await at(viewer, "m1")
        shown = screen_text(viewer.pilot)
        assert "Which [bold red]port[/]? [2J [@click=app.quit]quit[/]" in shown
        assert "\x1b" not in shown and "\u202e" not in shown
        assert "b) 8080" in shown and "write the answer" in shown


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_a_plan_is_rendered_beside_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with viewing(everything(), tmp_path, monkeypatch, size) as viewer:
        await at(viewer, "m3")
        shown = screen_text(viewer.pilot)
        assert "How I do it" in shown.split("m3  plan")[1] and "# How" not in shown
        assert "approve" in shown


async def test_the_page_scrolls_by_keys_and_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = story()
    run.mark("parse", "question", "\n".join(f"line {it}" for it in range(100)))
    async with viewing(run, tmp_path, monkeypatch, (80, 24)) as viewer:
        await viewer.press("4", "l", "j", "j")
        page = viewer.app.screen.query_one("#page-text")
        assert page.scroll_offset.y == 2
        run.mark("login", "question", "which name?")
        await viewer.settle()
        assert page.scroll_offset.y == 2
        await viewer.press("h", "j")
        assert rows(viewer).key == "m2" and page.scroll_offset.y == 0


async def test_the_filter_copying_and_going_to_task_and_teammate(monkeypatch: pytest.MonkeyPatch) -> None:
    async with viewing(everything(), None, monkeypatch) as viewer:
        await viewer.press("4", "slash", *"curl", "enter")
        assert [row.key for row in rows(viewer).rows] == ["m2"]
        await viewer.press("c")
        assert "curl" in viewer.app.clipboard
        await viewer.press("o")
        assert viewer.app.screen.name_of_task == "login"  # type: ignore[attr-defined]
        await viewer.press("escape", "t")
        assert viewer.app.screen.teammate == "cy"  # type: ignore[attr-defined]


async def test_enter_on_a_stuck_task_opens_it_and_on_a_plan_reads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with viewing(everything(), None, monkeypatch) as viewer:
        await viewer.press("4", "enter")
        assert viewer.app.screen.name_of_task == "broken"  # type: ignore[attr-defined]
        await viewer.press("escape")
        await at(viewer, "m3")
        await viewer.press("enter")
        assert viewer.app.focused is viewer.app.screen.query_one("#page-text")


async def test_a_thousand_asks_are_shown_quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"t{it}" for it in range(1000)]
    run = Played(*(task(it) for it in names), team=tuple(f"m{it}" for it in names), on_question="hold")
    for place, name in enumerate(names):
        run.mark(name, "question", f"question {place}")
    assert len(box.items(watched(run))) == 1000 == len(waiting(run))
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        await viewer.press("4", "G")
        assert rows(viewer).key == "m1000"
        assert len(viewer.app.screen.query("*")) < 60
