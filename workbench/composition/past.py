"""Runs as the log tells them, for every command that only reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.lock import owner
from workbench.adapters.store.damage import DamagedRun
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.place import Place
from workbench.core.apply import apply, fold
from workbench.core.events import MessageSent, Record
from workbench.core.state import RunState, TaskStatus
from workbench.errors import GitError, UsageError

if TYPE_CHECKING:
    from workbench.core.report import Report


def choose(runs: Sequence[str], wanted: str | None) -> str:
    """The run that is meant: the one named, or the latest. UsageError when there is no such run."""
    if not runs:
        raise UsageError("No run was started in this repository yet.", "`workbench run PLAN` starts one.")
    if wanted is None:
        return runs[-1]
    if wanted not in runs:
        known = ", ".join(runs[-5:])
        raise UsageError(f"There is no run {wanted!r} here.", f"The latest runs are: {known}.")
    return wanted


def state_of(run: str, records: Iterable[Record]) -> RunState:
    """The state a log folds to."""
    state = fold(records)
    state.run = run
    return state


def read_run(place: Place, wanted: str | None = None) -> RunState:
    """A run as its log stands now, whether or not it is going on."""
    with place.reading() as store:
        return read_from(store, wanted)


def read_good(place: Place, wanted: str | None = None) -> tuple[RunState, DamagedRun | None]:
    """As ``read_run``, for showing it: of a damaged log what is good, and what is wrong with the rest.

    Raises DamagedRun when nothing is good of it.
    """
    with place.reading() as store:
        run = choose(store.runs(), wanted)
        state = RunState(run=run)
        try:
            for record in store.history(run):
                apply(state, record)
        except DamagedRun as damaged:
            if not damaged.damage.good:
                raise
            return state, damaged
        return state, None


def read_from(store: SqliteStore, wanted: str | None) -> RunState:
    """As ``read_run``, from a log that is open."""
    run = choose(store.runs(), wanted)
    return state_of(run, store.history(run))


def mailbox(
    place: Place, wanted: str | None = None
) -> tuple[RunState, dict[str, float], bool, DamagedRun | None]:
    """The run that is going on, the latest, or the one named, as its log stands; when each of its messages
    was sent; whether it is going on; and as in ``read_good`` what is wrong with its log."""
    sent: dict[str, float] = {}
    with place.reading() as store:
        holder = owner(place.state_dir)
        live, runs = holder.run if holder is not None else "", store.runs()
        run = choose(runs, wanted or (live if live in runs else None))
        state = RunState(run=run)
        try:
            for record in store.history(run):
                apply(state, record)
                if isinstance(record.event, MessageSent):
                    sent[record.event.message.id] = record.at
        except DamagedRun as damaged:
            if not damaged.damage.good:
                raise
            return state, sent, run == live, damaged
    return state, sent, run == live, None


async def settle(place: Place, state: RunState) -> None:
    """Bring ``state`` up to what git says of an undoing that was cut short before its log entry; in the log
    the next one to hold the lock will write the same."""
    if not state.undoing:
        return
    from workbench.engine.undo import undone

    git = Plumbing(place.repository)
    try:
        for event in await undone(state, git):
            apply(state, Record(state.seq + 1, state.at, event))
    finally:
        await git.aclose()


async def proof(place: Place, state: RunState) -> dict[str, bool]:
    """For each task that the log calls landed: whether git says that what it delivered is an ancestor
    of the integration branch as it is now (and not of the base, which would prove nothing). Where that
    branch is gone and the one that the run was for has it all, that one counts."""
    git = Plumbing(place.repository)
    try:
        tip = await git.tip(state.integration) or await _cleaned(git, state)
        landed = {name: task for name, task in state.tasks.items() if task.status is TaskStatus.LANDED}
        if tip is None:
            return dict.fromkeys(landed, False)
        there = await git.reachable(tip, state.base)
        return {name: task.commit in there for name, task in landed.items()}
    finally:
        await git.aclose()


async def _cleaned(git: Plumbing, state: RunState) -> str | None:
    """The tip of the branch that the run was for, where that has all that was published: then the
    integration branch may be gone for good reason."""
    try:
        tip = await git.tip(f"refs/heads/{state.target}") if state.target else None
    except GitError:
        return None  # no name that a branch could have
    return tip if tip and state.published and await git.is_ancestor(state.published, tip) else None


async def proven_report(place: Place, state: RunState) -> Report:
    """The report of a run with its proof."""
    from workbench.core.report import report

    await settle(place, state)
    return report(state, await proof(place, state))
