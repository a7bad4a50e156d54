"""What people asked for since a run was over goes into its log: an answer may give it work to do again."""

from __future__ import annotations

import time
from collections import deque

from workbench.adapters.requests import RequestFolder
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.place import Place
from workbench.composition.repair import Say
from workbench.core.actions import Declare
from workbench.core.apply import apply
from workbench.core.decide import decide
from workbench.core.events import Event, Record, RequestMade
from workbench.core.mail import PERSON
from workbench.core.state import RunState


async def take_waiting(place: Place, store: SqliteStore, state: RunState, say: Say) -> None:
    """Take each request that lies there into the log, with what follows from it; the run's lock is held. Only
    for a run that is finished: of one that goes on, the engine takes them."""
    folder = RequestFolder(place.requests(state.run), say)
    for requested in folder.scan():
        if requested.id not in state.requests:
            made = RequestMade(id=requested.id, by=PERSON, request=requested.request)
            await store.append(state.run, followed(state, made))
        folder.settle(requested.id)


def followed(state: RunState, event: Event) -> list[Record]:
    """The event and all that is concluded from it, applied to the state of a finished run."""
    records: list[Record] = []
    agenda = deque([event])
    while agenda:
        record = Record(state.seq + 1, max(time.time(), state.at), agenda.popleft())
        apply(state, record)
        records.append(record)
        after = [it.event for it in decide(state, record.event) if isinstance(it, Declare)]
        agenda.extendleft(reversed(after))
    return records
