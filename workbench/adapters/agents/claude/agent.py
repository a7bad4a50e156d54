"""The port's Agent for the real Claude Code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from workbench.adapters.agents.claude.session import Session
from workbench.adapters.agents.claude.settings import ClaudeSettings
from workbench.engine.ports import AgentReport, Assignment, Letter, Notes


class ClaudeAgent:
    """Claude Code teammates, one process for each ``work``. See ``ports.Agent``.

    ``Ended.usage`` counts what was used since ``work`` began: of a continued session not what it had
    used before, so that the attempts of a run can be added up. Needs ``WORKBENCH_NONCE`` in the
    assignment's ``env`` to find processes that left Claude Code's process tree. With ``notes`` teammates
    can ask the shared notes.
    """

    continues = True

    def __init__(self, settings: ClaudeSettings | None = None, notes: Notes | None = None) -> None:
        self._settings = settings or ClaudeSettings()
        self._notes = notes

    async def work(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
    ) -> None:
        """See ``ports.Agent.work``. Cancelling ends the process in good order, which takes up to a few
        seconds; cancelling again kills it. Either way this returns when it is gone."""
        await live(
            Session(self._settings, assignment, inbox, report, self._notes), f"claude {assignment.task}"
        )


async def live(session: Session, name: str) -> None:
    """Let ``session`` live. Cancelling ends it in good order, cancelling again kills it."""
    # The client's life is one task's; a task of its own lets it end in order when this is cancelled.
    # It is awaited on every path, so it cannot outlive this call.
    life = asyncio.create_task(session.run(), name=name)
    cancelled = 0
    try:
        while not life.done():
            try:
                await asyncio.wait({life})
            except asyncio.CancelledError:
                cancelled += 1
                if cancelled == 1:
                    life.cancel()
                else:
                    session.kill()
    finally:
        if not life.done() or life.cancelled() or life.exception() is not None:
            session.kill()
    if cancelled:
        raise asyncio.CancelledError
    await life
