"""Taking a run up again: account for everything that was in flight when its process ended.

Intent, effect, confirm: what the log says was begun is looked for in git before it is repeated.
Nothing here decides; it only tells the state what became of things.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

from workbench.core import events as e
from workbench.core.actions import Declare
from workbench.core.approvals import untold
from workbench.core.decide.mail import said
from workbench.core.merge import candidate
from workbench.core.state import AttemptState, Landing, RunState
from workbench.engine.attempts import TOO_EARLY, kept
from workbench.engine.dropped import outcome
from workbench.engine.landings import landed
from workbench.engine.ports import Git
from workbench.engine.undo import undone
from workbench.engine.world import World
from workbench.errors import SetupError, WorkbenchError


async def accounts(state: RunState, world: World) -> AsyncGenerator[e.Event, None]:
    """Events that close what was open: first an undoing, which may follow the end of a run, then the
    landing, then each attempt with the markers it had left. Each must be in the log before the next is
    asked for. Agents must be dead before this. Raises SetupError when the log has lost what git holds."""
    for event in await undone(state, world.git):
        yield event
    if state.landing is not None:
        for landing in await landed_already(state.landing, state, world.git):
            yield landing
    if state.landing is not None:
        yield e.LandingDropped()
    if lost := await unknown(state, world.git):
        raise _ahead(state, lost)
    if state.lead.up:
        yield e.LeadEnded(usage=state.lead.usage, session=state.lead.session, interrupted=True)
    for attempt in list(state.working.values()):
        async with aclosing(_attempt(state, world, attempt)) as came:  # else it outlives a log that is full
            async for event in came:
                yield event


async def landed_already(landing: Landing, state: RunState, git: Git) -> list[e.TaskLanded]:
    """Candidates that the integration branch already holds have landed; the others start over."""
    tip = await git.tip(state.integration)
    if tip is None:
        return []
    there = [step for step in landing.steps if await git.is_ancestor(step.commit, tip)]
    return landed([candidate(state, step) for step in there])


async def unknown(state: RunState, git: Git) -> list[str]:
    """Subjects of what workbench itself published for this run and the log does not know, newest first: its
    end was lost. Going on would land it a second time."""
    tip = await git.tip(state.integration)
    last = state.published
    if tip is None or tip == last or not await git.is_ancestor(last, tip):
        return []  # a branch that was moved back stops the run when it next lands something
    known = {landing.commit for landing in state.landings} | {it.reversal.commit for it in state.undone}
    return [
        message.partition("\n")[0]
        for commit, message in await git.between(last, tip)
        if commit not in known and f"Workbench-Run: {state.run}" in message.splitlines()
    ]


def _ahead(state: RunState, lost: list[str]) -> SetupError:
    branch, known = state.integration.removeprefix("refs/heads/"), state.published[:10]
    some = "; ".join(lost[:8]) + ("; …" if len(lost) > 8 else "")
    return SetupError(
        f"{branch} is ahead of the log of run {state.run}, whose end was lost: of {len(lost)} that workbench "
        f"published there nothing is known any more ({some}).",
        f"Nothing was changed. To keep it, look with `git log {known}..{branch}`, merge the branch when your "
        f"gates are green on it, and run what is left as a new plan with --base {branch}. To have it made "
        f"again: `git branch {state.run}-before {branch}`, `git branch -f {branch} {known}`, and resume.",
    )


async def _attempt(state: RunState, world: World, attempt: AttemptState) -> AsyncGenerator[e.Event, None]:
    where = state.teammates[attempt.teammate].worktree
    if where:
        for dropped in world.markers.scan(Path(where)):
            if dropped.name in attempt.markers:  # it is in the log, and was about to be cleared away
                world.markers.settle(Path(where), dropped.name, accepted=True)
                continue
            came = outcome(dropped, state, attempt, ())
            yield came
            for event in messages(state, came):
                yield event
            reason = came.reason if isinstance(came, e.MarkerQuarantined) else ""
            world.markers.settle(Path(where), dropped.name, accepted=not reason, reason=reason)
    commit = await _keep(state, world, attempt) if where else None
    if commit is not None and await _wrote_too_early(state, world, attempt, commit):
        yield e.PlanBreached(task=attempt.task, attempt=attempt.number, reason=TOO_EARLY)
    yield e.AttemptEnded(
        task=attempt.task,
        attempt=attempt.number,
        teammate=attempt.teammate,
        usage=attempt.usage,
        interrupted=True,
        commit=commit,
        session=attempt.session,
    )


def messages(state: RunState, came: e.Event) -> Iterator[e.Event]:
    """What a marker says to others: only now is it known that nobody was told."""
    if isinstance(came, e.MarkerReceived):
        yield from (action.event for action in said(state, came) if isinstance(action, Declare))


async def _wrote_too_early(state: RunState, world: World, attempt: AttemptState, commit: str) -> bool:
    """Whether an attempt that was to plan first left other files than it found."""
    if not (attempt.planning or untold(state, attempt)) or (
        attempt.carry is not None and attempt.why != "continued"
    ):
        return False  # of what was merged for it only its own process knew how that looked
    before = attempt.carry or attempt.start
    return await world.git.tree_of(commit) != await world.git.tree_of(before)


async def _keep(state: RunState, world: World, attempt: AttemptState) -> str | None:
    """What the worktree holds, pinned; where it is gone, what was pinned before remains."""
    try:
        return await kept(state, world, attempt, attempt.prepared)
    except WorkbenchError:
        return attempt.commit
