"""Figures of the viewer on a run with a thousand teammates, each from a process of its own on a terminal.

    measure(rounds=5)

The viewer is started as a person starts it, on a pseudo-terminal, and watched from outside: how long until
the team stands there as the whole log has it, and what memory that took. Then another process writes to the
log in bursts, 50 events each millisecond, while keys are pressed: each counts from its writing into the
terminal until the frame that shows what it did has been drawn.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from workbench.composition.place import open_place
from workbench.composition.watching import LogSource
from workbench.core.events import Record
from workbench.errors import SetupError
from workbench.testing.crowd import BEGAN, RUN, Crowd
from workbench.testing.terminal import GIVEN_UP, Terminal
from workbench.testing.terminal import terminal as opened
from workbench.tui.app import WorkbenchApp

if TYPE_CHECKING:
    from textual.screen import Screen

KEYS = ("j", "j", "k", "j", "k", "k")
"""Pressed in turn: each moves the cursor by a row."""

FRAME_TARGET = 2.0
REACTION_TARGET = 0.050
MEMORY_TARGET = 200e6

BURST_EVENTS = 50
BURST_TIMES = 20
BURST_EVERY = 0.1
"""A burst is so many events a millisecond, so often, and begins again after so many seconds."""


@dataclass(frozen=True)
class Figures:
    """``frames`` are seconds from the start of the process to the first useful frame, ``work`` those of them
    that it had a processor for (on a machine that does nothing else the two are about the same),
    ``reactions`` seconds from a key to its frame, ``memory`` peak bytes; ``events`` were in the log at the
    start, ``poured`` came while keys were pressed."""

    events: int
    poured: int
    frames: tuple[float, ...]
    work: tuple[float, ...]
    reactions: tuple[float, ...]
    memory: tuple[int, ...]


def p95(values: Sequence[float]) -> float:
    """The value that 95 % do not exceed."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def measure(events: int, rounds: int, keys: int, tell: Callable[[str], None]) -> Figures:
    """Measure on a log of so many events, ``rounds`` starts and ``keys`` keys. Raises SetupError when the
    viewer does not come up or does not react at all."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-bench-tui-"))
    try:
        tell(f"writing {events:,} events")
        landed = _prepared(folder, events)
        frames, work, memory = [], [], []
        for number in range(rounds):
            tell(f"start {number + 1} of {rounds}")
            with opened([sys.executable, "-m", "workbench", "watch", RUN], folder) as terminal:
                frames.append(terminal.wait(_whole(landed)))
                work.append(terminal.work)
                memory.append(terminal.peak)
        tell(f"{keys} keys while events pour in")
        reactions, peak, poured = _pressed(folder, landed, events, keys)
        memory.append(peak)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Figures(events, poured, tuple(frames), tuple(work), tuple(reactions), tuple(memory))


# -- the log -----------------------------------------------------------------------------------------


def _prepared(folder: Path, events: int) -> int:
    """A repository with the log of a crowd in it; how many tasks have landed by its end."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for command in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "Begin"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, stdin=subprocess.DEVNULL)

    async def write() -> int:
        place = await open_place(folder)
        crowd = _Crowding(0)
        with place.store() as store:
            while crowd.seq < events:
                await store.append(RUN, crowd.take(min(1_000, events - crowd.seq)))
        return crowd.landed

    return asyncio.run(write())


class _Crowding:
    """The records of a crowd, some at a time, from number ``after`` on."""

    def __init__(self, after: int) -> None:
        self._crowd = Crowd(length=60)
        self._events = self._crowd.events()
        self.seq = 0
        self.take(after)

    @property
    def landed(self) -> int:
        return self._crowd.landed

    def take(self, many: int) -> list[Record]:
        """The next ones."""
        found = []
        for event in itertools.islice(self._events, many):
            self.seq += 1
            found.append(Record(self.seq, round(BEGAN + self.seq * 0.05, 3), event))
        return found


def pour(folder: str, after: int) -> None:
    """Write the events from ``after`` on in bursts until standard input is closed; say how many that were.
    Runs in a process of its own."""

    async def write() -> int:
        place = await open_place(Path(folder))
        crowd = _Crowding(after)
        with place.store() as store:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            while not select.select([sys.stdin], [], [], 0)[0]:
                began = time.monotonic()
                waits = []
                for number in range(BURST_TIMES):
                    waits.append(asyncio.ensure_future(store.append(RUN, crowd.take(BURST_EVENTS))))
                    await asyncio.sleep(max(0.0, began + number / 1000 - time.monotonic()))
                await asyncio.gather(*waits)
                await asyncio.sleep(max(0.0, began + BURST_EVERY - time.monotonic()))
        return crowd.seq - after

    sys.stdout.write(f"{asyncio.run(write())}\n")


# -- a viewer on a terminal ----------------------------------------------------------------------------


class _Timed(WorkbenchApp):
    """The viewer, which tells when a frame was drawn in which the cursor stands on another row. What is
    sorted anew does not count: the cursor stays on its row then."""

    report: ClassVar[IO[bytes]]
    _seen: object = None

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, renderable)
        seen = getattr(screen.focused, "key", None)
        if seen != self._seen:
            self._seen = seen
            self.report.write(b"%.6f\n" % time.monotonic())
            self.report.flush()


def view(folder: str, report: int) -> None:
    """The viewer on the crowd's run, telling of its frames by the file ``report``. Runs in a process of its
    own."""

    async def main() -> None:
        place = await open_place(Path(folder))
        await _Timed(place, LogSource(place, RUN)).run_async()

    with os.fdopen(report, "wb") as _Timed.report:
        asyncio.run(main())


def _whole(landed: int) -> bytes:
    """What the header says once the log was read: nothing else changes as late in it."""
    return f"{landed}/3000 landed".encode()


def _pressed(folder: Path, landed: int, events: int, keys: int) -> tuple[list[float], int, int]:
    told, report = os.pipe()
    mine = f"from workbench.tui.measure import view; view({str(folder)!r}, {report})"
    pouring = f"from workbench.tui.measure import pour; pour({str(folder)!r}, {events})"
    with opened([sys.executable, "-c", mine], folder, (report,)) as terminal:
        os.close(report)
        terminal.wait(_whole(landed))
        writer = subprocess.Popen(
            [sys.executable, "-c", pouring], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert writer.stdin is not None and writer.stdout is not None, "both are pipes"
            writer.stdout.readline()
            _drained(terminal, told, 1.0)
            reactions = [
                _reaction(terminal, told, key) for key in itertools.islice(itertools.cycle(KEYS), keys)
            ]
            writer.stdin.close()
            poured = int(writer.stdout.readline())
        finally:
            writer.kill()
            writer.wait()
        peak = terminal.peak
    os.close(told)
    return reactions, peak, poured


def _drained(terminal: Terminal, told: int, seconds: float) -> None:
    """Read what the viewer writes for a while, as a terminal does."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        terminal.read(left)
        while select.select([told], [], [], 0)[0] and os.read(told, 4_096):
            pass


def _reaction(terminal: Terminal, told: int, key: str) -> float:
    pressed = terminal.press(key)
    while time.monotonic() - pressed < GIVEN_UP:
        ready, _, _ = select.select([told, terminal.master], [], [], GIVEN_UP)
        if told in ready:
            seen = float(os.read(told, 4_096).split()[-1])
            _drained(terminal, told, 0.037)  # a person types no faster, and no frame is met in step
            return seen - pressed
        if not ready or not terminal.read(0):
            break
    raise SetupError(f"the viewer does not react to {key!r}")


def reached(figures: Figures) -> bool:
    """Whether all targets are."""
    return (
        statistics.median(figures.frames) < FRAME_TARGET
        and p95(figures.reactions) < REACTION_TARGET
        and max(figures.memory) < MEMORY_TARGET
    )


def lines(figures: Figures) -> list[str]:
    """The figures for a person, with what they should be."""
    frames, reactions = figures.frames, [seconds * 1000 for seconds in figures.reactions]
    median = statistics.median
    first = (
        f"first useful frame of {figures.events:,} events: median {median(frames):.2f} s, worst "
        f"{max(frames):.2f} s of {len(frames)} (target < {FRAME_TARGET:.0f} s), of it at work "
        f"{median(figures.work):.2f} s"
    )
    keys = (
        f"key to frame while {figures.poured:,} events poured in: median {median(reactions):.1f} ms, p95 "
        f"{p95(reactions):.1f} ms, worst {max(reactions):.1f} ms of {len(reactions)} (target p95 < "
        f"{REACTION_TARGET * 1000:.0f} ms)"
    )
    memory = f"peak memory: {max(figures.memory) / 1e6:.0f} MB (target < {MEMORY_TARGET / 1e6:.0f} MB)"
    return [first, keys, memory]
