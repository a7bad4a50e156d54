"""What the run waits for: a time to come, and room in the machine's memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from workbench.core import events as e
from workbench.core.pace import Hold
from workbench.core.state import RunState
from workbench.engine.ports import Emit, Room

LOOK_SECONDS = 10.0
"""The longest between two looks at the clock: it may be set, and a suspended machine's moves on at once."""

ROOM_SECONDS = 5.0
"""Between two looks at the machine's memory."""

GROWN_SECONDS = 30.0
"""How long an agent takes to be as large as it will be; until then its memory still counts as free."""


async def wait_over(hold: Hold, clock: Callable[[], float], emit: Emit) -> None:
    """Tell when ``hold`` is over by ``clock``, which gives Unix time. Cancelling tells nothing."""
    while hold.holds(now := clock()):  # noqa: ASYNC110 - a clock has no event to wait for
        await asyncio.sleep(min(LOOK_SECONDS, hold.until - now))
    emit(e.Awoke())


async def measure(state: RunState, room: Room, emit: Emit) -> None:
    """Tell how many attempts fit into memory whenever that is news: one more is not. Runs until cancelled.

    What is free may be promised already: to agents that are just being started, or have not grown yet.
    """
    clock = asyncio.get_running_loop().time
    up: dict[tuple[str, int], float] = {}
    while True:
        found = room()
        if found is None:
            return
        now = clock()
        up = {key: up.get(key, now) for key, attempt in state.working.items() if attempt.pid is not None}
        small = len(state.working) - sum(now - since >= GROWN_SECONDS for since in up.values())
        team = len(state.teammates)
        fit = min(team, max(1, len(state.working) + max(0, found.agents - small)))
        known = min(team, state.pace.room or team)
        if fit < known or fit > known + 1 or (fit == team and fit > known):
            emit(e.RoomMeasured(attempts=fit, free_mb=found.free_mb))
        await asyncio.sleep(ROOM_SECONDS)
