"""Tool uses of one attempt that wait for somebody's word, each in a coroutine of the agent's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from workbench.core import events as e
from workbench.core.plain import UNPRINTABLE
from workbench.core.state import AttemptState
from workbench.engine.ports import Emit, Ruling

TARGET_LIMIT = 2_000
"""Characters of what a tool use is about: nobody decides on what they are not shown whole."""


class Consultations:
    """``ask`` is what the agent calls; ``rule`` what the engine calls once an answer is in the log. When the
    attempt ends the agent ends, and what it waits for with it."""

    def __init__(self, attempt: AttemptState, emit: Emit, over: Callable[[], bool]) -> None:
        self._attempt = attempt
        self._emit = emit
        self._over = over
        self._asked = 0
        self._waiting: dict[str, asyncio.Future[Ruling]] = {}

    async def ask(self, tool: str, target: str, why: str) -> Ruling:
        """See ``ports.Consult``."""
        if self._over():
            return Ruling(False, "The attempt is over.")
        if len(target) > TARGET_LIMIT:
            return Ruling(False, f"{why} (It is too long to be asked about.)")
        self._asked += 1
        key = f"p{self._asked}"
        ruling: asyncio.Future[Ruling] = asyncio.get_running_loop().create_future()
        self._waiting[key] = ruling
        it = self._attempt
        self._emit(
            e.PermissionAsked(
                task=it.task,
                attempt=it.number,
                key=key,
                tool=tool,
                target=UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", target),
                reason=why,
            )
        )
        try:
            return await ruling
        finally:
            del self._waiting[key]

    def rule(self, key: str, ruling: Ruling) -> None:
        """Let what waits under ``key`` go on; nobody may wait for that any more."""
        waiting = self._waiting.get(key)
        if waiting is not None and not waiting.done():
            waiting.set_result(ruling)
