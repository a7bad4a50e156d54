"""Waiting until the viewer has nothing more to do: seen, where Textual's Pilot guesses it by the clock."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual._context import active_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import App
    from textual.message_pump import MessagePump

LOOKS = 4
"""So many looks in a row must find nothing: what one message leads to comes by way of others."""

STEP = 0.0005

READING = 0.06
"""So long it is waited for what is read in the background: it may never end."""


def _pumps(app: App[Any]) -> Iterator[MessagePump]:
    yield app
    if app.screen_stack:
        yield from app.screen_stack
        yield from app.screen.walk_children()


async def until_quiet(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """In the place of Textual's ``wait_for_idle``, which sleeps for a fiftieth of a second at least, several
    times for a key. What is to be drawn is drawn."""
    app, found, began = active_app.get(), 0, monotonic()
    while monotonic() < began + max_sleep:
        await asyncio.sleep(STEP)
        if not all(it._message_queue.empty() for it in _pumps(app)):
            found = 0
            continue
        found += 1
        if found == LOOKS // 2 and app.screen_stack:
            app.screen._on_timer_update()
        reads = any(it.group != "follow" and not it.is_finished for it in app.workers)
        if found >= LOOKS and (not reads or monotonic() > began + READING):
            return
