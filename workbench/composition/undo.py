"""What landed is taken off the integration branch again: reverted in memory, gated, published.

undone = await undo(place, ["to-csv"], None, say)
undone.reversals, undone.new

Nothing but the integration branch moves, and only forward: every landing, and what was delivered for it,
stays in its history. A run that no process holds can be undone in, however it ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.target import checkouts_of
from workbench.adapters.lock import RepositoryLock
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.harvest import Say
from workbench.composition.past import choose, read_run, state_of
from workbench.composition.place import Place
from workbench.composition.planview import show_plan
from workbench.composition.proving import RedUndo, prove
from workbench.composition.runs import account_for, write
from workbench.core.apply import apply
from workbench.core.events import Event, LandingUndone, Record, UndoDropped, UndoStarted
from workbench.core.lists import some
from workbench.core.models import Reversal
from workbench.core.state import RunState, TaskStatus
from workbench.core.undo import Undo, chosen, gates_after, in_the_way
from workbench.crashpoints import killpoint
from workbench.engine.recover import landed_already
from workbench.engine.undo import Stuck, publish, reverse, undone
from workbench.errors import GitError, UsageError

__all__ = ["RedUndo", "Undone", "undo"]


@dataclass(frozen=True)
class Undone:
    """What was undone, newest first, or with ``dry_run`` would be. ``why`` has a reason for each task,
    ``gates`` what the new tip is green on, ``held`` the tasks that can no longer start for it; ``there``
    are the undone tasks whose landing the run's ``target`` has already. ``behind`` are the checkouts that
    show the branch: their files are left as they were at ``old``."""

    run: str
    branch: str
    old: str
    new: str
    reversals: tuple[Reversal, ...]
    why: dict[str, str]
    gates: tuple[str, ...]
    held: tuple[str, ...]
    target: str
    there: tuple[str, ...]
    dry_run: bool = False
    behind: tuple[str, ...] = ()


@dataclass
class Log:
    """The log of one run and the state it folds to, for one who holds the run's lock."""

    store: SqliteStore
    state: RunState

    async def write(self, *events: Event) -> None:
        """Append all of ``events`` or none, and apply them."""
        await write(self.store, self.state, *events)


async def undo(
    place: Place, named: Sequence[str], wanted: str | None, say: Say, *, dry_run: bool = False
) -> Undone:
    """Take the tasks ``named`` and all that depends on them off the integration branch of a run (the
    latest if None); the last landing if none is named. ``dry_run`` changes nothing, and runs no gate.

    Raises UsageError for what cannot be undone, RedUndo when a gate is red without it, LockedError while
    a run goes on. In each case, and when cancelled before the branch moves, nothing is changed.
    """
    async with _open(place, wanted, dry_run) as (git, log):
        state = log.state
        going = chosen(state, named)
        old = await _tip(git, state)
        gates = gates_after(state, [it.landing.task for it in going])
        reversals = await _reverted(git, state, old, going, gated=bool(gates))
        held = _held(state)
        if not dry_run:
            verdicts = await prove(place, git, state, going, reversals[-1], gates, say)
            await _publish(git, log, UndoStarted(reversals=reversals, verdicts=tuple(verdicts)))
            await show_plan(place, state)
        return Undone(
            run=state.run,
            branch=state.integration.removeprefix("refs/heads/"),
            old=old,
            new=reversals[-1].commit,
            reversals=reversals,
            why={it.landing.task: it.why for it in going},
            gates=gates,
            held=tuple(name for name in _held(state) if name not in held),
            target=state.target,
            there=await _there(git, state, reversals),
            dry_run=dry_run,
            behind=await _showing(place, state),
        )


async def _showing(place: Place, state: RunState) -> tuple[str, ...]:
    """Where the integration branch is checked out."""
    found = await checkouts_of(place.repository, state.integration.removeprefix("refs/heads/"))
    return tuple(str(checkout.root or checkout.git_dir) for checkout in found)


@asynccontextmanager
async def _open(place: Place, wanted: str | None, dry_run: bool) -> AsyncIterator[tuple[Plumbing, Log]]:
    """A run's log, with git, while nobody else can write; all that was in flight is accounted for."""
    run = read_run(place, wanted).run
    with RepositoryLock(place.state_dir).acquire(run), place.store() as store:
        # Read again: until the lock was ours, somebody else could have written.
        state = state_of(choose(store.runs(), run), store.history(run))
        git = Plumbing(place.repository)
        try:
            if dry_run:
                await _suppose(git, state)
            elif not state.finished:
                await account_for(place, store, state)
            log = Log(store, state)
            if not dry_run and (late := await undone(state, git)):
                await log.write(*late)
            yield git, log
        finally:
            await git.aclose()


async def _suppose(git: Plumbing, state: RunState) -> None:
    """What the log does not know yet of the branch, for our eyes only."""
    events: list[Event] = list(await undone(state, git))
    if state.landing is not None:
        events += await landed_already(state.landing, state, git)
    for event in events:
        apply(state, Record(state.seq + 1, state.at, event))


async def _tip(git: Plumbing, state: RunState) -> str:
    """The tip of the integration branch, which is where the log says. Raises UsageError."""
    tip, branch = await git.tip(state.integration), state.integration.removeprefix("refs/heads/")
    if tip is None:
        raise UsageError(
            f"The branch {branch} is gone.", f"`git branch {branch} {state.published}` puts it back."
        )
    if tip != state.published:
        at = state.published[:10]
        raise UsageError(
            f"{branch} is at {tip[:10]}, not at {at}, where run {state.run} left it: somebody moved it.",
            f"Look with `git log {at}..{branch}`. Keep what is wanted (`git branch mine {branch}`), then "
            f"`git branch -f {branch} {at}`, and undo again. Nothing was changed.",
        )
    return tip


async def _reverted(
    git: Plumbing, state: RunState, old: str, going: Sequence[Undo], *, gated: bool
) -> tuple[Reversal, ...]:
    landings = [it.landing for it in going]
    found = await reverse(state, git, old, landings, gated=gated)
    if not isinstance(found, Stuck):
        return found
    task, paths = found.landing.task, some(found.paths)
    others = in_the_way(state, [found.landing], found.paths)
    others = tuple(name for name in others if name not in {landing.task for landing in landings})
    if others:
        names = " ".join([*(landing.task for landing in reversed(landings)), *others])
        raise UsageError(
            f"{task} cannot be undone alone: {paths} changed again with {', '.join(others)}, landed later.",
            f"Undo them together: `workbench undo {names} --run {state.run}`. Nothing was changed.",
        )
    raise UsageError(
        f"{task} cannot be undone: {paths} changed again after it landed.",
        f"By hand, on a branch of yours: `git revert -m 1 {found.landing.commit[:10]}`. Nothing was changed.",
    )


async def _publish(git: Plumbing, log: Log, intent: UndoStarted) -> None:
    """Move the branch, between an intent and its confirmation in the log."""
    state, last = log.state, intent.reversals[-1]
    # Whoever finds the intent asks git for this commit: no collection of garbage may take it.
    await git.pin(f"refs/workbench/{state.run}/undone/{last.task}", last.commit)
    killpoint("undo.pinned")
    await log.write(intent)
    if not await publish(state, git, intent.reversals):
        await log.write(UndoDropped(reason="somebody moved the branch"))
        branch = state.integration.removeprefix("refs/heads/")
        raise UsageError(
            f"{branch} was moved by somebody else just now.", "Undo again says more. Nothing was changed."
        )
    killpoint("undo.published")
    await log.write(*(LandingUndone.model_validate(it.model_dump()) for it in intent.reversals))


def _held(state: RunState) -> list[str]:
    return [name for name, task in state.tasks.items() if task.status is TaskStatus.HELD]


async def _there(git: Plumbing, state: RunState, reversals: Sequence[Reversal]) -> tuple[str, ...]:
    """The undone tasks that the branch the run was started from has got already."""
    try:
        tip = await git.tip(f"refs/heads/{state.target}") if state.target else None
    except GitError:
        tip = None  # no name that a branch could have
    if tip is None:
        return ()
    there = await git.reachable(tip, state.base)
    return tuple(it.task for it in reversals if it.landing in there)
