"""A damaged log, for one who goes on with a run: set aside first, and said, never dropped.

Only ``resume`` comes here. Everybody else refuses a damaged log, or shows what is good of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from workbench.adapters.lock import RepositoryLock
from workbench.adapters.store.damage import DamagedRun
from workbench.adapters.store.failures import DamagedLog
from workbench.adapters.store.salvage import salvage
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.past import state_of
from workbench.composition.place import Place
from workbench.core.state import RunState
from workbench.errors import UsageError

Say = Callable[[str], None]


@contextmanager
def open_log(place: Place, say: Say) -> Iterator[SqliteStore]:
    """The log, read over whole; where its file is damaged, a new one of what could be read out of it.

    Raises LockedError when it is damaged while a run goes on, StoreError when it cannot be mended now.
    """
    try:
        store = _looked_over(place)
    except DamagedLog:
        with RepositoryLock(place.state_dir).acquire("recovery"):
            say(str(salvage(place.log_path)))
        store = _looked_over(place)
    with store:
        yield store


def _looked_over(place: Place) -> SqliteStore:
    store = place.store()
    try:
        store.look_over()
    except BaseException:
        store.close()
        raise
    return store


def good_state(store: SqliteStore, run: str, say: Say) -> RunState:
    """What all that is good of a run's log folds to; the rest is set aside in a file. The run's lock must be
    held.

    Raises UsageError when nothing is left.
    """
    try:
        return state_of(run, store.history(run))
    except DamagedRun as damaged:
        aside = store.set_aside(run)
        told = str(aside or damaged)
        if not damaged.damage.good:
            raise UsageError(
                f"{told} Nothing is left of the run.",
                f"What it made is in git: `git branch --list 'workbench/{run}/*'` and `git for-each-ref "
                f"refs/workbench/{run}`. Start it anew with another --run-id.",
            ) from None
        say(told)
        return state_of(run, store.history(run))
