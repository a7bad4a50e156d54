"""One attempt in the world: worktree, brief, agent, markers, and the end of it all.

Each attempt is one asyncio task that owns its agent for the agent's whole life. It is over only when
the agent's processes are gone and AttemptEnded has been emitted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core import events as e
from workbench.core.brief import brief_values, snapshot_message
from workbench.core.heeding import role_of
from workbench.core.mailing import members
from workbench.core.models import MarkerKind, Usage
from workbench.core.state import AttemptState, RunState
from workbench.crashpoints import crashpoint, killpoint
from workbench.engine.consulting import Consultations
from workbench.engine.deadlines import Deadlines
from workbench.engine.dropped import outcome
from workbench.engine.failures import failed
from workbench.engine.guarding import Guarding
from workbench.engine.noting import recalled
from workbench.engine.ports import (
    Acted,
    AgentReport,
    Assignment,
    Denied,
    Dropped,
    Emit,
    Ended,
    Heard,
    Letter,
    Retried,
    Said,
    Started,
)
from workbench.engine.trusting import is_trusted
from workbench.engine.world import World
from workbench.errors import WorkbenchError

SAID_LIMIT = 2_000


def pin_of(run: str, attempt: AttemptState, kind: str = "work") -> str:
    """The ref that keeps what an attempt made."""
    return f"refs/workbench/{run}/{kind}/{attempt.task}/{attempt.number}"


async def kept(state: RunState, world: World, attempt: AttemptState, prepared: bool) -> str | None:
    """Commit and pin what an interrupted attempt leaves in its worktree; the commit that it can go on from,
    if there is one. Raises what ``Worktrees.collect`` does.

    Before a worktree is known to be ``prepared`` it holds an earlier task's work, but for an attempt that
    goes on: that one may even have worked, and died before the log heard of it. Or its worktree was just
    being made anew: from where it stood then it would go on without what it had."""
    going_on = attempt.why == "continued"
    if not (prepared or going_on):
        return None
    title = f"Work in progress on {attempt.task}"
    found = await world.worktrees.collect(
        attempt.teammate,
        attempt.start,
        snapshot_message(attempt, title),
        pin_of(state.run, attempt, "interrupted"),
    )
    if prepared or attempt.carry is None or await world.git.is_ancestor(attempt.carry, found.commit):
        return found.commit
    return None


def _left(state: RunState, task: str) -> float | None:
    """What an attempt may cost, in US dollars: what is left of its task's budget, and of the run's."""
    spent = ((state.settings.budget_usd, state.cost_usd), (state.budget_of(task), state.cost_of(task)))
    left = [whole - cost for whole, cost in spent if whole is not None]
    return max(0.01, min(left)) if left else None


TOO_EARLY = "it wrote before its plan was approved, so what it made is not landed"

CUT_OFF_SECONDS = 0.05
"""Between one cancelling and the next, of an agent that is to end at once."""


@dataclass(eq=False)
class LiveAttempt:
    """What the engine holds of one attempt while it lives. ``places`` says whose a worktree is now."""

    state: RunState
    attempt: AttemptState
    world: World
    emit: Emit
    guarding: Guarding | None = None
    inbox: asyncio.Queue[Letter] = field(default_factory=asyncio.Queue)
    worktree: Path | None = None
    usage: Usage = field(default_factory=Usage)
    session: str | None = None
    over: bool = False
    ended: bool = False
    interrupt: bool = False
    _seen: set[str] = field(default_factory=set)
    _ask_to_end: asyncio.Event = field(default_factory=asyncio.Event)
    places: dict[Path, LiveAttempt] = field(default_factory=dict)
    checks: dict[asyncio.Task[None], None] = field(default_factory=dict)
    _worker: asyncio.Future[None] | None = None
    _cut: str = ""
    _deadlines: Deadlines | None = None
    _untouched: tuple[str, str | None] | None = None
    _telling: asyncio.Lock = field(default_factory=asyncio.Lock)
    consultations: Consultations = field(init=False)

    def __post_init__(self) -> None:
        self.consultations = Consultations(self.attempt, self.emit, lambda: self.over or self.ended)

    # -- the attempt's own task ----------------------------------------------------------------

    async def conduct(self) -> None:
        """Live through the attempt. Emits AttemptEnded as its very last act."""
        try:
            worker = self._worker = asyncio.ensure_future(self._work())
            ending = asyncio.ensure_future(self._ask_to_end.wait())
            try:
                await asyncio.wait({worker, ending}, return_when=asyncio.FIRST_COMPLETED)
                if worker.done():
                    self._report_end(worker)
                    await ending
            except asyncio.CancelledError:  # nobody asked the session to end: it is cut off
                await cut_off(worker)
                raise
            finally:
                ending.cancel()
                await over(worker)
            if self.interrupt:
                await self._checks_over()  # two at once in one worktree would trip over each other
            commit = await self._kept_as_left() if self.interrupt else None
            await self._checks_over()
            if self.guarding is not None:
                await self.guarding.left(self.attempt)
        finally:
            self._end_checks()
        killpoint("attempt.ended")
        self._say_ended(commit)

    def lost(self) -> None:
        """``conduct`` raised, when the agent's processes were gone: what it left is found at a resume."""
        if not self.ended:
            self.interrupt = True
            self._say_ended(None)

    def _say_ended(self, commit: str | None) -> None:
        self.ended = True
        self.emit(
            e.AttemptEnded(
                task=self.attempt.task,
                attempt=self.attempt.number,
                teammate=self.attempt.teammate,
                usage=self.usage,
                interrupted=self.interrupt,
                commit=commit,
                session=self.session,
            )
        )

    async def _work(self) -> None:
        state, attempt, world = self.state, self.attempt, self.world
        task = state.tasks[attempt.task]
        if self.guarding is not None:
            await self.guarding.joined(attempt)
        clock = asyncio.get_running_loop().time
        began = clock()
        if own := state.teammates[attempt.teammate].own:
            await world.worktrees.borrow(attempt.teammate, Path(own))
        prepared = await world.worktrees.prepare(
            attempt.teammate,
            attempt.start,
            carry=attempt.carry,
            keep=attempt.why == "continued",
            sparse=task.spec.files if state.settings.sparse else (),
        )
        self.worktree = prepared.path
        self.places[prepared.path] = self
        self.emit(
            e.WorktreeReady(
                teammate=attempt.teammate,
                path=str(prepared.path),
                branch=prepared.branch,
                seconds=round(clock() - began, 4),
            )
        )
        world.markers.add(prepared.path)
        notes = await recalled(state, attempt, world, self.emit)
        values = brief_values(state, attempt, prepared.conflicts, notes)
        brief = world.briefs.render("brief.md.j2", values)
        if attempt.planning:
            self._untouched = await self._as_it_is()
        crashpoint("agent.start")
        deadlines = self._deadlines = Deadlines(
            attempt, state.settings, self.emit, lambda: world.worktrees.fingerprint(attempt.teammate)
        )
        watching = asyncio.ensure_future(deadlines.watch())
        try:
            trusted = await is_trusted(state, attempt, world, prepared.path)
            assignment = self._assignment(prepared.path, brief, trusted)
            await world.agent.work(assignment, self.inbox, self._report)
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    def _assignment(self, worktree: Path, brief: str, trusted: bool) -> Assignment:
        state, attempt = self.state, self.attempt
        spec = state.tasks[attempt.task].spec
        role = role_of(state, spec.role)
        env = {
            **self.world.environment,
            **({} if trusted else self.world.restraint),
            "CLAUDE_CODE_AGENT_ID": f"{attempt.teammate}@{state.run}",
            "CLAUDE_CODE_AGENT_TYPE": spec.role or "teammate",
            "CLAUDE_CODE_TEAM_NAME": state.run,
            "CLAUDE_CODE_PLAN_MODE_REQUIRED": "true" if attempt.planning else "false",
            "WORKBENCH_RUN": state.run,
            "WORKBENCH_TASK": attempt.task,
            "WORKBENCH_ATTEMPT": str(attempt.number),
            "WORKBENCH_NONCE": attempt.nonce,
            "WORKBENCH_WORKTREE": str(worktree),
            "WORKBENCH_TEAMMATE": attempt.teammate,
            "WORKBENCH_PHASE": "plan" if attempt.planning else "work",
            **({"WORKBENCH_ROLE": spec.role} if spec.role else {}),
            **self.world.extras(attempt, worktree),
        }
        asks_unruled = state.settings.on_permission == "ask"
        consulting = asks_unruled or any(rule.decision == "ask" for rule in state.settings.policy)
        return Assignment(
            run=state.run,
            task=attempt.task,
            attempt=attempt.number,
            teammate=attempt.teammate,
            nonce=attempt.nonce,
            worktree=worktree,
            brief=brief,
            env=env,
            role=spec.role,
            plays=role,
            model=(role.model if role is not None else None) or state.settings.model,
            session=attempt.session,
            budget_usd=_left(state, attempt.task),
            teammates=tuple(name for name in members(state) if name != attempt.teammate),
            messages=attempt.mail,
            read_only=attempt.planning,
            consult=self.consultations.ask if consulting else None,
            policy=state.settings.policy,
            asks_unruled=asks_unruled,
            seat=state.teammates[attempt.teammate].seat,
            by_hand=state.teammates[attempt.teammate].by_hand,
            trusted=trusted,
        )

    def _report_end(self, worker: asyncio.Future[None]) -> None:
        """The agent is over by itself: say so once, with the reason when it broke."""
        error = None if worker.cancelled() else worker.exception()
        if self._cut:  # who hangs when all is done and said is judged by what it made
            reason = "" if self.attempt.done else self._cut
            self._report(Ended(live=False, error=reason, usage=self.usage))
        elif error:
            self.over = True
            self.emit(failed("StartAttempt", error, self.attempt.task, self.attempt.number))
        elif not self.over:
            silent = "the agent ended without saying how"
            self._report(Ended(live=False, error=silent, usage=self.usage))

    async def _kept_as_left(self) -> str | None:
        """What an interrupted attempt leaves; a worktree that is gone holds nothing. What it wrote while it
        was to plan is kept too, and said, for nobody goes on from there."""
        try:
            await self._kept_to_reading()
            return await kept(self.state, self.world, self.attempt, self.worktree is not None)
        except (WorkbenchError, OSError) as problem:
            self.emit(failed("KeepWork", problem))
            return None

    # -- what comes from the agent and its markers -----------------------------------------------

    def _report(self, report: AgentReport) -> None:
        self._alive()
        task, number = self.attempt.task, self.attempt.number
        match report:
            case Started(pid, session):
                self.session = session or self.session
                killpoint("agent.started")
                self.emit(e.AgentStarted(task=task, attempt=number, pid=pid, session=session))
            case Acted(tool, target):
                self.emit(e.AgentActed(task=task, attempt=number, tool=tool, target=target[:500]))
            case Said(text):
                self.emit(e.AgentSaid(task=task, attempt=number, text=text[:SAID_LIMIT]))
            case Retried(status, error, delay):
                self.emit(
                    e.AgentRetried(task=task, attempt=number, status=status, error=error, delay_seconds=delay)
                )
            case Denied(tool, target, reason):
                self.emit(
                    e.ActionDenied(task=task, attempt=number, tool=tool, target=target[:500], reason=reason)
                )
            case Heard(messages):
                self.emit(e.MessagesRead(task=task, attempt=number, messages=messages))
            case Ended():
                self._turn_ended(report)

    def _turn_ended(self, report: Ended) -> None:
        if self.over:
            return
        killpoint("agent.turn-ended")
        self.over = not report.live
        self.usage, self.session = report.usage, report.session or self.session
        self.scan()
        self.emit(
            e.TurnEnded(
                task=self.attempt.task,
                attempt=self.attempt.number,
                live=report.live,
                error=report.error,
                login=report.login,
                limit=report.limit,
                resets_at=report.resets_at,
                exit_code=report.exit_code,
                usage=report.usage,
                session=report.session,
            )
        )

    def scan(self) -> None:
        """Read the markers that lie there now; a folder that cannot be read holds none."""
        if self.worktree is None:
            return
        try:
            found = self.world.markers.scan(self.worktree)
        except OSError as problem:
            self.emit(failed("ScanMarkers", problem))
            return
        for dropped in found:
            self.receive(dropped)

    def receive(self, dropped: Dropped) -> None:
        """Turn a dropped file into an event: a marker of this attempt, or one set aside."""
        self._alive()
        came = outcome(dropped, self.state, self.attempt, self._seen)
        self._seen.add(dropped.name)
        self.emit(came)
        if isinstance(came, e.MarkerReceived) and came.kind in (MarkerKind.DONE, MarkerKind.BLOCKED):
            self._stopped_by_hand()

    def _stopped_by_hand(self) -> None:
        """Nobody sees how a person, or a session of theirs, ends its turn: its last word is that."""
        if self.state.teammates[self.attempt.teammate].by_hand and not (self.over or self.ended):
            self._report(Ended(live=True))

    def _alive(self) -> None:
        if self._deadlines is not None:
            self._deadlines.alive()

    # -- what comes from the engine ------------------------------------------------------------------

    async def tell(self, letter: Letter) -> None:
        """Put text into the session; when that is over already, say so. In the order of the calls: what
        unlocks is looked into first, and nothing overtakes it. It is not told to who wrote too early."""
        async with self._telling:
            if letter.unlocks:
                if not await self._kept_to_reading():
                    return
                self._untouched = None
            if self.over or self.ended:
                self._report_gone()
            else:
                self.inbox.put_nowait(letter)

    async def _as_it_is(self) -> tuple[str, str | None]:
        """What the files that are not committed are like, and what is committed."""
        mate = self.attempt.teammate
        tip = await self.world.git.tip(f"refs/heads/workbench/{self.state.run}/{mate}")
        return await self.world.worktrees.fingerprint(mate), tip

    async def look_for_breach(self) -> None:
        """Say now whether it wrote before its plan was approved, if it is not unlocked yet: its work is to be
        judged, and a letter that unlocks may be on its way all the while."""
        async with self._telling:
            await self._kept_to_reading()

    async def _kept_to_reading(self) -> bool:
        """Whether its worktree is as it was when it began to plan; if not, that is told."""
        if self._untouched is None or await self._as_it_is() == self._untouched:
            return True
        self.emit(e.PlanBreached(task=self.attempt.task, attempt=self.attempt.number, reason=TOO_EARLY))
        return False

    def _report_gone(self) -> None:
        if not self.ended:
            self.emit(
                e.TurnEnded(
                    task=self.attempt.task,
                    attempt=self.attempt.number,
                    live=False,
                    error="the session was over before it could be told more",
                    usage=self.usage,
                )
            )

    def end(self, interrupt: bool) -> None:
        """Close the session; ``interrupt`` keeps what it has and does not count the attempt."""
        if self._ask_to_end.is_set():
            return
        self.interrupt = interrupt
        if interrupt:
            self._end_checks()
        self._ask_to_end.set()

    def cut_short(self, reason: str) -> None:
        """Stop the agent and all that it started; what it made is then collected like a broken one's."""
        if self._cut:  # it is at it; to be cancelled a second time would mean at once
            return
        if not self._ask_to_end.is_set() and self._worker is not None and not self._worker.done():
            self._cut = reason
            self._worker.cancel()

    async def _checks_over(self) -> None:
        self._end_checks()
        if self.checks:
            await asyncio.wait(set(self.checks))

    def _end_checks(self) -> None:
        for check in self.checks:
            check.cancel()


async def over(worker: asyncio.Future[None]) -> None:
    """Cancel, and wait until it is over; being cancelled meanwhile cuts it off."""
    worker.cancel()
    try:
        await asyncio.wait({worker})
    except asyncio.CancelledError:
        await cut_off(worker)
        raise


async def cut_off(worker: asyncio.Future[None]) -> None:
    """End it without the time that an agent is given to end by itself: whoever ends one kills it when
    cancelled, which it can only be once it is at it."""
    while not worker.done():
        worker.cancel()
        await asyncio.wait({worker}, timeout=CUT_OFF_SECONDS)
