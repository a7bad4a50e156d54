"""Answers that go wrong on purpose: broken and trickling streams, garbage, silence, refusals, limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.rehearsal import wire
from workbench.rehearsal.script import Fault

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

BREATH = 0.2
"""Seconds between the last bytes of a broken stream and its end."""

DROP = 7
DRIP = 0.002
"""Bytes at a time of a stream that trickles, and seconds between them."""

GARBAGE = b"event: message_start\ndata: {\x00 this is no JSON\n\n\xff\xfe\xfd"

Pause = Callable[[float | None], Awaitable[None]]
"""Wait so many seconds (None: for ever), or until the rehearsal closes."""


def limit_headers(seconds: float) -> dict[str, str]:
    """The headers by which the API tells a subscription that its limit is reached, and until when."""
    return {
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-representative-claim": "five_hour",
        "anthropic-ratelimit-unified-reset": f"{int(time.time() + seconds)}",
        "retry-after": f"{int(seconds)}",
    }


def refused(whole: Mapping[str, Any]) -> dict[str, Any]:
    """``whole``, declined: nothing of it is said or done."""
    return {**whole, "content": [], "stop_reason": "refusal"}


def broken(fault: Fault, whole: Mapping[str, Any], pause: Pause) -> Response:
    """The response to give for ``fault`` in the place of the answer ``whole``."""
    from starlette.responses import Response

    class Broken(Response):
        """Begins like a stream of events, if at all, and never ends like one."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if fault.kind == "silence":
                await _gone(receive, pause)
                return
            parts = list(wire.stream(whole))
            if fault.kind == "trickle":
                await _trickle(b"".join(parts), send, pause)
                return
            body = GARBAGE if fault.kind == "garbage" else b"".join(parts[: max(3, len(parts) // 2)])
            head = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": body, "more_body": True})
            # A client may drop what it has not read yet when the connection goes: let it read.
            await pause(BREATH)
            # Returning before the body is complete makes the server drop the connection.

    return Broken()


async def _trickle(body: bytes, send: Send, pause: Pause) -> None:
    """All of it, in pieces that respect neither lines nor characters."""
    head = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    for start in range(0, len(body), DROP):
        piece = body[start : start + DROP]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await pause(DRIP)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive, pause: Pause) -> None:
    """Wait until the client gives up, or the rehearsal closes."""

    async def left() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        closing.cancel()

    async def closed() -> None:
        await pause(None)
        leaving.cancel()

    async with asyncio.TaskGroup() as group:
        closing = group.create_task(closed())
        leaving = group.create_task(left())
