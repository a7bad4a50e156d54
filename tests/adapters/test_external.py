"""Seats, and the teammate who sits in one: real files, and processes that come and go."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.adapters.agents import external
from workbench.adapters.agents.external import GONE, Dispatch, ExternalAgent
from workbench.adapters.seats import Offer, Outcome, Seat, Sitter, caller, seats_of
from workbench.engine.ports import AgentReport, Assignment, Ended, Heard, Letter, Started

OFFER = Offer("a", 1, "guest", "/w")


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    found = Seat(tmp_path / "seats" / "s1")
    found.take(os.getpid())
    return found


def assignment(tmp_path: Path, *, by_hand: bool = False) -> Assignment:
    worktree = tmp_path / "w"
    worktree.mkdir()
    return Assignment(
        run="r", task="a", attempt=1, teammate="guest", nonce="n1", worktree=worktree, brief="the brief",
        env={}, messages=("m1",), seat="s1", by_hand=by_hand,
    )  # fmt: skip


async def until(there: Callable[[], bool]) -> None:
    """Wait for what another task does."""
    for _ in range(3_000):
        if there():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come")


async def laid(seat: Seat) -> Offer:
    """The task that is laid on a seat."""
    await until(lambda: seat.offer() is not None)
    found = seat.offer()
    assert found is not None
    return found


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_a_seat_is_held_for_as_long_as_its_process_lives(tmp_path: Path) -> None:
    process = sleeper()
    seat = Seat(tmp_path / "s")
    assert not seat.held()
    seat.take(process.pid)
    assert seat.held()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not seat.held(), "killed, and not yet waited for"
    process.communicate()
    assert not seat.held()


def test_another_process_of_the_same_number_does_not_hold_it(seat: Seat) -> None:
    holder = seat.folder / "holder.json"
    found = json.loads(holder.read_text())
    holder.write_text(json.dumps(found | {"began": found["began"] - 10}))
    assert not seat.held()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": "x"}', '{"pid": 1}'])
def test_damaged_files_hold_nothing(seat: Seat, text: str) -> None:
    for name in ("holder.json", "task.json", "sitter.json", "seen.json"):
        (seat.folder / name).write_text(text)
    assert not seat.held() and seat.offer() is None and seat.sitter() is None and seat.seen() == []


def test_what_is_written_is_read(seat: Seat, tmp_path: Path) -> None:
    seat.sit(Sitter("r", "q", "/here", 7))
    seat.lay(OFFER)
    assert (seat.sitter(), seat.offer()) == (Sitter("r", "q", "/here", 7), OFFER)
    assert not seat.begun(OFFER) and seat.outcome(OFFER) is None
    seat.begin(OFFER)
    seat.end(OFFER, Outcome(3, "red", "rate"))
    assert seat.begun(OFFER) and seat.outcome(OFFER) == Outcome(3, "red", "rate")
    seat.clear()
    assert seat.offer() is None
    assert [it.folder for it in seats_of(tmp_path / "seats")] == [seat.folder]


def test_who_called_is_more_than_a_shell() -> None:
    assert caller() in (os.getppid(), *(parent for parent in _parents()))


def _parents() -> list[int]:
    import psutil

    return [process.pid for process in psutil.Process().parents()]


async def test_a_task_is_laid_down_worked_on_and_over(seat: Seat, tmp_path: Path) -> None:
    told: list[AgentReport] = []
    inbox: asyncio.Queue[Letter] = asyncio.Queue()
    it = assignment(tmp_path)
    working = asyncio.ensure_future(ExternalAgent(tmp_path / "seats").work(it, inbox, told.append))
    inbox.put_nowait(Letter("a letter", ("m2",)))
    offer = await laid(seat)
    folder = it.worktree / ".workbench"
    assert (folder / "brief.md").read_text() == "the brief"
    assert (folder / "nonce").read_text() == "n1" and (folder / "nonce").stat().st_mode & 0o077 == 0
    seat.begin(offer)
    await until(lambda: bool(list((folder / "inbox").iterdir())))
    seat.end(offer, Outcome(0))
    await working
    assert told == [Started(None), Heard(("m1",)), Heard(("m2",)), Ended(live=False, exit_code=0)]
    assert seat.offer() is None and not (folder / "nonce").exists()


async def test_nobody_there_says_so_without_an_exit_code(tmp_path: Path) -> None:
    told: list[AgentReport] = []
    await ExternalAgent(tmp_path / "seats").work(assignment(tmp_path), asyncio.Queue(), told.append)
    (ended,) = told
    assert isinstance(ended, Ended) and ended.exit_code is None and ended.error


async def test_who_goes_away_in_the_middle_is_missed(seat: Seat, tmp_path: Path) -> None:
    process = sleeper()
    seat.take(process.pid)
    told: list[AgentReport] = []
    working = asyncio.ensure_future(
        ExternalAgent(tmp_path / "seats").work(assignment(tmp_path), asyncio.Queue(), told.append)
    )
    await laid(seat)
    process.kill()
    process.communicate()
    await working
    assert told == [Ended(live=False, error=GONE)]


async def test_a_task_that_is_taken_away_waits_for_its_command(
    seat: Seat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external, "STOP_SECONDS", 30.0)
    it = assignment(tmp_path)
    working = asyncio.ensure_future(
        ExternalAgent(tmp_path / "seats").work(it, asyncio.Queue(), lambda report: None)
    )
    offer = await laid(seat)
    seat.begin(offer)
    working.cancel()
    await until(lambda: seat.offer() is None)
    assert not working.done(), "its command may still write"
    seat.end(offer, Outcome(None, "stopped"))
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_each_gets_the_agent_that_is_its_own(tmp_path: Path) -> None:
    served: list[str] = []

    class One:
        continues = True

        def __init__(self, name: str) -> None:
            self.name = name

        async def work(self, it: Assignment, inbox: object, report: object) -> None:
            served.append(f"{self.name} {it.seat}")

    both = Dispatch(One("own"), One("external"))
    assert both.continues
    it = assignment(tmp_path)
    await both.work(it, asyncio.Queue(), lambda report: None)
    await both.work(replace(it, seat=""), asyncio.Queue(), lambda report: None)
    assert served == ["external s1", "own "]
