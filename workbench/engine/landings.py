"""Making and publishing one candidate: merge in memory, gate, compare-and-swap."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.brief import landing_message
from workbench.core.state import RunState
from workbench.engine.ports import Emit
from workbench.engine.world import World


async def build_candidate(state: RunState, world: World, emit: Emit, action: a.BuildCandidate) -> None:
    """Merge the delivered commit on the tip as it is now, whoever moved it there."""
    tip = await world.git.tip(state.integration)
    if tip is None:
        reason = f"the integration branch {state.integration} is gone"
        mend = f"put it back with `git update-ref {state.integration} {state.tip}`, then resume"
        emit(e.StopRequested(reason=f"{reason}; {mend}"))
        return
    merged = await world.git.merge(tip, action.commit)
    if not merged.clean:
        emit(e.ConflictFound(task=action.task, parent=tip, paths=merged.paths, hunks=merged.hunks))
        return
    commit = await world.git.commit(merged.tree, [tip, action.commit], landing_message(state, action.task))
    emit(e.CandidateMade(task=action.task, parent=tip, commit=commit, tree=merged.tree))


async def check_candidate(state: RunState, world: World, emit: Emit, action: a.CheckCandidate) -> None:
    """Run the gates on the candidate, before checks of single pieces of work that wait."""
    emit(e.CheckingStarted(task=action.task, commit=action.commit, gates=action.gates, alone=False))
    verdicts = await world.gates.check(action.commit, action.tree, action.gates, urgent=True)
    emit(e.CandidateChecked(task=action.task, commit=action.commit, verdicts=tuple(verdicts)))


async def publish(state: RunState, world: World, emit: Emit, action: a.Publish) -> None:
    """Move the integration branch, if it still is where the candidate was made."""
    why = f"workbench: land {action.task}"
    landing = await landed(world, action)  # asked first: once the branch has moved, nothing may fail
    if await world.git.move_ref(state.integration, action.commit, action.parent, why):
        emit(landing)
        return
    found = await world.git.tip(state.integration)
    emit(e.PublicationLost(task=action.task, expected=action.parent, found=found or ""))


async def landed(world: World, action: a.Publish) -> e.TaskLanded:
    """The event of a landing, to be told once it is on the integration branch."""
    return e.TaskLanded(
        task=action.task,
        attempt=action.attempt,
        commit=action.commit,
        parent=action.parent,
        tree=action.tree,
        files=await world.git.changed_files(action.parent, action.commit),
    )
