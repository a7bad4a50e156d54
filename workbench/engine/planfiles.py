"""The plan as files while a run goes on: boxes show where each task stands, and what people change in the
text is proposed.

There are two: the run's own, which is the plan as it stands, and the user's, whose boxes are set only where
that is wished (``write_back``). Both are a view of the state and no truth. A file is taken up once it was
left alone between two looks, so that a half-saved one is not; and it is written only where it still holds
what was read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from workbench.core import events as e
from workbench.core.changes import PlanChange, fixed
from workbench.core.changing import OWN, open_change
from workbench.core.decide.changes import proposed, read
from workbench.core.models import Plan
from workbench.core.plan import sha256
from workbench.core.plan.boxes import (
    DONE,
    OPEN,
    Boxed,
    bare,
    by_hand,
    in_conflict,
    marks_of,
    untouched,
    written,
)
from workbench.core.state import RunState, TaskStatus
from workbench.engine.ports import Emit, PlanFile, PlanFiles
from workbench.errors import PlanError, WorkbenchError

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How often the files are looked at: two questions to the file system."""

REST_SECONDS = 0.5
"""No file is written more often than this, however many tasks move."""

SHOWN = (
    e.RunStarted,
    e.RunResumed,
    e.AttemptStarted,
    e.AttemptFailed,
    e.AttemptEnded,
    e.TaskDelivered,
    e.TaskBlocked,
    e.TaskLanded,
    e.TaskConflicted,
    e.TaskRejected,
    e.TaskRetried,
    e.TaskSkipped,
    e.PlanChanged,
    e.PlanChangeDropped,
    e.RunFinished,
)
"""What may change a box, or the plan."""


@dataclass
class Seen:
    """What is known of one file: the ``text`` that was read or written last, and what is ``odd`` about it,
    which is said once. ``page`` is the same text with its boxes, ``ours`` whether we wrote it, ``said``
    the plan in it where it did not. ``fresh`` says that somebody wrote it since it was looked into."""

    file: PlanFile
    source: str
    text: str = ""
    page: Boxed = field(default_factory=lambda: Boxed("", ()))
    ours: bool = True
    said: Plan | None = None
    fresh: bool = True
    odd: set[str] = field(default_factory=set)


class PlanView:
    """Keeps the plan files of one run in step with it, until ``close``."""

    def __init__(self, state: RunState, files: PlanFiles, emit: Emit) -> None:
        self._state, self._files, self._emit = state, files, emit
        self._own = Seen(files.own, OWN)
        self._theirs: Seen | None = None
        self._base: Plan | None = None
        self._dirty = asyncio.Event()
        self._closed = asyncio.Event()

    def committed(self, event: e.Event) -> None:
        """An event is in the log: the files may have to show it."""
        if isinstance(event, SHOWN):
            self._dirty.set()

    def close(self) -> None:
        """Show how it ended, and be over."""
        self._closed.set()
        self._dirty.set()

    async def go(self) -> None:
        """Look and write until ``close``. What fails is said, and costs the run nothing."""
        while True:
            last = self._closed.is_set()
            try:
                await self._round()
            except Exception as problem:
                if not isinstance(
                    problem, OSError | WorkbenchError
                ):  # a bug of ours: the run's log has it whole
                    log.warning("the plan file: %s", problem, exc_info=True)
                self._say(self._own, f"The plan file of this run could not be kept up: {problem}.")
            if last:
                return
            await _within(REST_SECONDS, self._closed)
            await _within(LOOK_SECONDS, self._dirty)

    async def _round(self) -> None:
        if self._state.plan is None:
            return
        if self._theirs is None:
            self._theirs = Seen(self._files.at(self._state.plan_file), self._state.plan_file)
        shown = self._dirty.is_set()
        self._dirty.clear()
        for seen in (self._own, self._theirs):
            if seen.source:
                await self._look(seen, again=shown)
        if shown:
            await self._write()
            if self._state.settings.write_back and self._theirs.source:
                await self._tick(self._theirs)

    # -- reading -----------------------------------------------------------------------------------------

    async def _look(self, seen: Seen, *, again: bool) -> None:
        """Take up what somebody wrote; ``again`` to consider anew what was written before."""
        text = await asyncio.to_thread(seen.file.changed, not self._closed.is_set())
        if text is not None:
            await self._read(seen, text)
        if seen.said is not None and (seen.fresh or (again and self._state.proposed is None)):
            self._propose(seen, seen.said)
            seen.fresh = False

    async def _read(self, seen: Seen, text: str) -> None:
        state, before = self._state, seen.text
        seen.text, seen.page = text, await asyncio.to_thread(Boxed.read, text)
        if seen is self._own:
            known = seen.ours = await asyncio.to_thread(untouched, text)
        else:
            known = state.plan_sha256 == sha256(text) and not state.said
        if before and (known or bare(before) == bare(text)):
            self._boxes(seen, before, text)
        if known:
            seen.said = None
            self._withdraw(seen)
            return
        if before and seen.said is not None and bare(before) == bare(text):
            return
        if in_conflict(text):
            self._say(seen, "it has conflict markers, and is not read until they are gone")
            return
        try:
            seen.said = await asyncio.to_thread(read, text, seen.source, frozenset(state.tasks))
        except PlanError as error:
            first, more = error.problems[0], len(error.problems) - 1
            rest = f" ({more} more)" if more else ""
            self._say(seen, f"line {first.line}: {first.sentence}{rest}; no change is proposed")
            seen.said = None
            return
        seen.fresh = True

    def _propose(self, seen: Seen, said: Plan) -> None:
        state = self._state
        if state.settings.on_change == "ignore":
            return
        base = (self._base or state.plan) if seen is self._own else None
        proposal = proposed(state, seen.source, said, base=base)
        if base is not None and (names := fixed(base, said)):
            self._say(seen, f"{', '.join(names)} of the front matter count when a run is started")
        if proposal is None:
            self._withdraw(seen)
        elif not self._asked(seen.source, proposal.change):
            self._emit(proposal)

    def _asked(self, source: str, change: PlanChange) -> bool:
        """Whether a person was asked about just this, and has said no if anything."""
        state, current = self._state, self._state.proposed
        if current is not None and open_change(state) is not None and current.source == source:
            return current.change == change
        return state.declined.get(source) == change

    def _withdraw(self, seen: Seen) -> None:
        """What a file proposed is taken back by who wrote it."""
        if self._state.proposed is not None and self._state.proposed.source == seen.source:
            self._emit(e.PlanChangeDropped(source=seen.source, reason="it was taken back in the file"))

    def _boxes(self, seen: Seen, before: str, now: str) -> None:
        for name in by_hand(before, now):
            if name in self._state.tasks:
                self._say(
                    seen,
                    f"the box of {name} was changed by hand, which means nothing: git knows what has landed",
                )

    def _say(self, seen: Seen, sentence: str) -> None:
        if sentence not in seen.odd:
            seen.odd.add(sentence)
            self._emit(e.Noticed(sentence=f"{seen.file.name}: {sentence}."))

    # -- writing -----------------------------------------------------------------------------------------

    async def _write(self) -> None:
        """The run's own file as the state has it. What somebody wrote there is kept until it is settled."""
        state, seen = self._state, self._own
        assert state.plan is not None, "it is written once there is one"
        plan, marks = state.plan, marks_of(state)
        if seen.text and not seen.ours and not self._settled(seen):
            await self._put(seen, seen.page.marked(marks))
            return
        if plan is self._base and seen.ours and seen.text:
            page = seen.page.marked(marks)
        else:
            text = await asyncio.to_thread(written, plan, state.run, marks)
            page = await asyncio.to_thread(Boxed.read, text)
        if await self._put(seen, page):
            self._base, seen.said, seen.ours = plan, None, True

    def _settled(self, seen: Seen) -> bool:
        """Whether what somebody wrote into the run's own file was decided on, or says nothing else."""
        state = self._state
        if seen.said is None or (state.proposed is not None and state.proposed.source == seen.source):
            return False
        proposal = proposed(state, seen.source, seen.said, base=self._base)
        return proposal is None or state.declined.get(seen.source) == proposal.change

    async def _tick(self, seen: Seen) -> None:
        """The boxes of the user's own file: ticked where a task has landed, cleared where it is undone."""
        if not seen.text or in_conflict(seen.text):
            return
        state, marks = self._state, dict[str, str]()
        for box in seen.page.boxes:
            task = state.tasks.get(box.id)
            if task is not None and task.status is TaskStatus.LANDED:
                marks[box.id] = DONE
            elif task is not None and task.status is TaskStatus.UNDONE and box.mark.lower() == DONE:
                marks[box.id] = OPEN
        before = seen.text
        page = seen.page.marked(marks)
        if page.text != before:  # first, so that a crash in between costs no approval
            await asyncio.to_thread(self._files.approve_again, before, page.text)
            await self._put(seen, page)

    async def _put(self, seen: Seen, page: Boxed) -> bool:
        """Write a file if it holds what was read from it, or is not there; gives whether it did."""
        if page.text == seen.text:
            return True
        if not await asyncio.to_thread(seen.file.replace, seen.text, page.text):
            return False  # somebody was faster, and is read first
        seen.text, seen.page = page.text, page
        return True


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Wait for ``event``, but not longer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
