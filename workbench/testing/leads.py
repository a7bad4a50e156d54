"""A lead that follows a script: what it asks for when it is told something, without a model or a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workbench.core.models import Usage
from workbench.core.requests import Answer, Request
from workbench.engine.ports import (
    Acted,
    AgentReport,
    Assignment,
    Desk,
    Ended,
    Heard,
    Letter,
    Outcome,
    Started,
)

Reply = Callable[[Letter, Desk], Sequence[Request]]


class Fails(Exception):
    """Raised by a reply: the session ends with this error."""


def answers_all(letter: Letter, desk: Desk) -> Sequence[Request]:
    """Answer whatever waits."""
    return [Answer(message=name, text="as you think best") for name in desk.waiting()[:1]]


@dataclass
class ScriptedLead:
    """``engine.ports.Lead``: asks for what ``reply`` gives for each letter, a turn for each, at
    ``cost_usd``. It ``keeps`` its session when called again. ``known`` holds the letters of each session,
    which it takes up once; ``heard`` is all that was told, ``outcomes`` what came of its requests,
    ``assignments`` what it was called with."""

    reply: Reply = answers_all
    cost_usd: float = 0.0
    keeps: bool = True
    assignments: list[Assignment] = field(default_factory=list)
    heard: list[Letter] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    known: dict[str, list[str]] = field(default_factory=dict)
    working: int = 0

    async def lead(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
        desk: Desk,
    ) -> None:
        self.assignments.append(assignment)
        self.working += 1
        try:
            await self._live(assignment, inbox, report, desk)
        finally:
            self.working -= 1

    async def _live(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
        desk: Desk,
    ) -> None:
        session = (assignment.session if self.keeps else None) or f"lead-session-{assignment.attempt}"
        known = self.known.setdefault(session, [])
        usage = Usage()
        report(Started(pid=None, session=session))
        while True:
            letter = await inbox.get()
            mark = letter.known_by or letter.text
            if letter.messages:
                report(Heard(letter.messages))
                if mark in known:
                    report(Ended(live=True, usage=usage, session=session))
                    continue
            known.append(mark)
            self.heard.append(letter)
            usage += Usage(cost_usd=self.cost_usd, turns=1)
            try:
                for request in self.reply(letter, desk):
                    report(Acted(request.what))
                    self.outcomes.append(await desk.ask(request))
            except Fails as problem:
                report(Ended(live=False, error=str(problem), usage=usage, session=session))
                return
            report(Ended(live=True, usage=usage, session=session))
