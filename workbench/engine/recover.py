"""Taking a run up again: account for everything that was in flight when its process ended.

Intent, effect, confirm: what the log says was begun is looked for in git before it is repeated.
Nothing here decides; it only tells the state what became of things.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from workbench.core import events as e
from workbench.core.merge import candidate
from workbench.core.state import AttemptState, Landing, RunState
from workbench.engine.attempts import kept
from workbench.engine.dropped import outcome
from workbench.engine.landings import landed
from workbench.engine.ports import Git
from workbench.engine.undo import undone
from workbench.engine.world import World
from workbench.errors import WorkbenchError


async def accounts(state: RunState, world: World) -> AsyncIterator[e.Event]:
    """Events that close what was open: first an undoing, which may follow the end of a run, then the
    landing, then each attempt with the markers it had left. Each must be in the log before the next is
    asked for. Agents must be dead before this."""
    for event in await undone(state, world.git):
        yield event
    if state.landing is not None:
        for landing in await landed_already(state.landing, state, world.git):
            yield landing
    if state.landing is not None:
        yield e.LandingDropped()
    for attempt in list(state.working.values()):
        async for event in _attempt(state, world, attempt):
            yield event


async def landed_already(landing: Landing, state: RunState, git: Git) -> list[e.TaskLanded]:
    """Candidates that the integration branch already holds have landed; the others start over."""
    tip = await git.tip(state.integration)
    if tip is None:
        return []
    there = [step for step in landing.steps if await git.is_ancestor(step.commit, tip)]
    return landed([candidate(state, step) for step in there])


async def _attempt(state: RunState, world: World, attempt: AttemptState) -> AsyncIterator[e.Event]:
    where = state.teammates[attempt.teammate].worktree
    if where and Path(where).is_dir():
        for dropped in world.markers.scan(Path(where)):
            if dropped.name in attempt.markers:  # it is in the log, and was about to be cleared away
                world.markers.settle(Path(where), dropped.name, accepted=True)
                continue
            came = outcome(dropped, state, attempt, ())
            yield came
            reason = came.reason if isinstance(came, e.MarkerQuarantined) else ""
            world.markers.settle(Path(where), dropped.name, accepted=not reason, reason=reason)
    commit = await _keep(state, world, attempt) if where else None
    yield e.AttemptEnded(
        task=attempt.task,
        attempt=attempt.number,
        teammate=attempt.teammate,
        usage=attempt.usage,
        interrupted=True,
        commit=commit,
        session=attempt.session,
    )


async def _keep(state: RunState, world: World, attempt: AttemptState) -> str | None:
    """What the worktree holds, pinned; where it is gone, what was pinned before remains."""
    try:
        return await kept(state, world, attempt, attempt.prepared)
    except WorkbenchError:
        return attempt.commit
