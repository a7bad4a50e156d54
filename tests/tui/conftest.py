"""Recorded runs, and the viewer on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui.quiet import until_quiet
from workbench.adapters.children import all_noted
from workbench.composition.watching import Piece, parsed
from workbench.core.events import Record
from workbench.tui.app import WorkbenchApp

LOGS = Path(__file__).parent / "logs"
NAMES = ("quiet", "busy", "disaster")


def recorded(name: str) -> tuple[str, tuple[Record, ...]]:
    """The run and the records of a recorded log."""
    lines = list(parsed((LOGS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()))
    return lines[0][0], tuple(record for _, record in lines)


class Recording:
    """A source that gives the first ``upto`` records of a log (all if None), as those of a live run or not,
    and then what ``more`` was given."""

    def __init__(self, name: str, upto: int | None = None, *, live: bool = False, trouble: str = "") -> None:
        self.run, records = recorded(name)
        self.records = records[:upto]
        self.rest = records[upto:] if upto is not None else ()
        self.piece = Piece(self.records, len(self.records), live, trouble=trouble)

    async def pieces(self) -> AsyncIterator[Piece]:
        """See Source."""
        yield self.piece


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and pauses take as long as the viewer is at work, and no longer; the terminal says nothing."""
    monkeypatch.delenv("COLORFGBG", raising=False)
    monkeypatch.setattr("textual.app.wait_for_idle", until_quiet)
    monkeypatch.setattr("textual.pilot.wait_for_idle", until_quiet)


@pytest.fixture(autouse=True)
async def _nothing_under_way() -> AsyncIterator[None]:
    """What a screen was still reading when it was closed has ended before the loop does."""
    yield
    await all_noted()


Opened = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def opened() -> Opened:
    """``async with opened("quiet", upto=120, live=True, size=(80, 24)) as pilot``: the viewer on a recorded
    run, caught up and drawn."""

    @asynccontextmanager
    async def open_(
        name: str, upto: int | None = None, *, live: bool = False, size: tuple[int, int] = (120, 40)
    ) -> AsyncIterator[Pilot[None]]:
        source = Recording(name, upto, live=live)
        last = source.records[-1].at
        app = WorkbenchApp(source=source, clock=lambda: last + 1.0)
        async with app.run_test(size=size) as pilot:
            while app.watched.state.seq < len(source.records):
                await pilot.pause()
            app.look()
            await pilot.pause()
            yield pilot

    return open_


def screen_text(pilot: Pilot[None]) -> str:
    """What is on the screen, as text."""
    screen = pilot.app.screen
    lines = screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)
