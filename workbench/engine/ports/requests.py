"""What people ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from workbench.core.requests import Request


@dataclass(frozen=True, slots=True)
class Requested:
    """A request, and the id by which it is taken once."""

    id: str
    request: Request


class Requests(Protocol):
    """Where front ends leave requests for a run."""

    async def watch(self) -> AsyncIterator[Requested]:
        """Requests as they are made, in their order, those that wait already first; each is given once.
        Runs until cancelled."""
        yield  # type: ignore[misc]

    def scan(self) -> list[Requested]:
        """Those that wait now and were not yet given."""
        ...

    def settle(self, request: str) -> None:
        """A request that was given is in the log: it need not be kept any more."""
        ...
