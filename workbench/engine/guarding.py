"""Looking after what no attempt has business with, while attempts are live.

The repository is looked at before and after every attempt, and every POLL_SECONDS in between. A ref of the
run that somebody else moved is put back by compare-and-swap; whatever else was done is told, after what it
would have lost was pinned. Nobody is failed for it: several were at work, and the user was there, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from workbench.core import events as e
from workbench.core.alarms import leak_alarm
from workbench.core.apply.guard import EVENTS
from workbench.core.guard import Snapshot
from workbench.core.state import AttemptState, Phase, RunState
from workbench.engine.failures import explain
from workbench.engine.judging import Judge
from workbench.engine.ports import Emit, Guard
from workbench.engine.world import World
from workbench.errors import WorkbenchError

POLL_SECONDS = 15.0

SHARE = 0.05
SPARE_SECONDS = 0.25
LONGEST_WAIT = 0.2
"""Looks may take this share of the time, and this much besides when many come at once; beyond it they wait,
at most so long, and those who wait share one."""

CHEAP_SECONDS = 0.01
"""What a whole look may take that is made whenever nobody is at work any more."""

LEAKS = 500
LOOKUPS = 5_000
"""Files, and versions of them, that are compared when a run is over."""

SUSPECTS = 20
"""Attempts that are named where more were live."""

Key = tuple[str, int]


class Guarding:
    """One run's guard. ``joined`` and ``left`` tell it who is at work; ``aclose`` ends what it does."""

    def __init__(self, state: RunState, world: World, guard: Guard, emit: Emit) -> None:
        self._state, self._world, self._guard, self._emit = state, world, guard, emit
        self._before: Snapshot | None = None
        self._live: dict[Key, AttemptState] = {}
        self._ended: dict[Key, AttemptState] = {}
        self._next: asyncio.Future[None] | None = None
        self._turns = asyncio.Lock()
        self._spare, self._spare_at = SPARE_SECONDS, time.monotonic()
        self._whole_took = 0.0
        self._judge = Judge(state, world, guard, emit)
        self._at_first: asyncio.Future[Mapping[str, str] | None] | None = None
        self._polling: asyncio.Future[None] | None = None

    # -- who is at work ------------------------------------------------------------------------------

    def open(self) -> None:
        """Remember the user's checkout as it is now, in the background. Does nothing a second time."""
        if self._at_first is None:
            self._at_first = asyncio.ensure_future(self._fingerprint())

    async def joined(self, attempt: AttemptState) -> None:
        """An attempt is about to begin: what is found from now on may be its doing."""
        self.open()
        await self.look()
        self._live[attempt.task, attempt.number] = attempt
        if self._polling is None:
            self._polling = asyncio.ensure_future(self._poll())

    async def left(self, attempt: AttemptState) -> None:
        """An attempt's processes are gone; what it did is found before this returns."""
        key = (attempt.task, attempt.number)
        if (ended := self._live.pop(key, None)) is not None:
            self._ended[key] = ended
            await self.look(whole=not self._live and self._whole_took < CHEAP_SECONDS)

    async def aclose(self) -> None:
        """End the poll, and looks that nobody waits for."""
        owned = [it for it in (self._polling, self._next, self._at_first) if it is not None]
        for one in owned:
            one.cancel()
        await asyncio.gather(*owned, return_exceptions=True)

    # -- looking ---------------------------------------------------------------------------------------

    async def look(self, whole: bool = False) -> None:
        """Look once, after this call. Those who ask while one waits for its turn share it. Never raises for
        what it finds: that something cannot be read is told once."""
        if whole:
            await self._turn(whole)
            return
        if self._next is None:
            self._next = asyncio.ensure_future(self._turn())
        await asyncio.shield(self._next)

    async def _turn(self, whole: bool = False) -> None:
        async with self._turns:
            if not whole:
                await self._afford()
                self._next = None  # who asks from here on needs another
            try:
                await self._look(whole)
            except (WorkbenchError, OSError) as problem:
                self._judge.once(f"the repository could not be looked after: {explain(problem)}")

    async def _afford(self) -> None:
        """Wait until looks have taken no more than their share."""
        now = time.monotonic()
        self._spare = min(SPARE_SECONDS, self._spare + SHARE * (now - self._spare_at))
        self._spare_at = now
        if self._spare < 0:
            await asyncio.sleep(min(LONGEST_WAIT, -self._spare / SHARE))

    async def _look(self, whole: bool) -> None:
        ended = list(self._ended)
        suspects = (*self._live.values(), *self._ended.values())
        names = tuple(map(_named, suspects[:SUSPECTS]))
        if len(suspects) > SUSPECTS:
            names = (*names, f"{len(suspects) - SUSPECTS} more")
        began = time.monotonic()
        whole = whole or self._before is None
        now = await self._guard.look(whole)
        took = time.monotonic() - began
        if whole:
            self._whole_took = took
        else:
            self._spare -= took
        if self._before is not None:
            await self._judge.judge(self._before, now, names)
        self._before = now
        for key in ended:
            self._ended.pop(key, None)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self._live:
                continue
            try:
                await self.look(whole=True)
                for attempt in list(self._live.values()):
                    self._stands(attempt)
            except Exception as problem:  # noqa: BLE001 - a bug here must not end all looking without a word
                self._judge.once(f"the repository could not be looked after: {explain(problem)}")

    def _stands(self, attempt: AttemptState) -> None:
        """An attempt whose worktree is gone can only fail: what it writes now goes nowhere."""
        where = self._state.teammates[attempt.teammate].worktree
        if not (attempt.prepared and attempt.phase is Phase.WORKING and where):
            return
        if problem := self._guard.problem(Path(where)):
            task, number = attempt.task, attempt.number
            self._emit(e.EffectFailed(action="CheckWorktree", error=problem, task=task, attempt=number))

    # -- the user's checkout -----------------------------------------------------------------------------

    async def conclude(self) -> list[e.Event]:
        """Look a last time, at everything; gives what may follow the end of the run."""
        found: list[e.Event] = []
        self._judge.emit = found.append
        if self._before is not None:
            await self.look(whole=True)
        found += await self._leaks()
        return [event for event in found if isinstance(event, EVENTS)]

    async def _leaks(self) -> list[e.Event]:
        """Files of the user's checkout that changed since ``open`` and are now as an attempt made them. Other
        changes are the user's own."""
        if self._at_first is None or (before := await self._at_first) is None:
            return []
        if (now := await self._fingerprint()) is None:
            return []
        changed = [path for path, content in now.items() if content and before.get(path) != content]
        found: dict[str, list[str]] = {}
        lookups = LOOKUPS
        for attempt in list(self._state.attempts.values()):
            if not attempt.commit or lookups <= 0:
                continue
            for path in changed[:LEAKS]:
                lookups -= 1
                try:
                    made = await self._guard.blob_at(attempt.commit, path)
                    was = await self._guard.blob_at(attempt.start, path) if made == now[path] else made
                except WorkbenchError:  # told elsewhere: git does not work any more
                    return []
                if made != was:
                    found.setdefault(path, []).append(f"{attempt.teammate} at {attempt.task}")
        return [e.TamperingFound(alarm=leak_alarm(str(self._guard.root), found))] if found else []

    async def _fingerprint(self) -> Mapping[str, str] | None:
        """The checkout as it is; None where that cannot be told, in time."""
        try:
            return await self._guard.fingerprint()
        except (WorkbenchError, OSError, TimeoutError):
            return None


def _named(attempt: AttemptState) -> str:
    return f"{attempt.teammate} at {attempt.task}"


def guarding(state: RunState, world: World, emit: Emit) -> Guarding | None:
    """The guard of a run, where its world has one."""
    return None if world.guard is None else Guarding(state, world, world.guard, emit)
