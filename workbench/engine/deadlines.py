"""How long an agent may be silent, and how long at work. Measured by the loop's clock, which nobody sets
and which stands still while the machine is suspended, so that neither makes a deadline pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from workbench.core import events as e
from workbench.core.models import RunSettings
from workbench.core.state import AttemptState, Phase
from workbench.engine.ports import Emit

Fingerprint = Callable[[], Awaitable[str]]


class Deadlines:
    """Those of one attempt. ``alive`` is called with every sign of life; ``watch`` tells when one has passed,
    and once more when ``nudge_seconds`` later nothing came of that.

    No deadline passes while gates run on what it made, or while it waits for somebody's word, but that time
    counts for ``attempt_seconds``. Before
    an agent counts as silent its worktree is looked at twice, half the time apart: who prints nothing may
    still write files.
    """

    def __init__(
        self, attempt: AttemptState, settings: RunSettings, emit: Emit, fingerprint: Fingerprint
    ) -> None:
        self._attempt = attempt
        self._idle = settings.idle_seconds
        self._wall = settings.attempt_seconds
        self._grace = settings.nudge_seconds
        self._emit = emit
        self._fingerprint = fingerprint
        self._clock = asyncio.get_running_loop().time
        self._sign = self._began = self._clock()
        self._print: str | None = None
        self._nudged: float | None = None

    def alive(self) -> None:
        """The agent did something."""
        self._sign = self._clock()
        self._print = self._nudged = None

    async def watch(self) -> None:
        """Tell of each deadline that passes, of the last one again and again. Runs until cancelled."""
        watched = [self._watch_idle()] if self._idle is not None else []
        watched += [self._watch_wall()] if self._wall is not None else []
        async with asyncio.TaskGroup() as group:
            for watching in watched:
                group.create_task(watching)

    async def _watch_idle(self) -> None:
        assert self._idle is not None, "watched only where there is a deadline"
        while True:
            await self._until(self._next_look(self._idle))
            if self._rests():
                self.alive()
                continue
            silent = self._clock() - self._sign
            if self._nudged is not None:
                if self._clock() >= self._nudged + self._grace and not await self._stirs():
                    self._tell("idle", silent, last=True)
                    self._nudged = self._clock()  # said again, should its turn have ended at that very moment
            elif silent >= self._idle:
                if not await self._stirs():
                    self._nudged = self._clock()
                    self._tell("idle", silent)
            elif silent >= self._idle / 2 and self._print is None:
                self._print = await self._fingerprint()

    def _next_look(self, idle: float) -> float:
        if self._nudged is not None:
            return self._nudged + self._grace
        return self._sign + (idle / 2 if self._print is None else idle)

    async def _stirs(self) -> bool:
        """Whether files changed since the last look; then that was a sign of life."""
        seen, self._print = self._print, await self._fingerprint()
        if seen is None or seen == self._print:
            return False
        self.alive()
        return True

    async def _watch_wall(self) -> None:
        assert self._wall is not None, "watched only where there is a deadline"
        due, last = self._began + self._wall, False
        while True:
            await self._until(due)
            while self._rests():  # its gates may be about to prove it done
                await self._until(self._clock() + min(1.0, self._grace))
            self._tell("wall", self._clock() - self._began, last=last)
            due, last = self._clock() + self._grace, True  # who is nudged after its gates has that time, too

    def _rests(self) -> bool:
        return self._attempt.phase is not Phase.WORKING or bool(self._attempt.waits_on)

    async def _until(self, due: float) -> None:
        await asyncio.sleep(max(0.001, due - self._clock()))

    def _tell(self, deadline: str, seconds: float, *, last: bool = False) -> None:
        self._emit(
            e.DeadlinePassed.model_validate(
                {
                    "task": self._attempt.task,
                    "attempt": self._attempt.number,
                    "deadline": deadline,
                    "seconds": round(seconds, 1),
                    "last": last,
                }
            )
        )
