"""Time that passes only when nothing else can happen: an event loop that never waits.

    clock = Clock()
    run(main(), clock)      # as asyncio.run, but an hour of sleep takes no time

When nothing is ready, the loop jumps to the next timer. When there is no timer either, nobody can ever
wake anybody, and it says who waits. There are no threads in it: what would run in one runs at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

DAWN = 1_800_000_000.0
"""Where the wall clock of a simulated machine begins (Unix seconds)."""

MOST_SPINS = 1_000_000
"""Rounds of the loop that may pass at one moment; beyond, something asks again and again without waiting."""


class Stuck(AssertionError):
    """A simulated process cannot go on: everybody waits for somebody, or somebody never stops asking."""


@dataclass
class Clock:
    """The two clocks of one machine. ``ticks`` are the seconds of monotonic time since it was started,
    by which deadlines go; ``now`` is the wall clock, which a person or a suspended machine may move."""

    ticks: float = 0.0
    dawn: float = DAWN

    def now(self) -> float:
        """The wall clock, in Unix seconds."""
        return self.dawn + self.ticks

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back with a negative number."""
        self.dawn += seconds

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: the wall clock goes on, and monotonic time does not."""
        if seconds < 0:
            raise ValueError(f"a machine cannot sleep for {seconds} seconds")
        self.dawn += seconds


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop on ``clock``. Several can follow one another on the same clock, as processes do on
    one machine. Raises ``Stuck`` out of whatever runs it."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__()
        self.clock = clock if clock is not None else Clock()
        self._selector = self
        self._spins = 0

    def time(self) -> float:
        return self.clock.ticks

    def select(self, timeout: float | None) -> tuple[()]:
        """Called when the loop would wait: nothing comes from outside, so it is time that moves."""
        if timeout is None:
            raise Stuck(f"nothing is scheduled, and these wait: {self.waiting()}")
        if timeout > 0:
            self.clock.ticks += timeout
            self._spins = 0
            return ()
        self._spins += 1
        if self._spins > MOST_SPINS:
            raise Stuck(f"time stands still at {self.clock.ticks:.3f}; at work are: {self.waiting()}")
        return ()

    def waiting(self) -> str:
        """Who is not done: the name of each task's coroutine and the line it stands at."""
        said = sorted(_place(task) for task in asyncio.all_tasks(self))
        return "; ".join(said) or "no task at all"

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """What would run in a thread is done here and now."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as problem:  # noqa: BLE001 - whatever it is, it belongs to who waits for it
            done.set_exception(problem)
        return done

    def _process_events(self, events: tuple[()]) -> None:
        """There are no files to hear of."""

    def _write_to_self(self) -> None:
        """``call_soon_threadsafe`` from this thread needs no waking: the loop is awake."""


def run(main: Coroutine[Any, Any, T], clock: Clock | None = None) -> T:
    """As ``asyncio.run``, in virtual time on ``clock``."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(main)


def _place(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=1)
    name = getattr(task.get_coro(), "__qualname__", task.get_name())
    return f"{name}:{frames[0].f_lineno}" if frames else str(name)
