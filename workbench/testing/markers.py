"""Marker folders in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.models import Marker
from workbench.engine.ports import Dropped


@dataclass
class MemoryMarkers:
    """``engine.ports.Markers`` in memory: ``drop`` is what a teammate does. ``settled`` says what
    became of each marker, ``delivered`` holds the message files by worktree, ``lying`` the files that were
    not settled yet: a process that dies leaves them to the next, which sees them by ``reopened``."""

    settled: dict[tuple[Path, str], tuple[bool, str]] = field(default_factory=dict)
    delivered: dict[Path, dict[str, str]] = field(default_factory=dict)
    lying: dict[tuple[Path, str], Dropped] = field(default_factory=dict)
    watched: set[Path] = field(default_factory=set)
    _follower: Callable[[str], None] = lambda teammate: None
    _moved: list[str] = field(default_factory=list)
    _waiting: list[Dropped] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def drop(self, worktree: Path, name: str, marker: Marker | None, problem: str = "") -> None:
        """Put a marker into a worktree's folder; None with a ``problem`` is one that cannot be read."""
        dropped = self.lying[worktree, name] = Dropped(worktree, name, marker, problem)
        self._waiting.append(dropped)
        self._news.set()

    def reopened(self) -> MemoryMarkers:
        """The same folders as a new process finds them: nothing is watched, and nothing was given yet."""
        return MemoryMarkers(self.settled, self.delivered, self.lying, _waiting=list(self.lying.values()))

    def move(self, teammate: str) -> None:
        """Say that a teammate's branch has moved."""
        self._moved.append(teammate)
        self._news.set()

    async def watch(self) -> AsyncIterator[Dropped]:
        while True:
            await self._news.wait()
            self._news.clear()
            moved, self._moved = self._moved, []
            for teammate in moved:
                self._follower(teammate)
            while ready := [dropped for dropped in self._waiting if dropped.worktree in self.watched]:
                self._waiting.remove(ready[0])
                yield ready[0]

    def add(self, worktree: Path) -> None:
        self.watched.add(worktree)
        self._news.set()

    def scan(self, worktree: Path) -> list[Dropped]:
        found = sorted((d for d in self._waiting if d.worktree == worktree), key=lambda d: d.name)
        self._waiting = [d for d in self._waiting if d.worktree != worktree]
        return found

    def follow(self, moved: Callable[[str], None]) -> None:
        self._follower = moved

    def settle(self, worktree: Path, name: str, accepted: bool, reason: str = "") -> None:
        self.settled[worktree, name] = (accepted, reason)
        if not any((it.worktree, it.name) == (worktree, name) for it in self._waiting):
            self.lying.pop((worktree, name), None)  # else it was dropped again after it was given

    def deliver(self, worktree: Path, name: str, text: str) -> None:
        self.delivered.setdefault(worktree, {})[name] = text
