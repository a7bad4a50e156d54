"""What a run that is over left standing because it was killed while it cleared away."""

from __future__ import annotations

import asyncio
import logging

from workbench.adapters.git.refs import free_locks
from workbench.adapters.processes import reap_orphans
from workbench.composition.place import Place
from workbench.composition.trusting import gate
from workbench.composition.wiring import open_world
from workbench.core.decide.proceeding import kept_worktrees
from workbench.core.state import RunState
from workbench.errors import WorkbenchError

log = logging.getLogger(__name__)


async def tidy(place: Place, state: RunState) -> None:
    """End the processes and remove the worktrees of a run that is over, but those that it keeps; what they
    hold is pinned first. Its lock is held. Costs nothing where nothing is left."""
    if not place.worktrees(state.run).exists():
        return
    await asyncio.to_thread(reap_orphans, state.run, place.state_dir)
    await free_locks(place.repository.common_dir, state.run)
    goes_by = await gate(place, state.base)
    async with open_world(place, state.run, state.settings, None, goes_by, over=True) as world:
        world.notices.heard_by(log.warning)
        for name in state.teammates.keys() - set(kept_worktrees(state)):
            try:
                await world.worktrees.remove(name)
            except (WorkbenchError, OSError) as problem:
                log.warning("the worktree of %s is kept: %s", name, problem)
