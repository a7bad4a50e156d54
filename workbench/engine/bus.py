"""Hands every committed record to whoever listens: front ends in this process, and tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.core.events import Record

Listener = Callable[[Record], None]


class Bus:
    """Publishes records once they are in the log.

    A listener is called on the loop's thread, in order; it must be quick (put it in a queue) and
    must not raise: a front end can never hold up or break a run.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each record from now on; gives the function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, records: Sequence[Record]) -> None:
        """Give ``records`` to every listener."""
        for record in records:
            for listener in tuple(self._listeners):
                listener(record)
