"""The person is called for what is new, once for a burst, and for nothing that is old."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.tui.played import Played, everything, story, viewing
from workbench.core import events as e
from workbench.core.mail import PERSON
from workbench.core.requests import Answer
from workbench.core.watched import Watched
from workbench.tui.calling import RESTORE_TITLE, SAVE_TITLE, Caller, Desktop, Wanted
from workbench.tui.presenting.calling import BURST_SECONDS, Bell, Call, news, seen, sentence, title


def watched(run: Played, *, live: bool = True, caught_up: bool = True) -> Watched:
    """The run as a viewer has it."""
    found = Watched("r")
    follow(found, run, live=live, caught_up=caught_up)
    return found


def follow(found: Watched, run: Played, *, live: bool = True, caught_up: bool = True) -> None:
    for record in run.log[found.state.seq :]:
        found.take(record)
    found.stands(live=live, trouble="", caught_up=caught_up, last=len(run.log))


class Tty:
    """A terminal that remembers, a desktop, and a clock."""

    def __init__(self) -> None:
        self.rung = 0
        self.sent: list[str] = []
        self.shown: list[str] = []
        self.now = 100.0
        self.caller = Caller(self, lambda headline, text: self.shown.append(text), lambda: self.now)

    def bell(self) -> None:
        self.rung += 1

    def write(self, sequence: str) -> None:
        self.sent.append(sequence)

    def look(self, found: Watched, *, bell: bool = True, desktop: bool = False) -> None:
        self.caller.look(found, Wanted(bell, desktop))


# -- what is news --------------------------------------------------------------------------------------


def test_only_what_is_new_and_for_the_person_is_news() -> None:
    run = story()
    run.mark("parse", "question", "which port?")
    found = watched(run)
    before = seen(found)
    assert news(before, seen(found), found) == []
    run.mark("login", "question", "which name?", to="ada")
    run.mark("plan", "plan", "# How")
    follow(found, run)
    calls = news(before, seen(found), found)
    assert [(it.ask, it.text) for it in calls] == [("m3", "dan wants its plan approved (plan)")]


def test_nothing_that_an_agent_wrote_is_shown_on_a_desktop() -> None:
    run = everything()
    found = watched(run)
    calls = news(seen(watched(story())), seen(found), found)
    assert len(calls) == 5
    said = " ".join(it.text for it in calls)
    assert "port" not in said and "curl" not in said and "<" not in said


def test_the_end_of_a_run_is_news_and_so_is_a_process_that_is_gone() -> None:
    run = story()
    found = watched(run)
    before = seen(found)
    follow(found, run, live=False)
    assert [it.text for it in news(before, seen(found), found)] == ["nobody is at work on r any more"]
    assert news(seen(found), seen(found), found) == []
    over = Played()
    there = watched(over)
    assert [it.text for it in news(before, seen(there), there)] == ["r is over: landed"]
    gone = seen(there)
    there.stands(live=False, trouble="", caught_up=True, last=there.last)
    assert news(gone, seen(there), there) == [], "its process ends behind it"


def test_a_burst_rings_once_at_its_beginning_and_once_for_what_is_left_of_it() -> None:
    bell, one, two, three = Bell(), Call("1", "m1"), Call("2", "m2"), Call("3", "m3")
    assert bell.due([one], frozenset({"m1"}), 10.0) == (one,)
    assert bell.due([two], frozenset({"m1", "m2"}), 10.1) == ()
    assert bell.due([three], frozenset({"m2", "m3"}), 10.2) == ()
    assert bell.due([], frozenset({"m3"}), 10.0 + BURST_SECONDS) == (three,), "m2 was answered meanwhile"
    assert bell.due([], frozenset({"m3"}), 100.0) == ()
    assert sentence((one, two, three)) == "1, and 2 more"


def test_the_title_says_how_many_wait_and_how_far_it_is() -> None:
    assert title(Watched("")) == "workbench"
    assert title(watched(story())) == "r 0/6 · workbench"
    assert title(watched(everything())) == "✉5 r 0/6 · workbench"


# -- the caller ----------------------------------------------------------------------------------------


def test_what_was_there_at_first_does_not_ring_and_what_comes_does() -> None:
    run, tty = story(), Tty()
    run.mark("parse", "question", "which port?")
    found = watched(run, caught_up=False)
    tty.look(found)
    run.mark("login", "question", "which name?")
    follow(found, run)
    tty.look(found)
    assert tty.rung == 0, "the log was read to its end only now"
    run.mark("plan", "plan", "# How")
    follow(found, run)
    tty.look(found, desktop=True)
    tty.look(found, desktop=True)
    assert (tty.rung, tty.shown) == (1, ["dan wants its plan approved (plan)"])


def test_neither_bell_nor_desktop_where_they_are_not_wanted() -> None:
    run, tty = story(), Tty()
    found = watched(run)
    tty.look(found, bell=False)
    run.mark("plan", "plan", "# How")
    follow(found, run)
    tty.look(found, bell=False)
    assert (tty.rung, tty.shown) == (0, [])


def test_another_run_begins_anew() -> None:
    tty = Tty()
    tty.look(watched(story()))
    tty.look(watched(everything()))
    assert tty.rung == 0


def test_the_title_is_kept_up_and_given_back() -> None:
    run, tty = story(), Tty()
    found = watched(run)
    tty.look(found)
    tty.look(found)
    run.mark("plan", "plan", "# How")
    follow(found, run)
    tty.look(found)
    tty.caller.close()
    tty.caller.close()
    assert tty.sent == [
        SAVE_TITLE,
        "\x1b]2;r 0/6 · workbench\x07",
        "\x1b]2;✉1 r 0/6 · workbench\x07",
        RESTORE_TITLE,
    ]


async def test_the_viewer_rings_when_somebody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = story()
    async with viewing(run, tmp_path, monkeypatch) as viewer:
        rung: list[int] = []
        written: list[str] = []
        monkeypatch.setattr(viewer.app, "bell", lambda: rung.append(1))
        monkeypatch.setattr(viewer.app, "write", written.append)
        run.mark("parse", "question", "which port?")
        run.mark("login", "question", "which name?")
        await viewer.settle()
        assert rung == [1]
        assert any("✉2 r" in it for it in written)
    assert written[-1] == RESTORE_TITLE


async def test_the_viewer_does_not_ring_where_the_settings_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = story()
    async with viewing(run, tmp_path, monkeypatch, bell=False) as viewer:
        rung: list[int] = []
        monkeypatch.setattr(viewer.app, "bell", lambda: rung.append(1))
        run.mark("parse", "question", "which port?")
        await viewer.settle()
        assert viewer.app.caller._bell.last > 0, "it was called for"
        assert rung == []
        run.send(e.RequestMade(id="00000009", by=PERSON, request=Answer(message="m1", text="80")))


# -- the desktop ---------------------------------------------------------------------------------------


class Fake:
    """Stands for desktop-notifier: it logs what goes wrong, and raises nothing."""

    shown: list[tuple[str, str]]
    problem: str

    def __init__(self, app_name: str) -> None:
        assert app_name == "workbench"

    async def send(self, *, title: str, message: str) -> None:
        if self.problem == "raises":
            raise RuntimeError("no bus")
        if self.problem:
            logging.getLogger("desktop_notifier.backends.base").warning(self.problem)
            return
        self.shown.append((title, message))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    module = ModuleType("desktop_notifier")
    notifier = type("Notifier", (Fake,), {"shown": [], "problem": ""})
    module.DesktopNotifier = notifier  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "desktop_notifier", module)
    return notifier


async def test_a_notification_is_shown(fake: type[Fake]) -> None:
    desktop = Desktop()
    assert await desktop.show("r", "ada has a question") == ""
    assert fake.shown == [("r", "ada has a question")]


@pytest.mark.parametrize("problem", ["no desktop here", "raises"])
async def test_a_desktop_that_shows_nothing_is_told_once(fake: type[Fake], problem: str) -> None:
    fake.problem = problem
    desktop = Desktop()
    first = await desktop.show("r", "one")
    assert first.startswith("The desktop shows no notifications: ") and first.count("\n") == 0
    fake.problem = ""
    assert await desktop.show("r", "two") == "" and fake.shown == [], "nothing is tried any more"


async def test_without_the_library_it_says_how_to_get_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "desktop_notifier", None)
    desktop = Desktop()
    assert "pip install 'workbench[notify]'" in await desktop.show("r", "one")
    assert await desktop.show("r", "two") == ""


async def test_the_viewer_says_it_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "desktop_notifier", None)
    run = story()
    async with viewing(run, tmp_path, monkeypatch, notify=True) as viewer:
        run.mark("parse", "question", "which port?")
        await viewer.settle()
        await viewer.settle()
        assert any("pip install 'workbench[notify]'" in it for it in viewer.said)
