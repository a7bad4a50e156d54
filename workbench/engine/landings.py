"""The landing under way: built, gated, published by compare-and-swap, or dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.state import RunState
from workbench.engine.batches import build_batch
from workbench.engine.failures import explain
from workbench.engine.loop import Effect
from workbench.engine.pairing import find_pair
from workbench.engine.ports import Emit
from workbench.engine.resolving import remember
from workbench.engine.world import World


class Landings:
    """Effects of landings, and who owns them while they run."""

    def __init__(self, world: World, emit: Emit) -> None:
        self._world, self._emit = world, emit
        self._running: set[asyncio.Task[None]] = set()
        self._checking: dict[str, asyncio.Task[None]] = {}
        self._publishing = False

    def begin(self, state: RunState, action: a.Action) -> tuple[list[e.Event], Effect]:
        """What to record before ``action``, and what to run once that is durable."""
        match action:
            case a.BuildBatch():
                self._publishing = False
                build = self._owned(lambda: build_batch(state, self._world, self._emit, action))
                return [e.LandingStarted(tasks=action.tasks)], build
            case a.CheckCandidate():
                started = e.CheckingStarted(
                    task=action.task, commit=action.commit, gates=action.gates, alone=False
                )
                return [started], self._owned(lambda: self._check(action))
            case a.StopChecks():
                return [], lambda: self._stop_checks(action)
            case a.FindPair():
                return [], lambda: find_pair(self._world, self._emit, action)
            case a.Publish():
                self._publishing = True
                return [], self._owned(lambda: publish(state, self._world, self._emit, action))
            case a.DropLanding():
                return [], self._drop
            case _:
                raise TypeError(f"no effect for {action!r}")

    def _owned(self, work: Callable[[], Coroutine[None, None, None]]) -> Effect:
        async def run() -> None:
            current = asyncio.current_task()
            assert current is not None, "an effect runs in a task"
            self._running.add(current)
            try:
                await work()
            except Exception as problem:  # noqa: BLE001 - every failure of an effect becomes an event
                action = "Publish" if self._publishing else "Landing"
                self._emit(e.EffectFailed(action=action, error=explain(problem)))
            finally:
                self._running.discard(current)

        return run

    async def _check(self, action: a.CheckCandidate) -> None:
        """Run the gates on a candidate, before checks of single pieces of work that wait."""
        current = asyncio.current_task()
        assert current is not None, "an effect runs in a task"
        self._checking[action.commit] = current
        try:
            verdicts = await self._world.gates.check(action.commit, action.tree, action.gates, urgent=True)
        finally:
            del self._checking[action.commit]
        self._emit(e.CandidateChecked(task=action.task, commit=action.commit, verdicts=tuple(verdicts)))

    async def _stop_checks(self, action: a.StopChecks) -> None:
        for commit in action.commits:
            if commit in self._checking:
                self._checking[commit].cancel()

    async def _drop(self) -> None:
        if self._publishing:
            return
        for task in self._running:
            task.cancel()
        self._emit(e.LandingDropped())


async def publish(state: RunState, world: World, emit: Emit, action: a.Publish) -> None:
    """Move the integration branch, if it still is where the batch began."""
    first, last = action.candidates[0], action.candidates[-1]
    why = f"workbench: land {', '.join(candidate.task for candidate in action.candidates)}"
    if await world.git.move_ref(state.integration, last.commit, first.parent, why):
        for landing in landed(action.candidates):
            emit(landing)
        await remember(state, world, action.candidates)
        return
    found = await world.git.tip(state.integration)
    emit(e.PublicationLost(expected=first.parent, found=found or ""))


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
