"""What a finished run has to bring: the tip of its integration branch, and what is proven about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.lock import RepositoryLock
from workbench.composition.past import read_run, settle
from workbench.composition.place import Place
from workbench.core.delivery import proven
from workbench.core.state import RunState, TaskStatus
from workbench.errors import UsageError

Say = Callable[[str], None]
"""Tells a person something, in a line."""


@dataclass(frozen=True)
class Work:
    """What a run has to bring: the tip of its integration branch and the gates that are green on it."""

    state: RunState
    branch: str
    tip: str
    gates: tuple[str, ...]

    @property
    def landed(self) -> int:
        return sum(task.status is TaskStatus.LANDED for task in self.state.tasks.values())


@asynccontextmanager
async def open_work(place: Place, wanted: str | None, say: Say) -> AsyncIterator[tuple[Plumbing, Work]]:
    """The work of a run (the latest if None), with git to bring it, while nothing else can write.

    Raises UsageError when there is nothing to bring or it is not proven, LockedError while a run goes on.
    """
    run = read_run(place, wanted).run
    with RepositoryLock(place.state_dir).acquire(run):
        git = Plumbing(place.repository)
        try:
            # Read again: until the lock was ours, somebody else could have written.
            state = read_run(place, run)
            await settle(place, state)
            work = await _work(git, state)
            if not work.landed and work.state.undone:
                say("every landing of the run was undone")
            elif work.landed < len(work.state.tasks):
                say(f"{work.landed} of {len(work.state.tasks)} tasks landed; landing those")
            if not work.gates:
                say("the run had no gates: nothing has proven this work")
            yield git, work
        finally:
            await git.aclose()


async def _work(git: Plumbing, state: RunState) -> Work:
    branch = state.integration.removeprefix("refs/heads/")
    tip = await git.tip(state.integration)
    if tip is None and state.tip:
        raise UsageError(f"The branch {branch} is gone.", f"`git branch {branch} {state.tip}` puts it back.")
    if tip is None or tip == state.base:
        raise UsageError(
            f"Nothing has landed in run {state.run}: {branch} is where it began.",
            f"`workbench status {state.run}` shows where its tasks stand.",
        )
    tree = await git.tree_of(tip)
    gates = proven(state, tree)
    missing = [gate for gate in state.settings.gates if gate not in gates]
    if not state.settings.no_gates and (missing or not gates) and tree != state.base_tree:
        raise UsageError(
            f"{branch} is at {tip[:10]}, which the gates of the run were never green on: it was moved by "
            "somebody else.",
            f"Look at it with `git log {state.tip[:10]}..{branch}`; "
            f"`git branch -f {branch} {state.tip[:10]}` takes it back to what is proven.",
        )
    return Work(state, branch, tip, gates)


def target_of(state: RunState, into: str | None) -> str:
    """The short name of the branch to bring the work to; UsageError when there is none."""
    refuse_script(state, into)
    if into is None and not state.target:
        raise UsageError(
            f"Run {state.run} was started without a branch (HEAD was detached), so there is none to land on.",
            f"Name one: `workbench land {state.run} --into BRANCH`.",
        )
    target = (into or state.target).removeprefix("refs/heads/")
    if f"refs/heads/{target}" == state.integration:
        raise UsageError(f"{target} is the branch of the run itself.", "Name the branch it is to land on.")
    return target


def refuse_script(state: RunState, into: str | None) -> None:
    """UsageError for the work of a rehearsal, unless a branch is named for it."""
    if into is None and state.settings.scripted:
        raise UsageError(
            f"Run {state.run} was a rehearsal: what it landed was written by a script.",
            f"If you want it all the same: `workbench land {state.run} --into BRANCH`.",
        )
