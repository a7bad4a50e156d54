"""One process of the orchestrator: from its start, or from the log that another left, to however it ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Protocol

from workbench.core import events as e
from workbench.core.apply import apply, fold
from workbench.core.mail import PERSON, Message
from workbench.core.requests import OF_THE_MOMENT, Answer
from workbench.core.state import RunState
from workbench.engine.bus import Bus
from workbench.engine.effects import Effects
from workbench.engine.loop import Engine
from workbench.engine.ports import Seat
from workbench.engine.recover import accounts
from workbench.engine.world import World
from workbench.errors import GitError, StoreError
from workbench.testing.clock import Clock, VirtualLoop
from workbench.testing.examiner import FakeExaminer
from workbench.testing.faults import FaultyMarkers, FaultyStore, Life, Roughnecks, Weather, faulty
from workbench.testing.faults.agents import sound
from workbench.testing.faults.leads import RoughLead
from workbench.testing.git import Files
from workbench.testing.markers import MemoryMarkers
from workbench.testing.names import LineNames
from workbench.testing.notes import FakeNotes
from workbench.testing.requests import MemoryRequests
from workbench.testing.resolver import FakeResolver
from workbench.testing.store import MemoryStore
from workbench.testing.transcripts import Transcripts
from workbench.testing.worktrees import FakeCheckouts, FakeGates, FakeWorktrees

RUN = "r"
FOUL = (GitError, OSError, StoreError)
"""What the weather may end a process with; anything else that comes out of one is a bug."""

ROUNDS = 20
GATE_SECONDS = 120.0


class Machine(Protocol):
    """What outlives a process: disk, clock, weather."""

    clock: Clock
    weather: Weather
    store: MemoryStore
    worktrees: FakeWorktrees
    markers: MemoryMarkers
    resolver: FakeResolver
    requests: MemoryRequests
    transcripts: Transcripts
    notes: FakeNotes
    first: e.RunStarted
    nonces: itertools.count[int]
    large: bool


class _Brief:
    """``engine.ports.Briefs`` that says no more than what it is: nobody here reads it, and it is long."""

    def render(self, name: str, values: Mapping[str, object]) -> str:
        return name


class Process:
    """The ``number``-th process of a run. ``state`` is what it knew when it ended, ``agents`` its teammates;
    ``listen`` hears every record that it published."""

    def __init__(self, machine: Machine, number: int, listen: Callable[[e.Record], None]) -> None:
        self.machine, self.number, self._listen = machine, number, listen
        self.loop = VirtualLoop(machine.clock)
        self.life = Life(machine.weather, self.loop)
        self.engine: Engine | None = None
        self.state: RunState | None = None
        self.left = ""
        self.main: asyncio.Task[None]
        self.agents: Roughnecks
        self.lead: RoughLead

    def live(self) -> str:
        """Run it to its end, which is told: over, cancelled, killed, or what it failed with. ``left`` says
        which of its tasks were still there; those of a killed process are ended without any effect."""
        try:
            self.main = self.loop.create_task(self._main())
            self.main.add_done_callback(self._stop)
            self.loop.run_forever()
            how = self._how()
            if not self.life.dead and asyncio.all_tasks(self.loop):
                self.left = self.loop.waiting()
            return how
        finally:
            self._bury()

    def _bury(self) -> None:
        clock = self.machine.clock
        moment, dawn = clock.ticks, clock.dawn
        self.life.dead = True
        try:
            self.loop.run_until_complete(self._drained())
        finally:
            self.loop.close()
            clock.ticks, clock.dawn = moment, dawn

    def _stop(self, main: asyncio.Task[None]) -> None:
        if not self.life.dead:
            self.loop.stop()

    def _how(self) -> str:
        if self.life.dead:
            return "killed"
        if self.main.cancelled():
            return "cancelled"
        problem = self.main.exception()
        if problem is None:
            return "over"
        if isinstance(problem, FOUL):
            return f"failed: {problem}"
        raise problem

    async def _drained(self) -> None:
        """End what is left of a process that is gone, so that nothing of it is ever heard of again."""
        for _ in range(ROUNDS):
            mine = asyncio.all_tasks() - {asyncio.current_task()}
            if not mine:
                break
            for task in mine:
                task.cancel()
            await asyncio.wait(mine, timeout=1.0)
        if self.main.done() and not self.main.cancelled():
            self.main.exception()
        await self.loop.shutdown_asyncgens()

    # -- what a process does -------------------------------------------------------------------------

    async def _main(self) -> None:
        machine = self.machine
        machine.requests = machine.requests.reopened()
        store = FaultyStore(machine.store, self.life)
        world = self._world()
        bus = Bus()
        bus.listen(self._listen)
        bus.listen(self._asked)
        log = store.read(RUN)
        if not log:
            self.engine = Engine(RUN, RunState(), store, bus, machine.clock.now)
            self.engine.emit(machine.first)
        else:
            state = fold(log)
            state.run = RUN
            async with aclosing(accounts(state, world)) as came:
                async for event in came:
                    record = e.Record(state.seq + 1, machine.clock.now(), event)
                    apply(state, record)
                    await store.append(RUN, [record])
                    self._listen(record)
            budget = state.settings.budget_usd
            self.engine = Engine(RUN, state, store, bus, machine.clock.now)
            more = budget if budget is None or state.cost_usd < budget else state.cost_usd + 1.0
            for it in list(machine.requests.lying.values()):
                if isinstance(it.request, OF_THE_MOMENT):  # it was asked of the process before
                    machine.requests.settle(it.id)
            if state.finished:
                for it in machine.requests.scan():
                    if it.id not in state.requests:
                        self.engine.emit(e.RequestMade(id=it.id, by=PERSON, request=it.request))
            self.engine.emit(e.RunResumed(pid=self.number, budget_usd=more))
        self.state = self.engine.state
        effects = Effects(world, self.engine.emit, self.engine.clock)
        effects.listen(self.state)
        await self.engine.go(effects)

    def _asked(self, record: e.Record) -> None:
        """Somebody wants a person's word, and gets it some time, or not."""
        if isinstance(record.event, e.MessageSent) and record.event.message.asks:
            wait = 2_000.0 * self.machine.weather.dice.random()
            self.loop.call_later(wait, self._answer, record.event.message)

    def _answer(self, message: Message) -> None:
        dice = self.machine.weather.dice
        if not self.life.dead and dice.random() < 0.6:
            decision = dice.choice(("yes", "yes", "no"))
            answer = Answer.model_validate({"message": message.id, "decision": decision, "text": "so"})
            self.machine.requests.leave(answer)

    def _world(self) -> World:
        machine, life = self.machine, self.life
        markers = FaultyMarkers.of(machine.markers, life)
        git = machine.worktrees.git
        continues = machine.first.settings.continues
        self.agents = Roughnecks(
            machine.weather,
            life,
            machine.worktrees,
            markers,
            continues,
            machine.clock.now,
            machine.transcripts,
        )
        self.lead = RoughLead(machine.weather, life, machine.transcripts, machine.clock.now)
        return World(
            git=faulty(git, "git", life),
            worktrees=faulty(machine.worktrees, "worktrees", life),
            gates=faulty(FakeGates(git, self._judge), "gates", life, GATE_SECONDS),
            agent=self.agents,
            markers=markers,
            briefs=_Brief(),
            resolver=machine.resolver,
            names=LineNames(),
            environment={},
            notes=faulty(machine.notes, "notes", life),
            nonce=lambda: f"nonce-{next(machine.nonces)}",
            seat=Seat(self.lead, FakeCheckouts(), {}),
            requests=machine.requests,
            examiner=faulty(FakeExaminer(git), "examiner", life),
        )

    def _judge(self, command: str, files: Files) -> bool:
        weather = self.machine.weather
        return sound(command, files) and not weather.chance(weather.trouble.flake)
