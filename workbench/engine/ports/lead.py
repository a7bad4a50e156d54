"""Who leads a team, and what with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workbench.core.requests import Request
from workbench.engine.ports.agents import AgentReport, Assignment, Letter
from workbench.engine.ports.worktrees import Checkouts


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request of the lead's: the ``message`` that was sent, if one was, or why it was
    ``refused``."""

    refused: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a lead works with. ``ask`` puts a request to the engine and gives what came of it; ``team`` tells
    who is at what now, and ``waiting`` the ids of what waits for the lead's answer, oldest first."""

    ask: Callable[[Request], Awaitable[Outcome]]
    team: Callable[[], str]
    waiting: Callable[[], tuple[str, ...]]


class Lead(Protocol):
    """Who can lead a team."""

    async def lead(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
        desk: Desk,
    ) -> None:
        """Lead until the session is over or this coroutine is cancelled; otherwise as ``Agent.work``. The
        assignment's brief stands before the lead all the time and asks for nothing; what is in ``inbox``
        does. Its worktree is for reading, and changes its files when something has landed. A lead changes
        nothing but by ``desk``."""
        ...


@dataclass(frozen=True, slots=True)
class Seat:
    """A lead and what it needs: one of ``checkouts``, an environment of its own, and what to add to that for
    one life of it at a place."""

    lead: Lead
    checkouts: Checkouts
    environment: Mapping[str, str]
    extras: Callable[[int, Path], Mapping[str, str]] = lambda life, place: {}
