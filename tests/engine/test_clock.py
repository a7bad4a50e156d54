"""Virtual time: hours pass at once, in order, and a loop that nobody can wake says so."""

from __future__ import annotations

import asyncio
import time

import pytest

from workbench.core import events as e
from workbench.core.pace import Hold
from workbench.core.state import RunState
from workbench.engine.bus import Bus
from workbench.engine.loop import Engine
from workbench.engine.waiting import wait_over
from workbench.testing.clock import DAWN, Clock, Stuck, VirtualLoop, run
from workbench.testing.store import MemoryStore


def test_hours_of_sleep_take_no_time_and_end_in_order() -> None:
    clock, ended = Clock(), list[float]()

    async def sleeper(seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended.append(asyncio.get_running_loop().time())

    async def main() -> None:
        await asyncio.gather(*(sleeper(hours * 3600.0) for hours in (200, 3, 50)))

    began = time.monotonic()
    run(main(), clock)
    assert time.monotonic() - began < 5
    assert ended == [pytest.approx(hours * 3600.0) for hours in (3, 50, 200)]
    assert clock.now() == pytest.approx(DAWN + 200 * 3600.0)


def test_a_timeout_is_kept() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(90):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(90)


def test_where_nobody_can_wake_anybody_those_who_wait_are_named() -> None:
    async def one_who_waits() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match=r"nothing is scheduled.*one_who_waits"):
        run(one_who_waits())


def test_whoever_asks_again_and_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.testing.clock.MOST_SPINS", 100)

    async def restless() -> None:
        while True:  # noqa: ASYNC110 - that is the fault
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match=r"time stands still.*restless"):
        run(restless())


def test_what_would_run_in_a_thread_is_done_at_once() -> None:
    async def main() -> int:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 1, 0)
        return await asyncio.to_thread(len, "four")

    assert run(main()) == 4


@pytest.mark.parametrize(("act", "moved"), [("jump", -86_400.0), ("jump", 86_400.0), ("suspend", 28_800.0)])
def test_no_deadline_fires_when_the_wall_clock_is_moved(act: str, moved: float) -> None:
    clock = Clock()

    async def main() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(10, getattr(clock, act), moved)
        async with asyncio.timeout(60):
            await asyncio.sleep(30)
        return loop.time()

    assert run(main(), clock) == pytest.approx(30)
    assert clock.now() == pytest.approx(DAWN + 30 + moved)


def test_a_machine_cannot_sleep_backwards() -> None:
    with pytest.raises(ValueError, match="cannot sleep"):
        Clock().suspend(-1)


def test_one_process_after_the_other_on_one_clock() -> None:
    clock = Clock()
    run(asyncio.sleep(5), clock)
    loop = VirtualLoop(clock)
    try:
        assert loop.time() == pytest.approx(5)
    finally:
        loop.close()


async def test_a_minute_is_a_minute_where_the_log_is_ahead_of_the_clock() -> None:
    """Set back between two processes, the clock must not stand still until it has caught up with the log:
    whoever waits would wake at once, and at once again."""
    state, store, now = RunState(), MemoryStore(), 500.0
    state.at = 1000.0
    engine = Engine("r", state, store, Bus(), clock=lambda: now)
    assert engine.clock() == 1000.0
    told: list[e.Event] = []
    waiting = asyncio.ensure_future(wait_over(Hold(1000.0, 1000.05), engine.clock, told.append))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not told
    now = 500.06
    await waiting
    assert told == [e.Awoke()]
    now = 3.0
    assert engine.clock() == pytest.approx(1000.06)
    now = 5.0
    assert engine.clock() == pytest.approx(1002.06)
