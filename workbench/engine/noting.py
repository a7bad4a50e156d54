"""Shared notes while a run goes on: what its log says is handed over, and briefs are given what matters.

Nothing here may stop or slow a run. What cannot be handed over now is handed over later, at the latest when
the run is resumed; a brief that cannot have its notes in time goes without. Both are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from workbench.core import events as e
from workbench.core.apply.notes import active
from workbench.core.noteform import PATHS_LIMIT
from workbench.core.recall import BRIEF_NOTES, Query, for_brief, shown
from workbench.core.state import AttemptState, RunState
from workbench.crashpoints import killpoint
from workbench.engine.failures import explain
from workbench.engine.ports import Collected, Emit
from workbench.engine.world import World
from workbench.errors import WorkbenchError

PATIENCE = 2.0
"""Seconds that a brief waits for its notes."""

Work = Callable[[], Coroutine[None, None, None]]


@dataclass
class Noting:
    """Hands over what the log of one run says, in its order, one piece at a time. A log that an earlier
    process wrote is handed over from its beginning: what that did not come to is made up for."""

    world: World
    start: Callable[[Work], None]
    state: RunState | None = None
    _kept: int = 0
    _logged: int = 0
    _over: bool = False
    _running: bool = False

    def follow(self, state: RunState) -> None:
        """This is the run; may be said again."""
        self.state = state

    def recorded(self, event: e.Event) -> None:
        """``event`` is in the log. Returns at once."""
        self._over = self._over or isinstance(event, e.RunFinished)  # its time counts, too
        if self.state is None:
            return
        # The state may soon hold more: what is about to be written, and may never be.
        self._logged = len(self.state.traces)
        if not self._running and self._due():
            self._running = True
            self.start(self._keep)

    def _due(self) -> bool:
        return self._over or self._logged > self._kept

    async def _keep(self) -> None:
        assert self.state is not None, "there is a run, else nothing was recorded"
        state, again = self.state, True
        try:
            while self._due():
                taken, self._over = self._logged, False
                killpoint("notes.keep")
                try:
                    traces = state.traces[self._kept : taken]
                    await self.world.notes.keep(state.run, traces, active(state, state.at))
                    self._kept = taken
                except (WorkbenchError, OSError) as problem:
                    self.world.notices.say(f"Shared notes could not be kept: {problem}")
                    self._kept = 0  # what is there now may be a new file
                    if not again:
                        return  # it is tried anew with the next trace
                    again = False
        finally:
            self._running = False


async def recalled(state: RunState, attempt: AttemptState, world: World, emit: Emit) -> list[dict[str, str]]:
    """The notes that matter for the files of an attempt's task, as its brief shows them; none when they
    cannot be had."""
    task = state.task(attempt.task)
    files = (*task.spec.files, *task.conflicts, *attempt_files(state, attempt))
    query = Query(f"{task.spec.title} {task.spec.body}", files, limit=2 * BRIEF_NOTES, strict=False)
    try:
        async with asyncio.timeout(PATIENCE):
            found = await world.notes.recall(query, state.run, active(state, state.at))
    except Exception as problem:  # noqa: BLE001 - a note is never worth an attempt
        why = "they took too long." if isinstance(problem, TimeoutError) else explain(problem)
        world.notices.say(f"A brief goes without shared notes: {why}")
        return []
    own = (state.run, attempt.task, "warning")  # that is in the brief already, and longer
    news = [it for it in found if (it.note.run, it.note.task, it.note.kind) != own]
    chosen = for_brief(news, state.at)
    if chosen:
        ids = tuple(it.note.id for it in chosen)
        emit(e.NotesGiven(task=attempt.task, attempt=attempt.number, notes=ids))
    return [shown(it.note, state.at) for it in chosen]


def attempt_files(state: RunState, attempt: AttemptState) -> tuple[str, ...]:
    """What the attempt before this one had changed."""
    before = state.attempts.get((attempt.task, attempt.number - 1))
    return () if before is None else before.files


async def touched(world: World, attempt: AttemptState, work: Collected) -> tuple[str, ...]:
    """The first of the files that collected work changes; none where git cannot tell, for nobody's work may
    fail for want of a note."""
    if not work.changed:
        return ()
    try:
        return (await world.git.changed_files(attempt.start, work.commit))[: 2 * PATHS_LIMIT]
    except (WorkbenchError, OSError):
        return ()
