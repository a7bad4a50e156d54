"""Requests in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from workbench.core.requests import Request
from workbench.engine.ports import Requested


@dataclass
class MemoryRequests:
    """``engine.ports.Requests`` in memory: ``leave`` is what a front end does. ``lying`` are those that were
    not settled yet: a process that dies leaves them to the next, which sees them by ``reopened``."""

    lying: dict[str, Requested] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    _given: set[str] = field(default_factory=set)
    _news: asyncio.Event | None = None

    def leave(self, request: Request) -> str:
        """Ask for something; gives the request's id."""
        name = f"{len(self.left):08x}"
        self.left.append(name)
        self.lying[name] = Requested(name, request)
        if self._news is not None:
            self._news.set()
        return name

    def reopened(self) -> MemoryRequests:
        """The same requests as a new process finds them."""
        return MemoryRequests(self.lying, self.left)

    async def watch(self) -> AsyncIterator[Requested]:
        self._news = asyncio.Event()
        while True:
            for requested in self.scan():
                yield requested
            await self._news.wait()
            self._news.clear()

    def scan(self) -> list[Requested]:
        found = [it for name, it in self.lying.items() if name not in self._given]
        self._given.update(it.id for it in found)
        return found

    def settle(self, request: str) -> None:
        self.lying.pop(request, None)
