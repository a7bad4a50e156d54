"""The soak: many short tasks, while teammates and the orchestrator itself are killed at random.

    outcome = chaos(Soak(tasks=500, team=8, seed=1), folder, tell)
    outcome.lost, outcome.memory

What comes of it is known beforehand, file by file, so that anything that is lost shows.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from workbench.adapters.git.sample import make_repository
from workbench.adapters.processes import carrying
from workbench.bench.sweep.checks import BRANCH, Reference, broken, tree_of
from workbench.bench.sweep.plan import Subject
from workbench.bench.sweep.world import RUN, World
from workbench.core.events import AttemptStarted
from workbench.errors import SetupError
from workbench.testing.proofs import belongings

SHARED = 25
"""So many tasks change one line of a common file; every fifth task is one of them."""

AGENT_SECONDS = (0.2, 1.2)
"""Between two kills of teammates; seconds, drawn evenly."""

ORCHESTRATOR_SECONDS = (2.5, 7.0)
"""How long an orchestrator lives before it is killed."""

STARTS_SECONDS = 1.0
"""A process that is younger is still importing: its memory tells nothing."""

SAMPLE_SECONDS = 0.1

STANDS_STILL = 240.0
"""Seconds without any event after which it is said that nothing goes on any more."""

GATE = "if grep -rqE '^(<<<<<<<|>>>>>>>)' work shared; then exit 1; fi\n"


@dataclass(frozen=True)
class Soak:
    """How much: ``seconds`` is the longest that a task works."""

    tasks: int
    team: int
    seed: int
    seconds: float = 0.4


@dataclass
class Outcome:
    """What was done to it, and what came of it. ``lost`` has a sentence for all that did not hold;
    ``memory`` are the medians of the orchestrator's in the first and last quarter, in bytes."""

    agents: int = 0
    orchestrators: int = 0
    landed: int = 0
    attempts: int = 0
    seconds: float = 0.0
    memory: tuple[float, float] = (0.0, 0.0)
    lost: list[str] = field(default_factory=list)


Tell = Callable[[str], None]


def chaos(soak: Soak, folder: Path, tell: Tell) -> Outcome:
    """Run it to its end in ``folder``. Raises SetupError when nothing goes on any more."""
    world, subject = _prepared(soak, folder)
    wanted = _wanted(soak, world, folder / "wanted")
    outcome = Outcome()
    began = time.monotonic()
    _Storm(soak, world, subject, outcome, tell).rage()
    outcome.seconds = round(time.monotonic() - began, 1)
    outcome.lost += broken(world, subject, wanted)
    state = world.run_state()
    outcome.landed = len(state.standing) if state else 0
    outcome.attempts = sum(isinstance(it.event, AttemptStarted) for it in world.records())
    return outcome


# -- what is run --------------------------------------------------------------------------------------


def _words(number: int) -> dict[str, str]:
    """The words that a task adds, by file."""
    own = {f"work/task-{number}.txt": f"w{number}"}
    return own | ({f"shared/part-{number // (SHARED * 5)}.txt": f"w{number}"} if number % 5 == 0 else {})


def _prepared(soak: Soak, folder: Path) -> tuple[World, Subject]:
    dice = random.Random(soak.seed)  # noqa: S311 - nothing here is secret
    world = World(folder / "world")
    for number in range(1, soak.tasks + 1):
        for name in _words(number):
            path = world.repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.startswith("shared/"):
                path.write_text("none\n", encoding="utf-8")
    (world.repo / "work").mkdir(exist_ok=True)
    (world.repo / "work" / "README").write_text("One file for each task.\n", encoding="utf-8")
    (world.repo / "shared").mkdir(exist_ok=True)
    (world.repo / "shared" / "README").write_text("Files of several tasks.\n", encoding="utf-8")
    (world.repo / "gate.sh").write_text(GATE, encoding="utf-8")
    asyncio.run(make_repository(world.repo, "base"))
    names = tuple(f"task-{number}" for number in range(1, soak.tasks + 1))
    heads = [f"### {name}: Add a word\n\nAdd it.\n" for name in names]
    (folder / "plan.md").write_text(f"# Soak\n\n## Tasks\n\n{chr(10).join(heads)}", encoding="utf-8")
    tasks = {
        name: {"words": _words(number), "seconds": round(dice.uniform(0, soak.seconds), 3)}
        for number, name in enumerate(names, 1)
    }
    (folder / "work.json").write_text(json.dumps({"tasks": tasks}), encoding="utf-8")
    subject = Subject(world.repo, folder / "plan.md", folder / "work.json", names, exact=True)
    return world, subject


def _wanted(soak: Soak, world: World, scratch: Path) -> Reference:
    """The tree that must come of it, made by hand."""
    theirs = belongings(world.repo)
    found: dict[str, set[str]] = {}
    for number in range(1, soak.tasks + 1):
        for name, word in _words(number).items():
            found.setdefault(name, set()).add(word)
    _git(world.repo, "clone", "-q", "--no-hardlinks", str(world.repo), str(scratch))
    for name, words in found.items():
        (scratch / name).write_text(f"{'_'.join(sorted(words))}\n", encoding="utf-8")
    _git(scratch, "add", "-A")
    tree = tree_of(scratch, _git(scratch, "write-tree"))
    return Reference(BRANCH, tree, frozenset(f"task-{number}" for number in range(1, soak.tasks + 1)), theirs)


def _git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout.strip()


# -- what strikes -------------------------------------------------------------------------------------


@dataclass
class _Storm:
    """One orchestrator after the other, until the run is over."""

    soak: Soak
    world: World
    subject: Subject
    outcome: Outcome
    tell: Tell
    memory: list[float] = field(default_factory=list)
    patience: float = 1.0  # lives get longer until one comes to something: no machine is too slow

    def __post_init__(self) -> None:
        self._dice = random.Random(self.soak.seed)  # noqa: S311 - nothing here is secret

    def rage(self) -> None:
        """Raises SetupError when the log stands still for long."""
        heard, seen, before = time.monotonic(), 0, 0
        while True:
            killed, code, said = self._life()
            state = self.world.run_state()
            if state is not None and state.over_for_good and not killed:
                break
            if not killed and (code not in (0, 1, 2) or "Traceback" in said):
                self.outcome.lost.append(f"the orchestrator ended by itself with {code}: {said[-500:]}")
            now, landed = (state.seq, len(state.standing)) if state else (0, 0)
            self.patience = 1.0 if landed > before else self.patience * 1.5
            before = landed
            heard, seen = (time.monotonic(), now) if now > seen else (heard, seen)
            if time.monotonic() - heard > STANDS_STILL:
                raise SetupError(f"nothing goes on any more: {said[-800:]}")
            self.tell(
                f"{landed} of {self.soak.tasks} landed; {self.outcome.agents} teammates and "
                f"{self.outcome.orchestrators} orchestrators killed"
            )
        quarter = max(1, len(self.memory) // 4)
        if self.memory:
            first, last = self.memory[:quarter], self.memory[-quarter:]
            self.outcome.memory = (statistics.median(first), statistics.median(last))

    def _life(self) -> tuple[bool, int, str]:
        """An orchestrator from its start to its death: whether it was killed, its code, what it said."""
        world = self.world
        if world.run_state() is None:
            words = ["run", str(self.subject.plan), "--run-id", RUN, "--yes", "--headless"]
            words += ["--agent", self.subject.agent(world.ledger), "--gate", "sh gate.sh"]
            words += ["--team", str(self.soak.team)]
        else:
            words = ["resume", RUN, "--headless"]
        with (world.folder / "said").open("w+b") as said:
            process = world.start(*words, said=said, WORKBENCH_ATTEMPTS="20")
            killed = self._strike(process)
            said.seek(0)
            return killed, process.returncode, said.read().decode("utf-8", "replace")

    def _strike(self, process: psutil.Popen) -> bool:
        """Kill teammates, and then the orchestrator, unless it ends first."""
        began = time.monotonic()
        death = began + self._dice.uniform(*ORCHESTRATOR_SECONDS) * self.patience
        strike = began + self._dice.uniform(*AGENT_SECONDS) * self.patience
        while True:
            with suppress(psutil.TimeoutExpired):
                process.wait(SAMPLE_SECONDS)
                return False
            now = time.monotonic()
            if now - began > STARTS_SECONDS:
                with suppress(psutil.Error):
                    self.memory.append(float(process.memory_info().rss))
            if now >= strike:
                strike = now + self._dice.uniform(*AGENT_SECONDS) * self.patience
                self._kill_somebody()
            if now >= death:
                process.kill()
                process.wait()
                self.outcome.orchestrators += 1
                return True

    def _kill_somebody(self) -> None:
        """One process of one teammate, chosen by lot."""
        teammates = []
        for process in carrying(("WORKBENCH_STATE", str(self.world.state))):
            with suppress(psutil.Error):
                if "WORKBENCH_TASK" in process.environ():
                    teammates.append(process)
        if teammates:
            with suppress(psutil.Error):
                self._dice.choice(teammates).kill()
                self.outcome.agents += 1
