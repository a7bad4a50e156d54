"""Whether an attempt goes by what its repository says to agents: only where all of it is what was trusted."""

from __future__ import annotations

import asyncio
from pathlib import Path

from workbench.core.state import AttemptState, RunState
from workbench.core.trust.paths import near
from workbench.engine.world import World

SHOWN = 3


async def is_trusted(state: RunState, attempt: AttemptState, world: World, worktree: Path) -> bool:
    """Whether ``attempt``, in its prepared ``worktree``, may load what the repository holds for agents. Where
    the run is trusted and this is not what was trusted, a notice says so."""
    trust = state.trust
    if trust is None or not trust.trusted:
        return False
    odd: dict[str, None] = {}
    for commit in {attempt.start, attempt.carry} - {trust.commit, None}:
        assert commit is not None
        changed = await world.git.changed_files(trust.commit, commit)
        odd |= dict.fromkeys(path for path in changed if near(path, trust.watched))
    odd |= dict.fromkeys(await asyncio.to_thread(world.planted, worktree, attempt.why == "continued"))
    if odd:
        named = ", ".join(sorted(odd)[:SHOWN]) + (", …" if len(odd) > SHOWN else "")
        world.notices.say(
            f"{attempt.teammate} works on {attempt.task} without the repository's own instructions and hooks:"
            f" {named} is not what was trusted. To load it: `workbench trust --at"
            f" {state.integration.removeprefix('refs/heads/')}`, then stop and resume the run."
        )
    return not odd
