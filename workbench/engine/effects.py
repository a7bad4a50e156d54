"""Turns actions into intents and effects. The only place where ``decide``'s words become deeds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.brief import snapshot_message, tools_of
from workbench.core.mail import PERSON
from workbench.core.state import RunState
from workbench.engine.attempts import LiveAttempt, pin_of
from workbench.engine.examining import examined
from workbench.engine.failures import explain, failed
from workbench.engine.guarding import Guarding, guarding
from workbench.engine.landings import Landings
from workbench.engine.leading import Leading
from workbench.engine.loop import Effect
from workbench.engine.noticing import read_landing
from workbench.engine.noting import Noting, touched
from workbench.engine.planfiles import PlanView
from workbench.engine.ports import Emit, Letter, Requested, Ruling
from workbench.engine.probing import Probes
from workbench.engine.resolving import lost_tests
from workbench.engine.waiting import measure, wait_over
from workbench.engine.world import World
from workbench.errors import GitError, WorkbenchError

log = logging.getLogger(__name__)

Key = tuple[str, int]
Begun = tuple[list[e.Event], Effect | None]


class Effects:
    """The executor of one run: see ``engine.loop.Executor``. ``clock`` is the engine's."""

    def __init__(self, world: World, emit: Emit, clock: Callable[[], float] = time.time) -> None:
        self._world = world
        loop = asyncio.get_running_loop()

        def hear(sentence: str) -> None:  # adapters may speak from a thread
            loop.call_soon_threadsafe(emit, e.Noticed(sentence=sentence))

        world.notices.heard_by(hear)
        self._emit = emit
        self._clock = clock
        self._live: dict[Key, LiveAttempt] = {}
        self._places: dict[Path, LiveAttempt] = {}
        # In the order of their beginning, so that what is cut short is cut in the same order every time.
        self._running: dict[asyncio.Task[None], None] = {}
        self._whole: set[asyncio.Task[None]] = set()
        self._uncut: set[Effect] = set()
        self._landings = Landings(world, emit, self._look)
        self._leading = Leading(world, emit)
        self._watching: asyncio.Task[None] | None = None
        self._probes: Probes | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._guarding: Guarding | None = None
        self._noting = Noting(world, self._keep_whole)
        self._afterwards: list[e.Event] = []
        self._plans: PlanView | None = None

    # -- intents and effects -----------------------------------------------------------------------

    def begin(self, state: RunState, action: a.Action) -> Begun:
        """What to record before ``action``, and what to run once that is durable."""
        self._noting.follow(state)
        match action:
            case a.CheckBase():
                return [], lambda: self._check_base(state)
            case a.StartAttempt():
                return self._start_attempt(state, action)
            case a.Tell():
                return self._tell(state, action)
            case a.CollectWork():
                return [], self._of(action.task, action.attempt, lambda: self._collect(state, action))
            case a.CheckWork():
                return [], self._of(action.task, action.attempt, lambda: self._check_work(action))
            case a.EndAttempt() | a.CutShort() | a.Rule():
                return [], lambda: self._intervene(action)
            case a.BuildBatch() | a.CheckCandidate() | a.StopChecks() | a.FindPair() | a.DropLanding():
                return self._landings.begin(state, action)
            case a.CallLead() | a.TellLead() | a.EndLead():
                return self._leading.begin(state, action)
            case a.Publish():
                intents, publish = self._landings.begin(state, action)
                return intents, self._whole_effect(publish)  # never cut off between git and the log
            case a.Tidy() | a.GiveBack():
                return [], self._whole_effect(self._freeing(state, action))
            case _:
                return [], self._informing(state, action)

    def _freeing(self, state: RunState, action: a.Tidy | a.GiveBack) -> Effect:
        """The effects that let go of worktrees."""
        if isinstance(action, a.Tidy):
            return lambda: self._tidy(state, action)
        return self._aside("GiveBack", lambda: self._world.worktrees.remove(action.teammate))

    def _informing(self, state: RunState, action: a.Action) -> Effect:
        """The effects by which nothing changes."""
        match action:
            case a.Wake():
                return lambda: self._wait(action)
            case a.ReadLanding():
                assert self._probes is not None, "somebody is at work, so it was started"
                changed = self._probes.changed_by
                return self._aside(
                    "ReadLanding", lambda: read_landing(state, self._world, self._emit, action, changed)
                )
            case _:
                raise TypeError(f"no effect for {action!r}")

    def start(self, effect: Effect) -> None:
        """Run an effect in the background, owned by this executor until ``settle``."""
        task = self._beside(effect())
        if effect in self._uncut:
            self._uncut.discard(effect)
            self._whole.add(task)

    def _notice(self, task: asyncio.Task[None]) -> None:
        """An effect that breaks says so itself; one that does not is a bug, and the run must not hang."""
        del self._running[task]
        self._whole.discard(task)
        if not task.cancelled() and isinstance(problem := task.exception(), Exception):
            self._emit(e.StopRequested(reason=explain(problem)))

    def _whole_effect(self, effect: Effect) -> Effect:
        """Mark an effect that ``settle`` waits for instead of cutting it short."""
        self._uncut.add(effect)
        return effect

    def committed(self, record: e.Record) -> None:
        """A marker that is in the log needs its file no longer."""
        event = record.event
        self._leading.recorded(event)
        if self._plans is not None:
            self._plans.committed(event)
        if self._probes is not None:
            self._probes.recorded(event)
        self._noting.recorded(event)
        if isinstance(event, e.MarkerReceived | e.MarkerQuarantined):
            live = self._live.get((event.task, event.attempt))
            if live is not None and live.worktree is not None:
                accepted = isinstance(event, e.MarkerReceived)
                reason = "" if isinstance(event, e.MarkerReceived) else event.reason
                try:
                    self._world.markers.settle(live.worktree, event.name, accepted, reason)
                except OSError as problem:  # the log has it: the file is only in the way
                    log.warning("the marker %s is kept: %s", event.name, problem)
        elif isinstance(event, e.AttemptEnded):
            live = self._live.pop((event.task, event.attempt), None)
            if live is not None and live.worktree is not None and self._places[live.worktree] is live:
                del self._places[live.worktree]
        elif isinstance(event, e.RequestMade):
            self._settle_request(event.id)
        elif isinstance(event, e.RunFinished) and self._guarding is not None:
            self.start(self._whole_effect(self._aside("Guard", self._conclude)))

    def _settle_request(self, request: str) -> None:
        try:
            self._world.requests.settle(request)
        except OSError as problem:  # the log has it: the file is only in the way
            log.warning("the request %s is kept: %s", request, problem)

    def listen(self, state: RunState) -> None:
        """From now on take requests, and keep the plan's files up."""
        self._beside(self._listen(state))
        if self._world.plans is not None:
            self._plans = PlanView(state, self._world.plans, self._emit)
            self._whole.add(self._beside(self._plans.go()))  # it shows how the run ended

    async def _listen(self, state: RunState) -> None:
        try:
            async for requested in self._world.requests.watch():
                self._emit_request(state, requested)
        except Exception as problem:  # noqa: BLE001 - the run goes on; it can be stopped by a signal
            self._emit(failed("WatchRequests", problem))

    def _emit_request(self, state: RunState, requested: Requested) -> None:
        if requested.id in state.requests:  # taken by a process that died before it could clear it away
            self._world.requests.settle(requested.id)
        else:
            self._emit(e.RequestMade(id=requested.id, by=PERSON, request=requested.request))

    async def settle(self) -> None:
        """Stop watching, end what may be cut short, and wait for what must be whole."""
        if self._plans is not None:
            self._plans.close()
        if self._watching is not None:
            self._watching.cancel()
        for task in self._running:
            if task not in self._whole:
                task.cancel()
        pending = [*self._running, *([self._watching] if self._watching else [])]
        try:
            if pending:
                await asyncio.wait(pending)
        except asyncio.CancelledError:  # asked a second time: at once, and still nothing left behind
            for task in pending:
                task.cancel()
            await asyncio.wait(pending)
            raise
        finally:
            if self._guarding is not None:
                await self._guarding.aclose()

    def afterwards(self) -> list[e.Event]:
        """What became known when the run was over, and may follow its end."""
        return self._afterwards

    # -- looking after the repository ------------------------------------------------------------------

    def _guarded(self, state: RunState) -> Guarding | None:
        if self._guarding is None:
            self._guarding = guarding(state, self._world, self._emit)
        return self._guarding

    async def _look(self) -> None:
        if self._guarding is not None:
            await self._guarding.look(whole=True)

    async def _conclude(self) -> None:
        assert self._guarding is not None, "it is started where there is one"
        self._afterwards = await self._guarding.conclude()

    # -- guarding effects ------------------------------------------------------------------------------

    def _of(self, task: str, attempt: int, work: Callable[[], Coroutine[None, None, None]]) -> Effect:
        """An effect that belongs to an attempt: it ends with it, and its failure is the attempt's."""

        async def run() -> None:
            live = self._live.get((task, attempt))
            current = asyncio.current_task()
            if live is None or live.ended or live.interrupt or current is None:
                return  # an attempt that is cut short collects its work itself
            live.checks[current] = None
            try:
                await work()
            except Exception as problem:  # noqa: BLE001 - every failure of an effect becomes an event
                self._emit(failed("CheckWork", problem, task, attempt))
            finally:
                live.checks.pop(current, None)

        return run

    def _keep_whole(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self.start(self._whole_effect(self._aside("KeepNotes", work)))

    def _aside(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> Effect:
        """An effect that only informs: when it fails, that is noted and nothing else comes of it."""

        async def run() -> None:
            try:
                await work()
            except Exception as problem:  # noqa: BLE001 - every failure of an effect becomes an event
                self._emit(failed(name, problem))

        return run

    # -- the run -------------------------------------------------------------------------------------------

    async def _check_base(self, state: RunState) -> None:
        if (guarded := self._guarded(state)) is not None:
            guarded.open()
        gates = state.unproven(state.base_tree, () if state.settings.no_gates else state.settings.gates)
        try:
            verdicts = await self._world.gates.check(state.base, state.base_tree, gates) if gates else []
            if all(verdict.green for verdict in verdicts):
                await self._create_integration(state)
        except Exception as problem:  # noqa: BLE001 - every failure of an effect becomes an event
            self._emit(e.StopRequested(reason=explain(problem)))
            return
        self._emit(e.BaseChecked(verdicts=tuple(verdicts)))

    async def _create_integration(self, state: RunState) -> None:
        created = await self._world.git.move_ref(state.integration, state.base, None, "workbench: start")
        if not created and await self._world.git.tip(state.integration) != state.base:
            raise GitError(
                f"{state.integration} exists already and is not at {state.base[:10]}",
                "rename or delete that branch, or choose another --run-id",
            )

    async def _tidy(self, state: RunState, action: a.Tidy) -> None:
        # The run has had its last event: what is said now stands in its file for trouble.
        self._world.notices.heard_by(log.warning, anew=False)

        async def remove(name: str) -> None:
            for last in (False, True):  # what is in the way may be gone in a moment
                try:
                    await self._world.worktrees.remove(name)
                    return
                except (WorkbenchError, OSError) as problem:
                    if last:
                        log.warning("the worktree of %s is kept: %s", name, problem)

        done_with = [mate.name for mate in state.teammates.values() if mate.worktree]
        await asyncio.gather(*(remove(name) for name in done_with if name not in action.keep))

    async def _wait(self, action: a.Wake) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._beside(wait_over(action.hold, self._clock, self._emit))

    def _beside(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Something that goes on beside all effects, and ends with them."""
        task = asyncio.ensure_future(work)
        self._running[task] = None
        task.add_done_callback(self._notice)
        return task

    # -- attempts --------------------------------------------------------------------------------------------

    def _start_attempt(self, state: RunState, action: a.StartAttempt) -> Begun:
        going_on = action.why == "continued"  # in the worktree as it was left, which began back then
        start = state.attempts[action.task, action.attempt - 1].start if going_on else state.tip
        started = e.AttemptStarted.model_validate(
            {
                "task": action.task,
                "attempt": action.attempt,
                "teammate": action.teammate,
                "nonce": self._world.nonce(),
                "start": start,
                "why": action.why,
                "carry": action.carry,
                "session": action.session,
                "because": action.because,
            }
        )
        return [started], lambda: self._conduct(state, (action.task, action.attempt))

    async def _conduct(self, state: RunState, key: Key) -> None:
        if self._watching is None:
            self._probes = Probes(
                state, self._world.git, self._emit, lambda work: self.start(self._aside("Probe", work))
            )
            self._world.markers.follow(self._probes.moved)
            self._watching = asyncio.ensure_future(self._watch())
            self._beside(measure(state, self._world.room, self._emit))
        live = self._live[key] = LiveAttempt(
            state,
            state.attempts[key],
            self._world,
            self._emit,
            guarding=self._guarded(state),
            places=self._places,
        )
        try:
            await live.conduct()
        except Exception as problem:  # noqa: BLE001 - a bug of ours: what waits for its end must not hang
            self._emit(e.StopRequested(reason=explain(problem)))
            live.lost()

    async def _watch(self) -> None:
        """Give every marker to the attempt whose worktree it lies in."""
        try:
            async for dropped in self._world.markers.watch():
                if (live := self._places.get(dropped.worktree)) is not None:
                    live.receive(dropped)
        except Exception as problem:  # noqa: BLE001 - turns still end with a scan, so the run goes on
            self._emit(failed("WatchMarkers", problem))

    def _tell(self, state: RunState, action: a.Tell) -> Begun:
        agent = tools_of(state, state.attempts[action.task, action.attempt].teammate)
        text = self._world.briefs.render(f"tell/{action.kind}.md.j2", {"agent": agent, **action.values})
        told = e.Told.model_validate(
            {
                "task": action.task,
                "attempt": action.attempt,
                "kind": action.kind,
                "text": text,
                "message": action.message,
            }
        )
        messages = (action.message,) if action.message else ()
        letter = Letter(text, messages, unlocks=action.kind == "plan_approved")

        async def tell() -> None:
            if live := self._live.get((action.task, action.attempt)):
                try:
                    await live.tell(letter)
                except (WorkbenchError, OSError) as problem:  # its worktree is gone, or the disk is full
                    self._emit(failed("Tell", problem, action.task, action.attempt))

        return [told], tell

    async def _collect(self, state: RunState, action: a.CollectWork) -> None:
        attempt = state.attempts[action.task, action.attempt]
        await self._live[action.task, action.attempt].look_for_breach()  # collecting changes what it left
        pin = pin_of(state.run, attempt)
        title = state.tasks[action.task].spec.title
        work = await self._world.worktrees.collect(
            attempt.teammate, attempt.start, snapshot_message(attempt, title), pin
        )
        examination = await examined(state, self._world, attempt, work)
        self._emit(
            e.WorkCollected(
                task=action.task,
                attempt=action.attempt,
                commit=work.commit,
                tree=work.tree,
                changed=work.changed,
                snapshot=work.snapshot,
                pin=pin,
                unresolved=work.unresolved,
                weakened=await lost_tests(state, self._world, attempt, work.commit),
                files=await touched(self._world, attempt, work),
                touches=examination.touches,
                patch=examination.patch,
            )
        )

    async def _check_work(self, action: a.CheckWork) -> None:
        self._emit(e.CheckingStarted(task=action.task, commit=action.commit, gates=action.gates, alone=True))
        verdicts = await self._world.gates.check(action.commit, action.tree, action.gates)
        self._emit(
            e.WorkChecked(
                task=action.task, attempt=action.attempt, commit=action.commit, verdicts=tuple(verdicts)
            )
        )

    async def _intervene(self, action: a.EndAttempt | a.CutShort | a.Rule) -> None:
        live = self._live.get((action.task, action.attempt))
        if live is None:
            return
        match action:
            case a.EndAttempt():
                live.end(action.interrupt)
            case a.CutShort():
                live.cut_short(action.reason)
            case a.Rule():
                live.consultations.rule(action.key, Ruling(action.allowed, action.why))
