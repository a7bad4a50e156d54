"""The weather around each port."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.core.events import Record
from workbench.engine.ports import Dropped
from workbench.errors import StoreError
from workbench.testing.faults.weather import Life
from workbench.testing.markers import MemoryMarkers
from workbench.testing.store import MemoryStore


class _Faulty:
    """A port whose every coroutine takes time and may fail or kill; the rest of it is as it was."""

    def __init__(self, port: object, name: str, life: Life, most: float) -> None:
        self._port, self._name, self._life, self._most = port, name, life, most

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(real):
            return real
        what, life, most = f"{self._name}.{name}", self._life, self._most

        async def call(*args: Any, **named: Any) -> Any:
            await life.before(what, most)
            answer = await real(*args, **named)
            await life.after(what, most)
            return answer

        setattr(self, name, call)
        return call


def faulty(port: object, name: str, life: Life, most: float | None = None) -> Any:
    """``port`` with the weather of ``life`` around each of its coroutines, which take up to ``most`` seconds
    each way (as the weather has it, unless told). It fulfils whatever protocol ``port`` does."""
    return _Faulty(port, name, life, life.weather.trouble.pace if most is None else most)


class FaultyStore:
    """``engine.ports.Store``: the disk may be full, and the process may die before or after a commit. A
    transaction that was begun is not undone by cancelling."""

    def __init__(self, store: MemoryStore, life: Life) -> None:
        self._store, self._life = store, life

    async def append(self, run: str, records: Sequence[Record]) -> None:
        self._life.risk("before the log is written")
        weather = self._life.weather
        if weather.faults > 0 and weather.chance(weather.trouble.fault / 4):
            weather.faults -= 1
            weather.say("fault: the log cannot be written")
            raise StoreError("database or disk is full")
        await self._store.append(run, records)
        self._life.risk("after the log was written")

    def read(self, run: str, after: int = 0) -> list[Record]:
        return self._store.read(run, after)

    def runs(self) -> list[str]:
        return self._store.runs()


class FaultyMarkers(MemoryMarkers):
    """Marker folders as one process sees them: when it is dead it changes nothing in them."""

    life: Life

    @classmethod
    def of(cls, folders: MemoryMarkers, life: Life) -> FaultyMarkers:
        """The folders as a new process finds them."""
        again = folders.reopened()
        found = cls(again.settled, again.delivered, again.lying, _waiting=again._waiting)
        found.life = life
        return found

    def scan(self, worktree: Path) -> list[Dropped]:
        self.life.check()
        return super().scan(worktree)

    def settle(self, worktree: Path, name: str, accepted: bool, reason: str = "") -> None:
        self.life.risk("before a marker is cleared away")
        super().settle(worktree, name, accepted, reason)
