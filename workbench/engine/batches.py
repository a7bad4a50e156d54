"""Making a batch of candidates: merges in memory, one on the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.brief import landing_message
from workbench.core.state import RunState
from workbench.engine.examining import merged
from workbench.engine.ports import Emit, Merged, Proposal
from workbench.engine.resolving import proposed
from workbench.engine.world import World

TRIES = 3
"""How often a branch that is being moved is looked at again before it is taken as it is."""


Look = Callable[[], Awaitable[None]]
"""Lets the guard look at the repository, and put back what it must."""


async def unguarded() -> None:
    """Nothing is guarded, and nothing put back."""


async def build_batch(
    state: RunState, world: World, emit: Emit, action: a.BuildBatch, look: Look = unguarded
) -> None:
    """Merge the delivered commits one on the other, on the tip as it is now, whoever moved it there."""
    base = await _base(state, world, emit, look)
    if base is None:
        return
    batch = _Batch(state, world, emit, base)
    conflicted: list[tuple[str, str]] = []
    for task, delivered in zip(action.tasks, action.commits, strict=True):
        merged = await world.git.merge(batch.tip, delivered)
        if merged.clean:
            await batch.add(task, delivered, merged.tree)
        else:
            conflicted.append((task, delivered))
    for task, delivered in conflicted:
        await batch.settle(task, delivered)
    base_tree = await world.git.tree_of(base)
    emit(e.BatchBuilt(tasks=tuple(batch.tasks), base=base, base_tree=base_tree))


class _Batch:
    """A chain of candidates as it grows. What conflicts comes last, by the ladder, and one at a time: what
    a rung makes is red more often than not, and should cost what is clean nothing."""

    def __init__(self, state: RunState, world: World, emit: Emit, base: str) -> None:
        self._state, self._world, self._emit = state, world, emit
        self._base = base
        self._settled = False
        self.tip = base
        self.tasks: list[str] = []

    async def add(
        self, task: str, delivered: str, tree: str, rung: str = "", resolved: tuple[str, ...] = ()
    ) -> None:
        """Put the merge of ``delivered``, which has this tree, on the chain."""
        message = landing_message(self._state, task, rung)
        commit = await self._world.git.commit(tree, [self.tip, delivered], message)
        files = await self._world.git.changed_files(self.tip, commit)
        self._emit(
            e.CandidateMade(
                task=task,
                parent=self.tip,
                commit=commit,
                tree=tree,
                files=files,
                rung=rung,
                resolved=resolved,
                touches=await merged(self._state, self._world, task, self.tip, commit, files),
            )
        )
        self.tasks.append(task)
        self.tip = commit

    async def settle(self, task: str, delivered: str) -> None:
        """Put what conflicts on the chain, if a rung has something to propose; otherwise say so."""
        if self._settled:
            self._emit(e.TaskDeferred(task=task, why="conflict"))
            return
        merged = await self._world.git.merge(self.tip, delivered)
        if merged.clean:  # what it conflicted with was changed by one that is on the chain by now
            await self.add(task, delivered, merged.tree)
            return
        if (proposal := await self._proposed(task, merged)) is not None:
            tree = await self._world.git.with_texts(merged.tree, proposal.texts)
            self._settled = True
            await self.add(task, delivered, tree, proposal.rung, tuple(sorted(proposal.texts)))
            return
        parent, behind = self.tip, tuple(self.tasks)
        if behind:
            alone = await self._world.git.merge(self._base, delivered)
            if not alone.clean and await self._proposed(task, alone) is None:
                merged, parent, behind = alone, self._base, ()
        self._emit(
            e.ConflictFound(task=task, parent=parent, paths=merged.paths, hunks=merged.hunks, behind=behind)
        )

    async def _proposed(self, task: str, merged: Merged) -> Proposal | None:
        return await proposed(self._world, self._emit, merged, self._state.task(task).thrown)


async def _base(state: RunState, world: World, emit: Emit, look: Look) -> str | None:
    """The tip to build on; None when the run stops for it. What was moved while attempts are live is put back
    by the guard. Otherwise it was the user: a branch that was moved on is built upon, since its tip is gated
    with the batch; one that was moved back stops the run."""
    last = state.published
    base = await world.git.tip(state.integration)
    for _ in range(TRIES):  # it may be moved again under our hands
        if base == last:
            return last
        await look()
        base = await world.git.tip(state.integration)
    if base == last:
        return last
    if base is not None and await world.git.is_ancestor(last, base):
        emit(e.Noticed(sentence=f"somebody moved the integration branch from {last[:10]} to {base[:10]}"))
        return base
    reason = f"the integration branch {state.integration} is gone"
    if base is not None:
        reason = f"somebody moved the integration branch to {base[:10]}, which is without what landed"
    mend = f"put it back with `git update-ref {state.integration} {last}`, then resume"
    emit(e.StopRequested(reason=f"{reason}; {mend}"))
    return None
