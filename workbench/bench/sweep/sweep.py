"""One fault after another, and after each: go on, then look."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from workbench.bench.sweep.checks import BRANCH, Reference, broken, reference
from workbench.bench.sweep.faults import Injection, Passing, chosen, passings, struck
from workbench.bench.sweep.plan import Subject
from workbench.bench.sweep.world import RUN, Ended, World, identity
from workbench.errors import SetupError, UsageError
from workbench.testing.proofs import belongings

GOES_ON = 8
"""How often a stage is taken up again before it is said that it never ends."""

AT_ONCE = 2
"""Worlds in which something runs at the same time."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """What came of one injection. ``struck`` are the points at which its orders struck, one for each that
    came to it before the stage was over; ``lost`` has a sentence for all that did not hold; ``commands``
    were given until it was over."""

    injection: Injection
    struck: tuple[str, ...]
    lost: tuple[str, ...]
    seconds: float
    commands: int = 1

    @property
    def untouched(self) -> bool:
        """Whether the stage was over with its first command, before the fault's turn came."""
        return not self.struck and self.commands == 1


@dataclass
class Stage:
    """One command, from a world in which it can be given: ``words``, and ``again`` to go on after a fault."""

    name: str
    before: World
    words: tuple[str, ...]
    again: tuple[str, ...]
    passed: list[Passing] = field(default_factory=list)
    wanted: Reference | None = None


class Sweep:
    """A subject and the stages it goes through: ``run``, then where they are possible ``undo`` and ``land``.

    ``folder`` holds everything and may be deleted afterwards. Raises SetupError when an untouched run does
    not land everything.
    """

    def __init__(self, subject: Subject, folder: Path, tell: Tell) -> None:
        self.subject, self.folder, self._tell = subject, folder, tell
        self.stages: dict[str, Stage] = {}
        self._count = 0

    def prepare(self) -> None:
        """Run untouched once, stage by stage: what is passed, and what comes of it."""
        before = World(self.folder / "before-run")
        before.folder.mkdir(parents=True)
        self.subject.repo.rename(before.repo)
        run = ("run", str(self.subject.plan), "--run-id", RUN, "--yes", "--headless", *self.subject.options)
        after = self._untouched(Stage("run", before, run, ("resume", RUN, "--headless")))
        if undo := self.subject.undo:
            words = ("undo", undo, "--run", RUN)
            after = self._untouched(Stage("undo", after, words, words))
        self._user_commits(after)
        self._untouched(Stage("land", after, ("land", RUN), ("land", RUN)))

    def _untouched(self, stage: Stage) -> World:
        world = stage.before.copied(self._new())
        theirs = None if stage.name == "land" else belongings(world.repo)
        self._tell(f"{stage.name}: untouched")
        began = time.monotonic()
        trace = world.folder / "trace"
        ended = self._first(stage, world, trace=trace)
        state = world.run_state()
        if ended.code or state is None or (stage.name == "run" and state.outcome != "landed"):
            raise SetupError(
                f"Undisturbed, `workbench {stage.name}` of this plan ended with {ended.code}:\n"
                f"{ended.said[-1500:]}",
                "A sweep needs a plan of which every task lands.",
            )
        stage.passed = passings(trace)
        trace.unlink()
        stage.wanted = reference(world, state.target if theirs is None else BRANCH, theirs)
        self.stages[stage.name] = stage
        if lost := broken(world, self.subject, stage.wanted):
            raise SetupError(f"Undisturbed, `workbench {stage.name}` left this behind: {'; '.join(lost)}")
        names = len({it.name for it in stage.passed})
        self._tell(
            f"{stage.name}: {len(stage.passed)} crash points of {names} names, "
            f"{time.monotonic() - began:.1f} s"
        )
        return world

    def _first(self, stage: Stage, world: World, order: str = "", trace: Path | None = None) -> Ended:
        agent = ("--agent", self.subject.agent(world.ledger)) if stage.name == "run" else ()
        return world.workbench(*stage.words, *agent, order=order, trace=trace)

    def _user_commits(self, world: World) -> None:
        """The target moves, so that landing on it takes a merge and its gates."""
        (world.repo / "by-the-user.txt").write_text("meanwhile\n", encoding="utf-8")
        for words in (("add", "by-the-user.txt"), ("commit", "-q", "--no-verify", "-m", "meanwhile")):
            command = ["git", "-C", str(world.repo), *words]
            subprocess.run(command, check=True, capture_output=True, env=os.environ | identity())

    def _new(self) -> Path:
        self._count += 1
        return self.folder / f"world-{self._count}"

    # -- faults ------------------------------------------------------------------------------------------

    def injections(self, kinds: Sequence[str], every: int) -> list[Injection]:
        """The faults to be tried: see ``faults.chosen``."""
        return [
            injection
            for stage in self.stages.values()
            for injection in chosen(stage.name, stage.passed, kinds, every)
        ]

    def in_turn(self, stage: str, kinds: Sequence[str], first: int = 1, step: int = 1) -> Iterator[Found]:
        """Strike a stage at its n-th passing, whatever the name, for n = first, first + step, … until one is
        left untouched because it passes fewer than n: that one is given last.

        ``kinds`` take turns by n. With an error, only passings at which a call can fail are counted. ``step``
        runs of this, from 1 to ``step``, strike at every n between them; nobody needs to know how many.
        """
        for n in count(first, step):
            found = self.strike(Injection(stage, f"{kinds[n % len(kinds)]}:{n}", number=n))
            yield found
            if found.untouched:
                return

    def try_all(self, injections: Sequence[Injection], seen: Callable[[Found], None]) -> list[Found]:
        """Try each in a world of its own, a few at once; ``seen`` hears of each as it is over."""
        found: list[Found] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for future in as_completed([pool.submit(self.strike, it) for it in injections]):
                found.append(future.result())
                seen(found[-1])
        return found

    def strike(self, injection: Injection) -> Found:
        """Let one fault strike, go on until the stage is over, and look. Raises UsageError for a stage that
        there is none of."""
        stage = self.stages.get(injection.stage)
        if stage is None or stage.wanted is None:
            raise UsageError(
                f"There is no stage {injection.stage} here.", f"There are {', '.join(self.stages)}."
            )
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as folder:
            world = stage.before.copied(Path(folder) / "w")
            try:
                hit, lost, commands = self._through(stage, world, injection)
                lost += broken(world, self.subject, stage.wanted)
            finally:
                world.remove()
        return Found(injection, tuple(hit), tuple(lost), round(time.monotonic() - began, 2), commands)

    def _through(self, stage: Stage, world: World, injection: Injection) -> tuple[list[str], list[str], int]:
        """Give the command, and what goes on after it, until it is over: where orders struck, what was wrong
        on the way, and how many commands it took."""
        hit: list[str] = []
        lost: list[str] = []
        orders = [injection.order, *injection.then]
        for number in range(len(orders) + GOES_ON):
            order = orders[number] if number < len(orders) else ""
            trace = world.folder / f"trace-{number}"
            if world.run_state() is None:
                ended = self._first(stage, world, order, trace)
            else:
                words = stage.again if number else stage.words
                ended = world.workbench(*words, order=order, trace=trace)
            hit += struck(trace)
            lost += _judged(ended, order.partition(":")[0])
            if self._over(stage, world, ended):
                return hit, lost, number + 1
        return hit, [*lost, f"not over after {GOES_ON} times: {ended.said[-400:]}"], number + 1

    def _over(self, stage: Stage, world: World, ended: Ended) -> bool:
        """Whether nothing is left to do: by the log for a run, for the others by how the command ended."""
        state = world.run_state()
        if stage.name == "run":
            again = ended.words == stage.again  # it clears away what is left when the run was over already
            done = state is not None and state.over_for_good
            return done and (ended.code in (0, 1) or (again and ended.code == 2))
        done = state is not None and not state.undoing and any(
            it.reversal.task == self.subject.undo for it in state.undone
        )  # fmt: skip
        return ended.code == 0 or (stage.name == "undo" and done and ended.code == 2)


def _judged(ended: Ended, kind: str) -> list[str]:
    """What is wrong with how a command ended."""
    command = f"`workbench {ended.words[0]}`"
    if ended.hung:
        return [f"{command} hangs: {ended.said[-300:]}"]
    if "Traceback (most recent call last)" in ended.said or "exception was never" in ended.said:
        return [f"{command} shows a stack trace: {ended.said[-1500:]}"]
    killed = kind == "kill" and ended.code == -9
    if ended.code not in (0, 1, 2) and not killed:
        return [f"{command} ended with {ended.code}: {ended.said[-600:]}"]
    return []
