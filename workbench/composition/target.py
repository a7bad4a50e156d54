"""The work of a run goes to the branch it was meant for, in a checkout or not.

arrival = await land(place, "export-to-csv-1")
arrival.how, arrival.old, arrival.new

Nothing is written in the log: a landing on the target is git's to remember, and is read from git, so
that a second try after a kill finds what the first one did.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.adapters.git import target as user
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.processes import reap_orphans
from workbench.composition.harvest import Say, Work, open_work, target_of
from workbench.composition.place import Place
from workbench.composition.trusting import let_count
from workbench.composition.wiring import furnishing_of, open_gates
from workbench.core.lists import some
from workbench.core.state import RunState
from workbench.crashpoints import killpoint
from workbench.errors import GitError, UsageError, WorkbenchError

TRIES = 5
"""How often the target may move under our hands before we give up."""


class RedMerge(WorkbenchError):
    """A gate is red on the merge of the work with the target; ``output`` is what it said."""

    def __init__(self, sentence: str, hint: str, output: str) -> None:
        super().__init__(sentence, hint)
        self.output = output


@dataclass(frozen=True)
class Arrival:
    """What became of a landing on the target. ``checkout`` is the working tree that went along, if one
    shows the branch."""

    run: str
    branch: str
    into: str
    old: str
    new: str
    how: Literal["already", "fast-forward", "merge"]
    landed: int
    tasks: int
    checkout: Path | None = None


async def land(place: Place, wanted: str | None, into: str | None, say: Say) -> Arrival:
    """Bring the integration branch of a run to its target, or to the branch ``into``.

    Fast-forward where possible, else a merge on which the run's gates are green. The branch moves from
    where it was read to be, or not at all; a checkout that shows it goes along, and no file in it is lost.
    Raises UsageError for everything that stands in the way, RedMerge, LockedError while a run is going on.
    """
    await let_count(place)
    async with open_work(place, wanted, say) as (git, work):
        target = target_of(work.state, into)
        for _ in range(TRIES):
            arrival = await _once(place, git, work, target, say)
            if arrival is not None:
                return arrival
            say(f"{target} has moved; looking again")
        raise UsageError(f"{target} keeps moving: tried {TRIES} times.", "Try again when it is at rest.")


async def _once(place: Place, git: Plumbing, work: Work, target: str, say: Say) -> Arrival | None:
    """One try; None when the target moved meanwhile."""
    ref = f"refs/heads/{target}"
    old = await _tip_of(git, work.state, target)
    run, tasks = work.state.run, len(work.state.tasks)
    if await git.is_ancestor(work.tip, old):
        return Arrival(run, work.branch, target, old, old, "already", work.landed, tasks)
    if not work.landed and work.state.undone and not await _has_some(git, work.state, old):
        raise UsageError(
            f"Every landing of run {run} was undone: there is nothing to bring to {target}.",
            f"`workbench status {run}` shows where its tasks stand.",
        )
    forward = await git.is_ancestor(old, work.tip)
    new = work.tip if forward else await _proven_merge(place, git, work, target, old, say)
    # Asked now, not before the gates: meanwhile a person may have switched to another branch.
    checkout = await _checkout(place, work, target)
    why = f"workbench land {run}"
    killpoint("land.ready")
    if checkout is None:
        moved = await git.move_ref(ref, new, old, why)
    else:
        alike = await _check_clear(work, target, checkout, old, new)
        moved = await _advance(git, work, checkout, alike, ref, (old, new), why)
    if not moved:
        return None
    how: Literal["fast-forward", "merge"] = "fast-forward" if forward else "merge"
    root = checkout.root if checkout else None
    return Arrival(run, work.branch, target, old, new, how, work.landed, tasks, root)


async def _proven_merge(place: Place, git: Plumbing, work: Work, target: str, old: str, say: Say) -> str:
    """A merge of the work into the target on which the gates are green; no ref holds it yet."""
    commit = await _merged(git, work, target, old)
    # Gates take minutes; what else would stand in the way is known at once.
    if (checkout := await _checkout(place, work, target)) is not None:
        await _check_clear(work, target, checkout, old, commit)
    await _gate(place, git, work, target, commit, say)
    return commit


async def _has_some(git: Plumbing, state: RunState, tip: str) -> bool:
    """Whether ``tip`` holds a landing of the run, undone since or not: then the reverts belong there, too."""
    return await git.is_ancestor(state.landings[0].commit, tip)


async def _tip_of(git: Plumbing, state: RunState, target: str) -> str:
    try:
        tip = await git.tip(f"refs/heads/{target}")
    except GitError:
        tip = None  # no name that a branch could have
    if tip is None:
        raise UsageError(
            f"There is no branch {target} here.", f"Name another: `workbench land {state.run} --into BRANCH`."
        )
    return tip


async def _checkout(place: Place, work: Work, target: str) -> user.Checkout | None:
    """The one checkout that shows the target, ready to be brought along."""
    found = await user.checkouts_of(place.repository, target)
    if len(found) > 1:
        where = " and ".join(str(checkout.root or checkout.git_dir) for checkout in found)
        raise UsageError(
            f"{target} is checked out more than once, in {where}.",
            "Switch all but one of them to another branch.",
        )
    if not found:
        return None
    (checkout,) = found
    if checkout.root is None or not checkout.root.is_dir():
        raise UsageError(
            f"{target} is checked out in {checkout.root or checkout.git_dir}, which is not there.",
            "If that worktree is gone for good, `git worktree prune` forgets it.",
        )
    if checkout.doing:
        raise UsageError(
            f"{checkout.doing.capitalize()} was begun in the checkout of {target}, {checkout.root}, "
            "and not ended.",
            f"End it or abort it (`git status` says how), then `workbench land {work.state.run}` again.",
        )
    return checkout


async def _check_clear(
    work: Work, target: str, checkout: user.Checkout, old: str, new: str
) -> tuple[str, ...]:
    found = await user.survey(checkout, old, new)
    if found.blocking:
        raise UsageError(
            f"The checkout of {target}, {checkout.root}, has files that would be lost or are not committed: "
            f"{some(found.blocking)}.",
            "Commit, stash (`git stash -u`) or move them, "
            f"then `workbench land {work.state.run}` again. Nothing was touched.",
        )
    return found.alike


async def _merged(git: Plumbing, work: Work, target: str, old: str) -> str:
    """A merge of the work into the target as it is now, in memory."""
    merged = await git.merge(old, work.tip)
    if not merged.clean:
        raise UsageError(
            f"{target} has moved since the run began, and conflicts with it in {some(merged.paths)}.",
            f"Merge by hand (`git switch {target} && git merge {work.branch}`). Nothing was touched.",
        )
    title = work.state.plan.title if work.state.plan else work.state.run
    message = f"Merge {work.branch}: {title}\n\nWorkbench-Run: {work.state.run}\n"
    return await git.commit(merged.tree, [old, work.tip], message)


async def _gate(place: Place, git: Plumbing, work: Work, target: str, commit: str, say: Say) -> None:
    """Run the gates of the work on a merge, unless exactly its tree is proven. RedMerge when one is red."""
    settings = work.state.settings
    tree = await git.tree_of(commit)
    run = work.state.run
    await asyncio.to_thread(reap_orphans, run, place.state_dir)  # a gate of a try that was killed
    furnishing = furnishing_of(place, run, settings)
    async with open_gates(place, run, settings, furnishing, slots=1) as gates:
        here = gates.environment()
        known = [work.state.verdicts.get((tree, gate, here)) for gate in work.gates]
        if all(verdict is not None and verdict.green for verdict in known):
            return
        say(f"{target} has moved since the run began; running the gates on the merge")
        verdicts = await gates.check(commit, tree, work.gates)
    if red := next((verdict for verdict in verdicts if not verdict.green), None):
        raise RedMerge(
            f"`{red.gate}` is red on the merge of {work.branch} into {target}. Nothing was touched.",
            f"Is it green on {target} alone? If so, mend the merge by hand: "
            f"`git switch {target} && git merge --no-commit {work.branch}`.",
            red.output,
        )


async def _advance(
    git: Plumbing,
    work: Work,
    checkout: user.Checkout,
    alike: tuple[str, ...],
    ref: str,
    step: tuple[str, str],
    why: str,
) -> bool:
    """Bring checkout and branch along; False when the branch had moved."""
    old, new = step
    try:
        await user.advance(checkout, new, alike, why)
    except GitError as error:
        found = await git.tip(ref)
        if found == old:
            raise UsageError(
                f"{error}",
                f"{error.hint or 'Mend that'}, then `workbench land {work.state.run}` again. "
                "Nothing was moved.",
            ) from error
        if found != new:
            return False
    tip = await git.tip(ref)
    # A hook of the user's may have committed on top.
    return tip is not None and await git.is_ancestor(new, tip)
