"""Appends that wait for the writing thread, and how their callers hear of them."""

from __future__ import annotations

import asyncio
import contextlib

from workbench.errors import StoreError

Row = tuple[str, int, float, str, str]
"""An event to be written: run, seq, at, type, body."""


class Pending:
    """One caller's rows, waiting for the writing thread."""

    __slots__ = ("done", "loop", "rows")

    def __init__(self, rows: list[Row], loop: asyncio.AbstractEventLoop) -> None:
        self.rows = rows
        self.loop = loop
        self.done: asyncio.Future[None] = loop.create_future()


def tell(batch: list[Pending], errors: list[StoreError | None]) -> None:
    """Wake the callers, each in its own loop, with one hop per loop."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[Pending, StoreError | None]]] = {}
    for pending, error in zip(batch, errors, strict=True):
        loops.setdefault(pending.loop, []).append((pending, error))
    for loop, answers in loops.items():
        # A loop that closed has nobody left to tell; its records are written all the same.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: list[tuple[Pending, StoreError | None]]) -> None:
    for pending, error in answers:
        if pending.done.done():  # its caller was cancelled
            continue
        if error is None:
            pending.done.set_result(None)
        else:
            pending.done.set_exception(error)
