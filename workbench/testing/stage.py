"""A whole run on fakes: the real engine, its effects and a world without I/O, ready to go."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from workbench.core import events as e
from workbench.core.apply import apply, fold
from workbench.core.mail import PERSON
from workbench.core.models import RunSettings, Task
from workbench.core.requests import Request
from workbench.core.state import RunState
from workbench.engine.bus import Bus
from workbench.engine.effects import Effects
from workbench.engine.loop import Engine
from workbench.engine.ports import Agent, Store
from workbench.engine.recover import accounts
from workbench.engine.world import World
from workbench.testing.agents import ScriptedAgent
from workbench.testing.examiner import FakeExaminer
from workbench.testing.git import FakeGit
from workbench.testing.guard import FakeGuard
from workbench.testing.markers import MemoryMarkers
from workbench.testing.names import LineNames
from workbench.testing.notes import FakeNotes
from workbench.testing.playbook import INTEGRATION, started
from workbench.testing.resolver import FakeResolver
from workbench.testing.store import MemoryStore, PlainBriefs
from workbench.testing.worktrees import FakeGates, FakeWorktrees


@dataclass
class Stage:
    """One repository, one run ``r`` of ``tasks``. Change the fakes, then ``run`` it.

    ``engine`` is the current process's; ``records`` what it published.
    """

    tasks: Sequence[Task]
    settings: RunSettings
    files: dict[str, str] = field(default_factory=lambda: {"README": "sample\n"})
    store: Store = field(default_factory=MemoryStore)
    engine: Engine = field(init=False)
    records: list[e.Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.git = FakeGit()
        self.base = self.git.add(self.files)
        self.markers = MemoryMarkers()
        self.worktrees = FakeWorktrees(self.git)
        self.gates = FakeGates(self.git)
        self.agent = ScriptedAgent(self.worktrees, self.markers)
        self.agent.continues = self.settings.continues
        self.briefs = PlainBriefs()
        self.resolver = FakeResolver()
        self.guard = FakeGuard(self.git)
        self.notes = FakeNotes()
        serial = itertools.count(1)
        self.world = World(
            git=self.git, worktrees=self.worktrees, gates=self.gates,
            agent=self.agent, markers=self.markers, briefs=self.briefs, resolver=self.resolver,
            names=LineNames(), environment={}, guard=self.guard, notes=self.notes,
            nonce=lambda: f"nonce-{next(serial)}", examiner=FakeExaminer(self.git),
        )  # fmt: skip
        self._open(RunState())

    def _open(self, state: RunState) -> None:
        self.git.written.clear()  # another process does not know what this one wrote
        self.bus = Bus()
        self.bus.listen(self.records.append)
        clock = itertools.count(1)
        self.engine = Engine("r", state, self.store, self.bus, clock=lambda: float(next(clock)))
        self.effects = Effects(self.world, self.engine.emit, self.engine.clock)

    def use(self, agent: Agent) -> None:
        """Put another kind of agent in place of the scripted one, before the run starts."""
        self.world = replace(self.world, agent=agent)
        self._open(RunState())

    async def run(self) -> RunState:
        """Run from the start until the run is over or stopped."""
        first = started(self.tasks, self.settings, self.base)
        tree = await self.git.tree_of(self.base)
        environment = self.gates.environment()
        self.engine.emit(first.model_copy(update={"base_tree": tree, "environment": environment}))
        return await self.engine.go(self.effects)

    async def resume(self, *meanwhile: Request) -> RunState:
        """Take the run up again from what the store holds, as a new process does, which first takes what a
        person had asked for ``meanwhile``."""
        state = fold(self.store.read("r"))
        state.run = "r"
        self.git.written.clear()  # a process knows of its own writes only
        async for event in accounts(state, self.world):
            record = e.Record(state.seq + 1, 0.0, event)
            apply(state, record)
            await self.store.append("r", [record])
        self._open(state)
        for number, request in enumerate(meanwhile, state.seq):
            self.engine.emit(e.RequestMade(id=f"{number:08x}", by=PERSON, request=request))
        self.engine.emit(e.RunResumed(pid=1))
        return await self.engine.go(self.effects)

    def on(self, kind: type[e.Event], act: Callable[[e.Record], None]) -> None:
        """Call ``act`` with the first published record of ``kind``, once."""

        def listener(record: e.Record) -> None:
            if isinstance(record.event, kind):
                end()
                act(record)

        end = self.bus.listen(listener)

    def landed_files(self) -> dict[str, str]:
        """What the integration branch holds now."""
        return self.git.files(self.git.refs[INTEGRATION])

    def types(self) -> list[str]:
        """The types of all logged records, in order."""
        return [record.type for record in self.store.read("r")]
