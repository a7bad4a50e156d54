"""watch, without a terminal and in words."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tests.tui.conftest import LOGS, Recording, recorded
from workbench.cli.display import JsonLines, open_display
from workbench.cli.lines import PlainLines
from workbench.cli.plain import Telling, Typed
from workbench.composition.place import open_place
from workbench.composition.watching import LogSource, Piece
from workbench.core.models import BUDGET_SPENT
from workbench.core.requests import Retry
from workbench.core.story import spoken
from workbench.core.story.onward import onward
from workbench.testing.story import Story, task

LOG = str(LOGS / "quiet.jsonl")
RUN, RECORDS = recorded("quiet")
DRAWN = "─━│╭╮╰╯●■○◌▌✉‖\x1b"


def workbench(*words: str, repo: Path, said: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workbench", *words],
        cwd=repo, env=os.environ | env, input=said, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def told(run: Story, command: str) -> list[str]:
    """What one command says of a run that is going on."""
    said: list[str] = []
    telling = Telling(None, Recording("quiet"), cast("Typed", None), said.append)
    telling.watched.state = run.state
    telling.watched.live = True
    asyncio.run(telling.obey(command))
    return said


# -- the command -----------------------------------------------------------------------------------


def test_the_viewer_needs_a_terminal(repo: Path) -> None:
    done = workbench("watch", LOG, repo=repo, TERM="xterm")
    assert done.returncode == 2 and "--plain" in done.stderr


@pytest.mark.parametrize("how", [{"words": ["--plain"]}, {"WORKBENCH_PLAIN": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_recording_is_told_in_words(repo: Path, how: dict[str, Any]) -> None:
    env = {"TERM": "xterm"} | {name: value for name, value in how.items() if name != "words"}
    done = workbench("watch", LOG, *how.get("words", []), repo=repo, said="team\nfly\nstop\n", **env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Run {RUN} is over. 8 of 8 tasks landed.\n")
    assert "is no command here" in done.stdout and "This is a recording" in done.stdout
    assert not set(DRAWN) & set(done.stdout)


def test_what_is_not_there_is_said(repo: Path, tmp_path: Path) -> None:
    none = workbench("watch", "--plain", repo=repo)
    assert none.returncode == 2 and "No run was started" in none.stderr
    gone = workbench("watch", "--plain", str(tmp_path / "gone.jsonl"), repo=repo)
    assert gone.returncode == 2 and "cannot be read" in gone.stderr
    (tmp_path / "bad.jsonl").write_text("[]\n")
    bad = workbench("watch", "--plain", str(tmp_path / "bad.jsonl"), repo=repo)
    assert bad.returncode == 2 and "is no recorded run" in bad.stderr


async def test_a_run_that_there_is_not(repo: Path) -> None:
    place = await open_place(repo)
    with place.store() as store:
        await store.append(RUN, RECORDS[:5])
    done = workbench("watch", "--plain", "other", repo=repo)
    assert done.returncode == 2 and "There is no run 'other'" in done.stderr and RUN in done.stderr
    cut = workbench("watch", "--plain", repo=repo, said="status\nquit\n")
    assert cut.returncode == 0 and cut.stdout.count(f"`workbench resume {RUN}` goes on with it.") == 2


def test_plain_settings_give_plain_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert isinstance(open_display(json=True, headless=False, viewed=tmp_path), JsonLines)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(open_display(json=False, headless=False, plain=True, viewed=tmp_path), PlainLines)
    assert not isinstance(open_display(json=False, headless=True, viewed=tmp_path), PlainLines)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(open_display(json=False, headless=False, viewed=tmp_path), PlainLines)


# -- following -------------------------------------------------------------------------------------


class Fed:
    """A source that gives what it is fed."""

    run = RUN

    def __init__(self) -> None:
        self.fed: asyncio.Queue[Piece] = asyncio.Queue()

    async def pieces(self) -> AsyncIterator[Piece]:
        while True:
            yield await self.fed.get()


class Keyboard:
    """Lines as a person types them."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()


async def told_until(said: list[str], wanted: Callable[[str], bool]) -> None:
    deadline = time.monotonic() + 20
    while not any(map(wanted, said)):
        assert time.monotonic() < deadline, said
        await asyncio.sleep(0.005)


async def test_a_run_is_summed_up_followed_and_closed() -> None:
    source, keyboard, said = Fed(), Keyboard(), list[str]()
    telling = Telling(None, source, cast("Typed", keyboard), said.append)
    half = len(RECORDS) // 2
    going = asyncio.ensure_future(telling.go(stay=True))
    source.fed.put_nowait(Piece(RECORDS[:half], half, live=True))
    await told_until(said, lambda line: line == "Type help for what you can do.")
    assert said[0].startswith(f"Run {RUN} is going on. ")
    before = len(said)
    source.fed.put_nowait(Piece((), half, live=True, caught_up=False, trouble="The disk is slow."))
    await told_until(said, lambda line: line == "Trouble: The disk is slow.")
    source.fed.put_nowait(Piece(RECORDS[half:], len(RECORDS), live=True))
    await told_until(said, lambda line: line == "The log can be read again.")
    assert any(line.startswith("Merging: ") and " landed as " in line for line in said[before:])
    source.fed.put_nowait(Piece((), len(RECORDS), live=False))
    await told_until(said, lambda line: line.startswith("Every task landed."))
    assert not going.done(), "on a terminal it stays"
    keyboard.lines.put_nowait("quit\n")
    assert await going == 0


async def test_the_end_of_the_keyboard_closes_and_the_run_goes_on() -> None:
    source, keyboard, said = Fed(), Keyboard(), list[str]()
    telling = Telling(None, source, cast("Typed", keyboard), said.append)
    source.fed.put_nowait(Piece(RECORDS[:20], 20, live=True))
    going = asyncio.ensure_future(telling.go(stay=True))
    await told_until(said, lambda line: line.startswith("Type help"))
    keyboard.lines.put_nowait(None)
    assert await going == 0 and said[-1] == "Closed. The run goes on."


async def test_off_a_terminal_it_ends_with_the_run() -> None:
    source, keyboard, said = Fed(), Keyboard(), list[str]()
    telling = Telling(None, source, cast("Typed", keyboard), said.append)
    keyboard.lines.put_nowait(None)
    source.fed.put_nowait(Piece(RECORDS[:20], 20, live=True))
    going = asyncio.ensure_future(telling.go(stay=False))
    await told_until(said, lambda line: line.startswith("Type help"))
    assert not going.done()
    source.fed.put_nowait(Piece(RECORDS[20:], len(RECORDS), live=False))
    assert await asyncio.wait_for(going, 20) == 0


async def test_a_log_that_was_set_back_is_told_anew() -> None:
    said: list[str] = []
    telling = Telling(None, Fed(), cast("Typed", Keyboard()), said.append)
    telling.take(Piece(RECORDS[:20], 20, live=True))
    telling.take(Piece(RECORDS[:10], 10, live=True, anew=True))
    assert telling.watched.state.seq == 10 and "The log was set back. It is told again from here." in said


async def test_a_log_that_cannot_be_followed_is_said_once() -> None:
    said: list[str] = []
    telling = Telling(None, Fed(), cast("Typed", Keyboard()), said.append)
    telling.take(Piece((RECORDS[5],), 6, live=True))
    telling.take(Piece((RECORDS[6],), 7, live=True))
    assert sum("cannot be followed" in line for line in said) == 1


# -- commands --------------------------------------------------------------------------------------


def test_the_team_and_its_tasks_in_sentences() -> None:
    run = Story(task("a"), task("b", "a"))
    run.ready("a")
    run.mark("a", "progress", "half of it")
    assert told(run, "tasks") == [
        "a, Do a, is being worked on.",
        "b, Do b, waits for other tasks.",
    ]
    assert told(run, "team")[0].startswith("ada is at a, 0 percent: ")
    assert "It waits for a." in told(run, "task b")
    assert "1 attempt, the last by ada." in told(run, "TASK a")
    assert told(run, "task c") == ["There is no task c. Type tasks to hear them all."]
    assert told(run, "status")[0].endswith("is going on. 0 of 2 tasks landed.")
    assert any(line.startswith("answer ID yes") for line in told(run, "help"))


def test_the_inbox_is_told_and_nothing_hostile_with_it() -> None:
    run = Story(task("a"), on_question="ask")
    run.mark("a", "question", "which\x1b[2J port?")
    run.turn("a")
    said = told(run, "inbox")
    assert said[0].startswith("m1  question of ada (a)") and not any("\x1b" in line for line in said)
    assert "1 question for you: type inbox." in told(run, "status")


@pytest.mark.parametrize(
    "line", ["answer m1", "send ada", "retry", "skip a b", "go", "pause now", "stop it", "dance"]
)
def test_what_is_no_command_is_said(line: str) -> None:
    said = told(Story(task("a")), line)
    assert said[0].startswith("Not done: ") and said[-1].startswith("Next: Type help")


async def test_what_is_asked_reaches_the_run(repo: Path) -> None:
    """Of a run that does not go on it is kept, and refused where that is of no use."""
    place = await open_place(repo)
    with place.store() as store:
        await store.append(RUN, RECORDS[:30])
    said: list[str] = []
    telling = Telling(place, LogSource(place, RUN), cast("Typed", Keyboard()), said.append)
    telling.take(Piece(RECORDS[:30], 30, live=False))
    for line in ("send ada keep  the name", "pause", "go on", "send nobody hello"):
        await telling.obey(line)
    assert f"Run {RUN} does not go on: this is kept until `workbench resume {RUN}`." in said
    assert sum(line.startswith("Not done: ") for line in said) == 3
    kept = [path.read_text() for path in place.requests(RUN).glob("*.json")]
    assert len(kept) == 1 and "keep  the name" in kept[0]
    assert telling._request("retry", ["a"], "retry a") == Retry(task="a")


# -- what comes next -------------------------------------------------------------------------------


def test_how_a_run_ended_comes_with_what_to_do() -> None:
    run = Story(task("a"), task("b"))
    assert onward(run.state, live=True) == ""
    assert onward(run.state, live=False).startswith("Nobody is at work on this run")
    run.state.outcome, run.state.reason = "stopped", "interrupted with Ctrl-C"
    assert onward(run.state, live=False).startswith("Stopped: interrupted with Ctrl-C. `workbench resume ")
    run.state.reason = "waits for an answer: m1, a question of ada (a)"
    assert onward(run.state, live=False).endswith(
        ". `workbench inbox r` shows what is asked, and how to answer; then `workbench resume r` goes on."
    )
    run.state.reason = BUDGET_SPENT
    assert onward(run.state, live=False).endswith(
        "With an X above what was spent, `workbench resume r --budget-usd X` goes on."
    )
    run.state.outcome = "incomplete"
    assert "0 of 2 tasks landed" in onward(run.state, live=False)
    assert "`workbench report" in onward(run.state, live=True)
    run.state.outcome, run.state.reason = "refused", "the gate is red."
    assert onward(run.state, live=False) == "Refused: the gate is red."


def test_a_sentence_ends_as_sentences_do() -> None:
    run = Story(task("a"))
    history = Telling(None, Recording("quiet"), cast("Typed", None), print).watched.history
    for record in run.log:
        history.take(run.state, record)
    sentences = [spoken.told(line.who, line.what)[0] for line in history.feed]
    assert sentences and all(line[-1] in ".!?:…" for line in sentences)
