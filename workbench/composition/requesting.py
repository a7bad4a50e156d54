"""What a person asks of a run from another process: left for it, and looked for in its log."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass

from workbench.adapters.requests import leave, left, take_back
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.past import choose, read_from
from workbench.composition.place import Place
from workbench.composition.remains import going_on
from workbench.core.changing import open_change
from workbench.core.decide.requests import refusal
from workbench.core.events import Event, RequestMade, RequestRefused
from workbench.core.mail import PERSON
from workbench.core.requests import OF_THE_MOMENT, Answer, Request, Write
from workbench.core.state import RunState
from workbench.errors import UsageError, WorkbenchError

TAKE_SECONDS = 10.0
"""A run that is going on takes a request within this, unless it is stuck or stopped by a signal."""

LOOK_SECONDS = 0.02
ALIVE_SECONDS = 0.5
"""How often it is seen to that the run is still going on."""


@dataclass(frozen=True)
class Requested:
    """A request of ``run``. ``event`` is what followed from it; None when the run is not going on, so that
    it is kept until it is resumed. ``replaced`` says that it takes the place of one that was kept before."""

    id: str
    run: str
    event: Event | None
    replaced: bool = False


def run_meant(place: Place, store: SqliteStore, wanted: str | None) -> tuple[str, bool]:
    """The run that is meant, the one that is going on if none is named, and whether it is going on."""
    live = going_on(place)
    runs = store.runs()
    run = choose(runs, wanted or (live if live in runs else None))
    return run, run == live


def is_paused(place: Place, wanted: str | None) -> bool:
    """Whether that run, or any if none is named, is going on and paused."""
    live = going_on(place)
    if not live or wanted not in (None, live):
        return False
    with place.reading() as store:
        return live in store.runs() and read_from(store, live).paused


async def ask(place: Place, wanted: str | None, request: Request) -> Requested:
    """Ask for something as the person, and see what comes of it.

    Raises UsageError with the run's own words when it is refused, or when the run is not going on and this
    cannot wait until it is; WorkbenchError when the run does not take it in time.
    """
    with place.reading() as store:
        run, live = run_meant(place, store, wanted)
        if _by_teammate(run):
            raise UsageError(
                "A teammate does not speak for the person.",
                "`workbench mark message --to lead`, `mark question` and `mark answer` say it as a teammate.",
            )
        if not live:
            return _kept(place, read_from(store, run), request)
        after = store.last(run)
        made = leave(place.requests(run), request)
        event = await _followed(place, store, run, after, made)
        if event is None and going_on(place) != run:
            return _left_behind(place, read_from(store, run), made, request)
    if event is None:
        raise _late(place, run, made, request)
    if isinstance(event, RequestRefused):
        raise UsageError(event.reason, event.hint)
    return Requested(made, run, event)


def _by_teammate(run: str) -> bool:
    """Whether this is a teammate's doing, by the environment of this process and of those above it: one that
    took the variables out of its own has them above. Not proof against who is set on it and not walled in."""
    import psutil

    for process in (psutil.Process(), *psutil.Process().parents()):
        try:
            environ = os.environ if process.pid == os.getpid() else process.environ()
        except psutil.Error:  # another user's, or gone
            continue
        if environ.get("WORKBENCH_NONCE") and environ.get("WORKBENCH_RUN") == run:
            return True
    return False


async def _followed(place: Place, store: SqliteStore, run: str, after: int, made: str) -> Event | None:
    """What stands behind the request in the log; None when it is not there in time, or the run has ended."""
    deadline = time.monotonic() + TAKE_SECONDS
    look = time.monotonic() + ALIVE_SECONDS
    taken = ended = False
    while True:
        for record in store.history(run, after):
            if taken:
                return record.event
            taken = isinstance(record.event, RequestMade) and record.event.id == made
            after = record.seq
        now = time.monotonic()
        if ended or now >= deadline:
            return None
        if now >= look:
            ended, look = going_on(place) != run, now + ALIVE_SECONDS  # its last words are read once more
        await asyncio.sleep(LOOK_SECONDS)


def _kept(place: Place, state: RunState, request: Request) -> Requested:
    """Leave it for when the run is resumed, if anything would come of it then. Of two answers to one message
    the run would take the first: the last word counts, so the earlier one is taken back."""
    _demand_use(state, request)
    folder = place.requests(state.run)
    earlier = [
        it.id
        for it in left(folder)
        if isinstance(request, Answer)
        and isinstance(it.request, Answer)
        and it.request.message == request.message
    ]
    replaced = [take_back(folder, it) for it in earlier]
    return Requested(leave(folder, request), state.run, None, any(replaced))


def kept_answers(place: Place, run: str) -> dict[str, Answer]:
    """What a person answered that the run has not taken yet, by the message."""
    found = (it.request for it in left(place.requests(run)))
    return {it.message: it for it in found if isinstance(it, Answer)}


def _left_behind(place: Place, state: RunState, made: str, request: Request) -> Requested:
    """The run ended while this waited for it."""
    try:
        _demand_use(state, request)
    except UsageError:
        take_back(place.requests(state.run), made)
        raise
    return Requested(made, state.run, None)


def _demand_use(state: RunState, request: Request) -> None:
    """Raise UsageError where nothing would come of a request when the run is resumed."""
    run = state.run
    if isinstance(request, OF_THE_MOMENT):
        if state.over_for_good:
            raise UsageError(f"Run {run} is over: {state.outcome}.", f"`workbench report {run}` shows it.")
        raise UsageError(f"Run {run} is not going on.", f"`workbench resume {run}` goes on with it.")
    about_plan = (
        isinstance(request, Answer) and (it := open_change(state)) and it.message.id == request.message
    )
    if state.over_for_good and isinstance(request, Write | Answer) and not about_plan:
        again = "`workbench retry TASK` and `workbench resume` take up again what was given up."
        raise UsageError(
            f"Run {run} is over: {state.outcome}. Nobody would read it.",
            again if state.outcome == "incomplete" else f"`workbench report {run}` shows what came of it.",
        )
    if (refused := refusal(state, request, PERSON)) is not None:
        raise UsageError(str(refused), refused.hint)


def _late(place: Place, run: str, made: str, request: Request) -> WorkbenchError:
    said = f"Run {run} is going on and did not take the request within {TAKE_SECONDS:.0f} s."
    if isinstance(request, OF_THE_MOMENT) and take_back(place.requests(run), made):
        return WorkbenchError(
            f"{said} It was taken back.",
            f"`workbench status {run}` tells its process; look whether that is stopped, or kill it.",
        )
    return WorkbenchError(
        f"{said} It is kept, and taken as soon as the run looks.", f"`workbench status {run}` shows the run."
    )
