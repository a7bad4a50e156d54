"""Where events go: the log that keeps them, and the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from workbench.core.events import Event, Record


class Store(Protocol):
    """The append-only event log of one repository, for all its runs."""

    async def append(self, run: str, records: Sequence[Record]) -> None:
        """Write all of ``records`` in one durable transaction (fsync before return), in order.

        Raises StoreError when that did not happen, in which case none of them is in the log; a
        ``seq`` that does not follow the last one is such an error. Once begun it is not undone by
        cancelling.
        """
        ...

    def read(self, run: str, after: int = 0) -> list[Record]:
        """Every record of ``run`` with ``seq`` greater than ``after``, in order.

        Raises StoreError when what lies there is not what was written.
        """
        ...

    def runs(self) -> list[str]:
        """Ids of all runs, oldest first."""
        ...


Emit = Callable[[Event], None]
"""Hand an event to the loop; returns at once, from any coroutine of the loop's thread."""
