"""Waiting until the viewer has nothing more to do: seen, where Textual's Pilot guesses it by the clock."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from textual._context import active_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.message_pump import MessagePump

LOOKS = 4
"""So many looks in a row must find nothing: what one message leads to comes by way of timers, too."""

STEP = 0.0005


def _pumps() -> Iterator[MessagePump]:
    app = active_app.get()
    yield app
    if app.screen_stack:
        yield from app.screen_stack
        yield from app.screen.walk_children()


async def until_quiet(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """In the place of Textual's ``wait_for_idle``, which sleeps for a fiftieth of a second at least, several
    times for a key."""
    found, end = 0, monotonic() + max_sleep
    while found < LOOKS and monotonic() < end:
        await asyncio.sleep(STEP)
        found = found + 1 if all(it._message_queue.empty() for it in _pumps()) else 0
