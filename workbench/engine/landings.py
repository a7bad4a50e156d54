"""The landing under way: built, gated, published by compare-and-swap, or dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.state import RunState
from workbench.crashpoints import killpoint
from workbench.engine.batches import Look, build_batch, unguarded
from workbench.engine.failures import failed
from workbench.engine.loop import Effect
from workbench.engine.pairing import find_pair
from workbench.engine.ports import Emit
from workbench.engine.resolving import remember
from workbench.engine.world import World


@dataclass(eq=False)
class _Work:
    """What is done for one landing: its effects end together. ``over`` when one of them failed or the
    landing was dropped: then none of the others may be heard of any more, for another landing has begun."""

    running: dict[asyncio.Task[None], None] = field(default_factory=dict)
    checking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    publishing: bool = False
    over: bool = False

    def end(self) -> None:
        """End what runs, but for the one who asks, and all that was to begin."""
        self.over = True
        current = asyncio.current_task()
        for task in self.running:
            if task is not current:
                task.cancel()


class Landings:
    """Effects of landings, and who owns them while they run."""

    def __init__(self, world: World, emit: Emit, look: Look = unguarded) -> None:
        self._world, self._emit, self._look = world, emit, look
        self._work = _Work()

    def begin(self, state: RunState, action: a.Action) -> tuple[list[e.Event], Effect]:
        """What to record before ``action``, and what to run once that is durable."""
        match action:
            case a.BuildBatch():
                self._work = _Work()
                build = self._owned(lambda: build_batch(state, self._world, self._emit, action, self._look))
                return [e.LandingStarted(tasks=action.tasks)], build
            case a.CheckCandidate():
                started = e.CheckingStarted(
                    task=action.task, commit=action.commit, gates=action.gates, alone=False
                )
                work = self._work
                return [started], self._owned(lambda: self._check(work, action))
            case a.StopChecks():
                work = self._work
                return [], lambda: self._stop_checks(work, action)
            case a.FindPair():
                return [], lambda: find_pair(self._world, self._emit, action)
            case a.Publish():
                self._work.publishing = True
                return [], self._published(state, action)
            case a.DropLanding():
                work = self._work
                return [], lambda: self._drop(work)
            case _:
                raise TypeError(f"no effect for {action!r}")

    def _owned(self, effect: Callable[[], Coroutine[None, None, None]]) -> Effect:
        """An effect of the landing under way: when it fails, so does the landing, once."""
        work = self._work

        async def run() -> None:
            current = asyncio.current_task()
            assert current is not None, "an effect runs in a task"
            if work.over:
                return
            work.running[current] = None
            try:
                await effect()
            except Exception as problem:  # noqa: BLE001 - every failure of an effect becomes an event
                if not work.over:
                    work.end()
                    self._emit(failed("Landing", problem))
            finally:
                work.running.pop(current, None)

        return run

    def _published(self, state: RunState, action: a.Publish) -> Effect:
        """The one effect that nothing ends: what git was told has to be heard of."""

        async def run() -> None:
            try:
                await publish(state, self._world, self._emit, action)
            except Exception as problem:  # noqa: BLE001 - every failure of an effect becomes an event
                self._emit(failed("Publish", problem))

        return run

    async def _check(self, work: _Work, action: a.CheckCandidate) -> None:
        """Run the gates on a candidate, before checks of single pieces of work that wait."""
        current = asyncio.current_task()
        assert current is not None, "an effect runs in a task"
        work.checking[action.commit] = current
        try:
            verdicts = await self._world.gates.check(action.commit, action.tree, action.gates, urgent=True)
        finally:
            del work.checking[action.commit]
        self._emit(e.CandidateChecked(task=action.task, commit=action.commit, verdicts=tuple(verdicts)))

    async def _stop_checks(self, work: _Work, action: a.StopChecks) -> None:
        for commit in action.commits:
            if commit in work.checking:
                work.checking[commit].cancel()

    async def _drop(self, work: _Work) -> None:
        if work.publishing:
            return
        work.end()
        self._emit(e.LandingDropped())


async def publish(state: RunState, world: World, emit: Emit, action: a.Publish) -> None:
    """Move the integration branch, if it still is where the batch began."""
    first, last = action.candidates[0], action.candidates[-1]
    why = f"workbench: land {', '.join(candidate.task for candidate in action.candidates)}"
    killpoint("landing.publish")
    moved, found = await _moved(state, world, last.commit, first.parent, why)
    if moved:
        killpoint("landing.published")
        for landing in landed(action.candidates):
            emit(landing)
        await remember(state, world, action.candidates)
        return
    if found is not None and not await world.git.is_ancestor(state.published, found):
        found = None  # somebody took off what had landed: nobody is to begin there
    emit(e.PublicationLost(expected=first.parent, found=found or ""))


LOOKS = 3
"""How often the branch is looked at when it is not known whether it was moved."""


async def _moved(state: RunState, world: World, new: str, old: str, why: str) -> tuple[bool, str | None]:
    """Whether the branch is at ``new`` now, and else where. Git may be ended, by a Ctrl-C say, or fail, when
    it had moved the ref: what was published and is not known to be would be landed once more."""
    try:
        if await world.git.move_ref(state.integration, new, old, why):
            return True, new
    except Exception:
        for look in range(LOOKS):
            try:
                found = await world.git.tip(state.integration)
                break
            except Exception:
                if look == LOOKS - 1:
                    raise
        if found != new:
            raise
    else:
        found = await world.git.tip(state.integration)
    return found == new, found


def landed(candidates: Iterable[a.Candidate]) -> list[e.TaskLanded]:
    """The events of a landing, to be told once it is on the integration branch."""
    return [
        e.TaskLanded(
            task=candidate.task,
            attempt=candidate.attempt,
            commit=candidate.commit,
            parent=candidate.parent,
            tree=candidate.tree,
            files=candidate.files,
        )
        for candidate in candidates
    ]
