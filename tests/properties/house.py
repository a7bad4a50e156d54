"""A whole run on real git, real worktrees and a real log: the engine as it is, with scripted teammates and
gates that are functions of a tree."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.properties.histories import Tree
from tests.properties.teammates import Feature, Hands, Ledger
from workbench.adapters.git.guard import RepositoryGuard
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository
from workbench.adapters.git.worktrees import Worktrees
from workbench.adapters.store.sqlite import SqliteStore
from workbench.adapters.structure.resolver import StructuralResolver
from workbench.composition.names import SourceNames
from workbench.core import events as e
from workbench.core.apply import apply, fold
from workbench.core.models import Plan, RunSettings, Task, Verdict
from workbench.core.state import RunState
from workbench.engine.bus import Bus
from workbench.engine.effects import Effects
from workbench.engine.loop import Engine
from workbench.engine.recover import accounts
from workbench.engine.world import World
from workbench.testing.markers import MemoryMarkers
from workbench.testing.store import PlainBriefs

RUN = "r"
INTEGRATION = f"refs/heads/workbench/{RUN}/integration"
ENVIRONMENT = "as drawn"
PATIENCE = 120.0
"""Seconds after which a run that is not over is said to hang."""


@dataclass(frozen=True)
class Score:
    """One drawn run. ``clashes`` are sets of tasks that are red together; ``flaky`` seeds gates that are
    red by mistake, each at most once on a tree. ``slow`` is how many seconds a candidate's gate
    takes: work queues up meanwhile, and batches are large."""

    ground: Tree
    tasks: tuple[Task, ...]
    features: Mapping[str, Feature]
    clashes: tuple[frozenset[str], ...] = ()
    team: int = 2
    batch: int = 8
    attempts: int = 3
    continues: bool = False
    flaky: int | None = None
    slow: float = 0.0

    @property
    def settings(self) -> RunSettings:
        return RunSettings(
            team=("ada", "bob", "cleo")[: self.team], agent="command:none", gates=("check",),
            batch=self.batch, attempts=self.attempts, continues=self.continues, on_guarded="allow",
        )  # fmt: skip

    def green(self, gate: str, words: frozenset[str]) -> bool:
        """The verdict of ``gate`` on a tree with these ``words``: the truth that every claim is held to.
        A task's own gate wants the task's work to be there."""
        if gate.startswith("own "):
            task = gate.removeprefix("own ")
            return bool(words & {f"token-{task}", f"quiet-{task}"})
        loud = {word.removeprefix("token-") for word in words if word.startswith("token-")}
        broken = any(word.startswith(("broken-", "<<<<<<<")) for word in words)
        return not broken and not any(clash <= loud for clash in self.clashes)


def words_in(repo: Path, tree: str) -> frozenset[str]:
    """What gates see of a tree."""
    pattern = r"(token|quiet|broken)-[a-z]+|^<<<<<<< "
    command = ["git", "grep", "-a", "-h", "-o", "-E", pattern, tree]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False, errors="replace")
    assert done.returncode in (0, 1), done.stderr
    return frozenset(line.strip() for line in done.stdout.splitlines())


@dataclass
class DrawnGates:
    """``engine.ports.Gates`` by ``Score.green``. What they were wrong about is kept in the file ``lied``,
    so that the next process is not wrong about it again."""

    repo: Path
    score: Score
    lied: Path

    async def check(
        self, commit: str, tree: str, commands: Sequence[str], urgent: bool = False
    ) -> list[Verdict]:
        verdicts: list[Verdict] = []
        if urgent and self.score.slow:
            await asyncio.sleep(self.score.slow)  # what a gate takes; nothing waits for this
        words = await asyncio.to_thread(words_in, self.repo, tree)
        for command in commands:
            green = self.score.green(command, words) and not self._lies(tree, command)
            verdicts.append(
                Verdict(
                    tree=tree, gate=command, environment=ENVIRONMENT, green=green, seconds=0.0,
                    output="" if green else f"{command} is red", exit_code=0 if green else 1,
                )
            )  # fmt: skip
            if not green:
                break
        return verdicts

    def _lies(self, tree: str, gate: str) -> bool:
        if self.score.flaky is None:
            return False
        lies = hashlib.sha1(f"{self.score.flaky} {gate} {tree}".encode()).digest()[0] % 4 == 0
        before = self.lied.read_text().splitlines() if self.lied.exists() else []
        if not lies or f"{tree} {gate}" in before:
            return False
        self.lied.write_text("\n".join([*before, f"{tree} {gate}"]))
        return True

    def environment(self) -> str:
        return ENVIRONMENT


Pass = Callable[[str], None]
"""Told each time something of the world is about to be done, or was."""


class Watched:
    """A port of which every coroutine passes a point before and after."""

    def __init__(self, port: object, name: str, at: Pass) -> None:
        self._port, self._name, self._at = port, name, at

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(real):
            return real

        async def watched(*args: Any, **named: Any) -> Any:
            self._at(f"before {self._name}.{name}")
            answer = await real(*args, **named)
            self._at(f"after {self._name}.{name}")
            return answer

        return watched


def unwatched(point: str) -> None:
    """Nobody looks."""


@dataclass
class House:
    """One repository in ``root`` and one run in it, through as many processes as that takes."""

    root: Path
    score: Score
    base: str

    @property
    def repo(self) -> Path:
        return self.root / "repo"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.root / "ledger")

    @contextmanager
    def log(self) -> Iterator[SqliteStore]:
        store = SqliteStore(self.root / "events.db")
        try:
            yield store
        finally:
            store.close()

    def records(self) -> list[e.Record]:
        with self.log() as store:
            return store.read(RUN)

    async def go(
        self, at: Pass = unwatched, on: Callable[[Engine, e.Record], None] = lambda engine, record: None
    ) -> RunState:
        """Start the run, or take it up again, and work until it is over, stopped or broken off."""
        repository = await open_repository(self.repo)
        git = Plumbing(repository)
        trees = Worktrees(repository, git, self.root / "trees", RUN)
        markers = MemoryMarkers()
        hands = Hands(dict(self.score.features), markers, self.ledger, self.score.continues)
        gates = DrawnGates(self.repo, self.score, self.root / "lied")
        serial = itertools.count(1)
        began = len(self.records())
        world = World(
            git=Watched(git, "git", at), worktrees=Watched(trees, "worktrees", at),
            gates=gates, agent=hands, markers=markers, briefs=PlainBriefs(),
            resolver=StructuralResolver(), names=SourceNames(), environment={},
            nonce=lambda: f"nonce-{began}-{next(serial)}", guard=RepositoryGuard(repository, git, RUN),
        )  # fmt: skip
        try:
            with self.log() as store:
                return await self._play(store, world, hands, at, on)
        finally:
            await trees.aclose()
            await git.aclose()

    async def _play(
        self,
        store: SqliteStore,
        world: World,
        hands: Hands,
        at: Pass,
        on: Callable[[Engine, e.Record], None],
    ) -> RunState:
        state = fold(store.read(RUN))
        state.run = RUN
        bus = Bus()
        first: e.Event = await self._started(world)
        if state.outcome not in (None, "stopped"):
            return state
        if state.seq:
            first = e.RunResumed(pid=1)
            if not state.finished:
                async for event in accounts(state, world):
                    record = e.Record(state.seq + 1, 0.0, event)
                    apply(state, record)
                    await store.append(RUN, [record])
        engine = Engine(RUN, state, Watched(store, "store", at), bus)

        def listen(record: e.Record) -> None:
            if isinstance(record.event, e.WorkCollected):
                hands.collected(record.event.task, record.event.attempt)
            on(engine, record)

        bus.listen(listen)
        engine.emit(first)
        running = asyncio.ensure_future(engine.go(Effects(world, engine.emit)))
        try:
            over, _ = await asyncio.wait({running}, timeout=PATIENCE)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        assert over, f"the run hangs after {[r.type for r in store.read(RUN)][-12:]}"
        return running.result()

    async def _started(self, world: World) -> e.RunStarted:
        return e.RunStarted(
            plan=Plan(title="Drawn", tasks=self.score.tasks), plan_text="", plan_sha256="0",
            plan_path="plan.md", settings=self.score.settings, base=self.base,
            base_tree=await world.git.tree_of(self.base), target="main",
            integration=INTEGRATION, environment=ENVIRONMENT,
        )  # fmt: skip
