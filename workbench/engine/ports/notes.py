"""Notes that teams share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from workbench.core.recall import Query, Recalled
from workbench.core.traces import Trace


class Notes(Protocol):
    """The shared notes of the repository, for all its runs. Nothing of a run depends on them: whoever calls
    goes on without when StoreError says that they cannot be had."""

    async def keep(self, run: str, traces: Sequence[Trace], seconds: float) -> None:
        """Take over what the log of ``run``, ``seconds`` at work by now, says: all of it or nothing. What was
        taken over before changes nothing, so a log may be given again from its beginning. Raises
        StoreError; once begun it is not undone by cancelling."""
        ...

    async def recall(self, query: Query, run: str = "", seconds: float = 0.0) -> list[Recalled]:
        """Notes that answer ``query``, best first: see ``core.recall.ranked``. Their strength is that of
        now, at which ``run`` has been at work for ``seconds``. Changes nothing; raises StoreError."""
        ...
