"""Making and publishing a batch of candidates: merge in memory, gate, compare-and-swap."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.brief import landing_message
from workbench.core.state import RunState
from workbench.engine.ports import Emit, Git
from workbench.engine.world import World


async def build_batch(state: RunState, world: World, emit: Emit, action: a.BuildBatch) -> None:
    """Merge the delivered commits one on the other, on the tip as it is now, whoever moved it there."""
    base = await world.git.tip(state.integration)
    if base is None:
        reason = f"the integration branch {state.integration} is gone"
        mend = f"put it back with `git update-ref {state.integration} {state.tip}`, then resume"
        emit(e.StopRequested(reason=f"{reason}; {mend}"))
        return
    if not await _ours(state, world, emit, base):
        return
    tip, merged_already = base, list[str]()
    for task, delivered in zip(action.tasks, action.commits, strict=True):
        merged = await world.git.merge(tip, delivered)
        if not merged.clean:
            behind = tuple(merged_already)
            hunks = merged.hunks
            emit(e.ConflictFound(task=task, parent=tip, paths=merged.paths, hunks=hunks, behind=behind))
            continue
        commit = await world.git.commit(merged.tree, [tip, delivered], landing_message(state, task))
        emit(e.CandidateMade(task=task, parent=tip, commit=commit, tree=merged.tree))
        merged_already.append(task)
        tip = commit
    base_tree = await world.git.tree_of(base)
    emit(e.BatchBuilt(tasks=tuple(merged_already), base=base, base_tree=base_tree))


async def _ours(state: RunState, world: World, emit: Emit, base: str) -> bool:
    """Whether ``base`` still holds all that landed. A branch that was moved on is built upon, since its
    tip is gated with the batch; one that was moved back stops the run."""
    last = state.published
    if base == last:
        return True
    if await world.git.is_ancestor(last, base):
        emit(e.Noticed(sentence=f"somebody moved the integration branch from {last[:10]} to {base[:10]}"))
        return True
    reason = f"somebody moved the integration branch to {base[:10]}, which is without what landed"
    mend = f"put it back with `git update-ref {state.integration} {last}`, then resume"
    emit(e.StopRequested(reason=f"{reason}; {mend}"))
    return False


async def check_candidate(world: World, emit: Emit, action: a.CheckCandidate) -> None:
    """Run the gates on the candidate, before checks of single pieces of work that wait."""
    emit(e.CheckingStarted(task=action.task, commit=action.commit, gates=action.gates, alone=False))
    verdicts = await world.gates.check(action.commit, action.tree, action.gates, urgent=True)
    emit(e.CandidateChecked(task=action.task, commit=action.commit, verdicts=tuple(verdicts)))


async def publish(state: RunState, world: World, emit: Emit, action: a.Publish) -> None:
    """Move the integration branch, if it still is where the batch began."""
    first, last = action.candidates[0], action.candidates[-1]
    why = f"workbench: land {', '.join(candidate.task for candidate in action.candidates)}"
    landings = await landed(world.git, action.candidates)  # once the branch has moved, nothing may fail
    if await world.git.move_ref(state.integration, last.commit, first.parent, why):
        for landing in landings:
            emit(landing)
        return
    found = await world.git.tip(state.integration)
    emit(e.PublicationLost(expected=first.parent, found=found or ""))


async def landed(git: Git, candidates: Iterable[a.Candidate]) -> list[e.TaskLanded]:
    """The events of a landing, to be told once it is on the integration branch."""
    return [
        e.TaskLanded(
            task=candidate.task,
            attempt=candidate.attempt,
            commit=candidate.commit,
            parent=candidate.parent,
            tree=candidate.tree,
            files=await git.changed_files(candidate.parent, candidate.commit),
        )
        for candidate in candidates
    ]
