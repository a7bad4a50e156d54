"""A run of a thousand teammates: every screen shows it, and nothing is lost while events pour in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache

from workbench.composition.watching import Piece
from workbench.core.apply import fold
from workbench.core.events import Record
from workbench.core.state import RunState
from workbench.core.watched import Watched
from workbench.testing.crowd import RUN, crowd
from workbench.tui.app import WorkbenchApp
from workbench.tui.widgets.rows import Rows

EVENTS, BURST = 4_000, 1_000


@lru_cache(maxsize=1)
def records() -> tuple[Record, ...]:
    """The log, with what pours in behind it."""
    return tuple(crowd(EVENTS + BURST))


class Pouring:
    """A source that gives a long log in pieces, and the rest in bursts of 50 once it is let go."""

    run = RUN

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def pieces(self) -> AsyncIterator[Piece]:
        """See Source."""
        log = records()
        for first in range(0, EVENTS, 2_000):
            last = min(first + 2_000, EVENTS)
            yield Piece(log[first:last], EVENTS, live=True, caught_up=last >= EVENTS)
        await self.go.wait()
        for first in range(EVENTS, len(log), 50):
            yield Piece(log[first : first + 50], len(log), live=True, caught_up=first + 50 >= len(log))


def compared(state: RunState) -> dict[str, object]:
    """What two states that are the same have in common."""
    return {name: getattr(state, name) for name in RunState.__dataclass_fields__ if name != "run"}


async def test_a_burst_is_folded_whole_while_keys_are_pressed() -> None:
    source = Pouring()
    app = WorkbenchApp(source=source, clock=lambda: 0.0)
    async with app.run_test(size=(160, 45)) as pilot:
        while not app.watched.caught_up:
            await pilot.pause()
        assert len(app.watched.state.teammates) == 1_000 and len(app.watched.state.tasks) == 3_000
        for key, mode in (("1", "home"), ("3", "merge"), ("4", "inbox"), ("5", "plan"), ("2", "team")):
            await pilot.press(key)
            assert app.current_mode == mode
        source.go.set()
        handled = 0
        while app.watched.state.seq < len(records()):
            assert not app.watched.trouble
            await pilot.press("k" if handled % 2 else "j")
            handled += 1
        assert handled > 0
        app.look()
        await pilot.pause()
    assert app.watched.state.seq == len(records())
    assert compared(app.watched.state) == compared(fold(records()))


async def test_each_teammate_and_task_of_a_crowd_has_its_screen() -> None:
    source = Pouring()
    app = WorkbenchApp(source=source, clock=lambda: 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        while not app.watched.caught_up:
            await pilot.pause()
        app.open_teammate("mate-999")
        await pilot.pause()
        app.open_task("task-2999")
        await pilot.pause()
        assert app.screen_stack[-1].__class__.__name__ == "TaskScreen"


async def test_nothing_is_shown_of_a_past_that_is_still_being_read() -> None:
    """The body of a screen comes up once, with the state that the log ends with."""

    class Reading(Pouring):
        async def pieces(self) -> AsyncIterator[Piece]:
            yield Piece(records()[:EVENTS], EVENTS + 1, live=True, caught_up=False)
            await self.go.wait()
            yield Piece(records()[EVENTS : EVENTS + 1], EVENTS + 1, live=True)

    source = Reading()
    app = WorkbenchApp(source=source, clock=lambda: 0.0)
    async with app.run_test(size=(160, 45)) as pilot:
        while app.watched.state.seq < EVENTS:
            await pilot.pause()
        app.look()
        assert not any(rows.rows for rows in _tables(app))
        source.go.set()
        while not app.watched.caught_up:
            await pilot.pause()
        app.look()
        assert any(rows.rows for rows in _tables(app))


def _tables(app: WorkbenchApp) -> Iterator[Rows]:
    yield from app.screen.query(Rows)


def test_a_long_log_is_put_into_words_only_at_its_end() -> None:
    whole, late = Watched(RUN), Watched(RUN)
    late.history.worded = EVENTS
    for record in records():
        whole.take(record)
        late.take(record)
    assert compared(whole.state) == compared(late.state)
    newest = [told for told in whole.history.feed if told.seq > EVENTS]
    assert newest and list(late.history.feed) == newest
    assert whole.history.acts == late.history.acts and whole.history.spans == late.history.spans
