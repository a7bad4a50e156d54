"""The one loop: append events, apply them, publish, decide, execute, and so on with what comes back.

All events that are waiting are folded and decided together and written in one durable transaction;
only then is anything published or done. So nothing outside ever reacts to an event that a crash
could take back, and a burst costs one fsync.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol

from workbench.core.actions import Action, Declare
from workbench.core.apply import apply
from workbench.core.decide import decide
from workbench.core.events import Event, Record, RequestMade, RunResumed, StopRequested
from workbench.core.redaction import Redactor
from workbench.core.state import RunState
from workbench.engine.bus import Bus
from workbench.engine.clock import Onward, SteadyClock
from workbench.engine.ports import Store

Effect = Callable[[], Coroutine[None, None, None]]


class Executor(Protocol):
    """Turns actions into intents, which are recorded first, and effects, which run after that."""

    def begin(self, state: RunState, action: Action) -> tuple[list[Event], Effect | None]:
        """The events to record before the action, and what to run once they are durable."""
        ...

    def start(self, effect: Effect) -> None:
        """Run an effect in the background; what comes of it arrives as events."""
        ...

    def committed(self, record: Record) -> None:
        """A record is in the log: let go of what it made redundant."""
        ...

    async def settle(self) -> None:
        """Wait for effects that must be whole (closing agents, tidying); cancel the others."""
        ...


class Engine:
    """Runs one run, from its state, until it is finished."""

    def __init__(
        self,
        run: str,
        state: RunState,
        store: Store,
        bus: Bus,
        clock: Callable[[], float] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._redactor = redactor or Redactor()
        self.run = run
        self.state = state
        self.state.run = run
        self._store = store
        self._bus = bus
        self.clock = Onward(clock or SteadyClock(), state.at)
        self._inbox: deque[tuple[float, Event]] = deque()
        self._wake = asyncio.Event()

    def emit(self, event: Event) -> None:
        """Hand an event to the loop. Call it from the loop's thread; it returns at once. Here all that others
        say comes in, and no secret that is known does."""
        self._inbox.append((self.clock(), self._redactor.event(event)))
        self._wake.set()

    def stop(self, reason: str) -> None:
        """Ask for a graceful stop: live attempts are interrupted, kept, and can be resumed."""
        if not self.state.finished and not self.state.stopping:
            self.emit(StopRequested(reason=reason))

    async def go(self, executor: Executor) -> RunState:
        """Work until RunFinished is in the log; gives the final state.

        Raises StoreError when the log cannot be written and IllegalEvent on a bug of ours; either
        way, and when cancelled, the log holds a prefix from which the run can be resumed.
        """
        try:
            await self._take_what_waits(executor)  # a stopped run is finished until it is resumed
            while not self.state.finished:
                await self._wake.wait()
                self._wake.clear()
                await self._take_what_waits(executor)
        finally:
            await executor.settle()
        return self.state

    async def note(self, events: Sequence[Event]) -> None:
        """Record what became known after the end, of the kinds that may follow it."""
        records: list[Record] = []
        for event in events:
            record = Record(self.state.seq + 1, self.clock(), self._redactor.event(event))
            apply(self.state, record)
            records.append(record)
        if records:
            await self._store.append(self.run, records)
            self._bus.publish(records)

    async def _take_what_waits(self, executor: Executor) -> None:
        records: list[Record] = []
        effects: list[Effect] = []
        while self._inbox:
            at, event = self._inbox.popleft()
            if self.state.finished and not self._may_follow(event):
                continue
            self._take(event, at, executor, records, effects)
        if not records:
            return
        await self._store.append(self.run, records)
        for effect in effects:
            executor.start(effect)
        for record in records:
            executor.committed(record)
        self._bus.publish(records)

    def _may_follow(self, event: Event) -> bool:
        """Whether an event still counts when the run is finished. It is not resumed when nothing is left to
        do by now: what a person last asked for, a moment before, can have settled just that."""
        if isinstance(event, RunResumed):
            return not self.state.over_for_good
        return isinstance(event, RequestMade)

    def _take(
        self, event: Event, at: float, executor: Executor, records: list[Record], effects: list[Effect]
    ) -> None:
        """Fold one event and all that follows from it at once, depth first. An agenda instead of
        recursion: a teammate with a thousand unread messages must not overflow the stack."""
        agenda: deque[Event | Action] = deque([event])
        while agenda:
            match agenda.popleft():
                case Event() as happened:
                    record = Record(self.state.seq + 1, at, happened)
                    apply(self.state, record)
                    records.append(record)
                    agenda.extendleft(reversed(decide(self.state, happened)))
                case Declare(conclusion):
                    agenda.appendleft(conclusion)
                case Action() as action:
                    intents, effect = executor.begin(self.state, action)
                    if effect is not None:  # before those of what follows from it: one letter after the other
                        effects.append(effect)
                    agenda.extendleft(reversed(intents))
