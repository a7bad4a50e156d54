"""After runs: what they hold of the machine is freed, and nothing that has not landed goes.

cleaned = await clean(place, None, say, every=True)
cleaned.freed, cleaned.kept

Whatever a worktree holds is pinned before it goes; of refs, only those go whose commits are on the branch
that the run was for, on the integration branch, or in a pin that stays. Each step may be cut short
by a kill and done again. A run that is going on is not touched.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial

from workbench.adapters.disk import Scale, Size
from workbench.adapters.git.inventory import BRANCHES, PINS, Inventory
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.lock import RepositoryLock, owner
from workbench.composition.aftermath import Aftermath
from workbench.composition.clearing import Tally, Thing
from workbench.composition.harvest import Say
from workbench.composition.place import Place
from workbench.composition.remains import Remains, all_remains, going_on
from workbench.core.cleaning import Standing
from workbench.errors import LockedError, UsageError

CLEANING = "(clean)"
"""Holds the repository's lock in the place of a run; no run can have that name."""

WEIGHING_SECONDS = 20.0
"""How long sizes are measured; after that they are said to be at least what was seen."""

LOCK_SECONDS = 60.0
"""A lock on a ref of ours that is older, and that no process has open, was left by a killed git."""


@dataclass(frozen=True)
class Cleaned:
    """What was freed and kept, or with ``dry_run`` would be. ``others`` are runs with worktrees left that
    were not asked for; ``log`` is the size of the event log, which stays for ``workbench report``."""

    freed: tuple[Thing, ...]
    kept: tuple[Thing, ...]
    notes: tuple[str, ...]
    runs: tuple[str, ...]
    live: str
    others: tuple[str, ...]
    log: Size
    dry_run: bool

    @property
    def size(self) -> Size:
        """What was freed, as far as it was measured."""
        return sum((it.size for it in self.freed if it.size), Size())

    @property
    def failed(self) -> bool:
        """Whether something that was to go could not."""
        return any(it.failed for it in self.kept)


async def clean(
    place: Place,
    wanted: str | None,
    say: Say,
    *,
    every: bool = False,
    into: str | None = None,
    without_log: bool = False,
    dry_run: bool = False,
) -> Cleaned:
    """Free what the run ``wanted`` holds (the latest if None); ``every`` run's, and what no log knows.

    ``into`` is the branch that the work was brought to, if not the run's target. ``without_log`` also frees
    the worktrees of a named run that no readable log knows, after pinning what is in them. ``dry_run``
    changes nothing. Raises UsageError when there is no such run or it is going on, LockedError while
    another clean is at work.
    """
    with _alone(place, dry_run) as live:
        inventory, scale = Inventory(place.repository), Scale.lasting(WEIGHING_SECONDS)
        found = await all_remains(place, inventory, live)
        chosen = _chosen(found, wanted, every=every, without_log=without_log)
        tally = Tally(dry_run, scale)
        for remains in chosen:
            say(f"looking at {remains.run}")
            async with _claimed(place, remains, live, dry_run) as git:
                await Aftermath(place, git, inventory, tally, into).clean(remains, without_log=without_log)
        if not live:
            await _shared(place, inventory, found, tally)
        left = [it.run for it in found if it not in chosen and any(root.is_dir() for root in it.roots)]
        return Cleaned(
            tuple(tally.freed),
            tuple(tally.kept),
            tuple(tally.notes),
            tuple(it.run for it in chosen),
            live,
            tuple(run for run in left if run != live),
            scale.weigh(*place.state_dir.glob("events.db*")),
            dry_run,
        )


@contextmanager
def _alone(place: Place, dry_run: bool) -> Iterator[str]:
    """Hold the repository, unless a run does; gives the run that goes on, or ""."""
    with ExitStack() as held:
        live = ""
        if dry_run or not place.state_dir.is_dir():
            live = going_on(place).replace(CLEANING, "")
        else:
            try:
                held.enter_context(RepositoryLock(place.state_dir).acquire(CLEANING))
            except LockedError:
                live = _holder(place)
        yield live


def _holder(place: Place) -> str:
    """The run that goes on; LockedError when it is another clean, or nobody knows what."""
    holder = owner(place.state_dir)
    if holder is None:  # it has just ended
        raise LockedError("A run ended just now.", "Try again.")
    if holder.run == CLEANING:
        raise LockedError(
            f"Another `workbench clean` is at work here (process {holder.pid}).", "Wait for its end."
        )
    return holder.run


def _chosen(found: list[Remains], wanted: str | None, *, every: bool, without_log: bool) -> list[Remains]:
    if without_log and wanted is None:
        raise UsageError("--without-log is for one run.", "Name it: `workbench clean RUN --without-log`.")
    if every and wanted is None:
        return [it for it in found if it.standing is not Standing.LIVE]
    if every:
        raise UsageError("--all and a run do not go together.", "Leave one of them out.")
    logged = [it for it in found if it.standing is not Standing.UNKNOWN]
    if wanted is None and not logged:
        hint = "`workbench clean --all` looks at what there is." if found else "There is nothing to clean."
        raise UsageError("No run was started in this repository yet.", hint)
    chosen = logged[-1:] if wanted is None else [it for it in found if it.run == wanted]
    if not chosen:
        known = ", ".join(it.run for it in found[-5:])
        raise UsageError(f"There is no run {wanted!r} here.", f"The latest are: {known}." if known else "")
    (remains,) = chosen
    if remains.standing is Standing.LIVE:
        raise UsageError(
            f"Run {remains.run} is going on: nothing of it is touched.",
            "Wait for its end, or `workbench stop` it; `workbench clean --all` cleans after the others.",
        )
    if without_log and remains.known:
        raise UsageError(
            f"Run {remains.run} has a log.", f"`workbench clean {remains.run}` cleans after it as usual."
        )
    return chosen


@asynccontextmanager
async def _claimed(place: Place, remains: Remains, live: str, dry_run: bool) -> AsyncIterator[Plumbing]:
    """Git, while nobody can resume the run. Where another holds the repository, it may end at any moment,
    and then this run has a lock of its own."""
    with ExitStack() as held:
        if live and remains.known and not dry_run:
            name = f"{remains.run} (being cleaned)"
            held.enter_context(RepositoryLock(place.run_dir(remains.run)).acquire(name))
        git = Plumbing(place.repository)
        try:
            yield git
        finally:
            await git.aclose()


async def _shared(place: Place, inventory: Inventory, found: list[Remains], tally: Tally) -> None:
    """What killed processes left in our own folder and beside our refs."""
    for path in sorted(place.state_dir.glob("worktree-*")) + sorted(place.state_dir.glob("probe")):
        if path.is_dir() and not path.is_symlink():
            thing = Thing(
                "", "files", str(path), "left by a process that was killed", await tally.weigh(path)
            )
            await tally.free(thing, partial(asyncio.to_thread, shutil.rmtree, path))
    if not tally.dry_run:
        prefixes = [PINS, *(f"{BRANCHES}{it.run}/" for it in found if it.known)]
        for lock in await inventory.free_locks(prefixes, LOCK_SECONDS):
            tally.freed.append(Thing("", "lock", str(lock), "left by a killed git"))
