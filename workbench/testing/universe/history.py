"""One history: a machine, a run, and everything that happens to it."""

from __future__ import annotations

import itertools
import logging
import random

from workbench.core import events as e
from workbench.core.apply import fold
from workbench.core.state import RunState
from workbench.testing.clock import Clock
from workbench.testing.faults import Trouble, Weather
from workbench.testing.faults.weather import drawn
from workbench.testing.git import FakeGit
from workbench.testing.markers import MemoryMarkers
from workbench.testing.notes import FakeNotes
from workbench.testing.playbook import INTEGRATION, started
from workbench.testing.requests import MemoryRequests
from workbench.testing.resolver import FakeResolver, both
from workbench.testing.store import MemoryStore
from workbench.testing.transcripts import Transcripts
from workbench.testing.universe import letters, plans, rules
from workbench.testing.universe.person import Person
from workbench.testing.universe.process import RUN, Process
from workbench.testing.worktrees import FakeWorktrees

MOST_PROCESSES = 60


class Broken(AssertionError):
    """A rule does not hold, or a process broke. Says which seed it was and how to play it again."""


class Universe:
    """One seed. ``teammates`` and ``tasks`` make a large run instead of a small one with every trouble;
    ``trouble`` is drawn unless it is given. ``lines`` is what was done to the run and what it logged, once
    ``play`` is called with ``trace``; ``processes`` how each process ended."""

    def __init__(self, seed: int, teammates: int = 0, tasks: int = 0, trouble: Trouble | None = None) -> None:
        self.seed, self.size = seed, (teammates, tasks)
        self.large = bool(teammates)
        dice = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        chosen = drawn(dice)
        plan, settings = plans.large(dice, teammates, tasks) if teammates else plans.small(dice)
        self.lines: list[str] = []
        self.processes: list[str] = []
        self.clock = Clock()
        self.weather = Weather(dice, trouble if trouble is not None else chosen, self._say)
        self.store = MemoryStore()
        self.git = FakeGit()
        self.base = self.git.add({"README": "sample\n", "shared-0.txt": "0\n"})
        self.worktrees = FakeWorktrees(self.git, run=RUN)
        self.markers = MemoryMarkers()
        self.notes = FakeNotes(wall=self.clock.now)
        self.resolver = FakeResolver({"union": both} if dice.random() < 0.5 else {})
        self.requests = MemoryRequests()
        self.transcripts = Transcripts()
        self.person = Person(self.git)
        self.nonces = itertools.count(1)
        first = started(plan, settings, self.base)
        tree = self.git.commits[self.base].tree
        self.first = first.model_copy(update={"base_tree": tree, "environment": "fake"})
        self._trace = False

    def play(self, trace: bool = False) -> RunState:
        """Play the run to its end; gives its last state. Raises Broken."""
        self._trace = trace
        silenced = logging.root.manager.disable
        logging.disable(logging.CRITICAL)  # what the engine has to say of errors it meets is in its log
        try:
            return self._played()
        except Exception as problem:
            raise Broken(
                f"seed {self.seed}: {type(problem).__name__}: {problem}\n{self.command}"
            ) from problem
        finally:
            logging.disable(silenced)

    @property
    def command(self) -> str:
        """What plays this history again, and shows it."""
        large = f" --teammates {self.size[0]} --tasks {self.size[1]}" if self.size[0] else ""
        return f"python -m workbench.testing.universe --seed {self.seed}{large} --trace"

    @property
    def log(self) -> list[e.Record]:
        """All that is in the log."""
        return self.store.read(RUN)

    def text(self) -> str:
        """The log as text: the same for the same seed, byte for byte."""
        return "".join(f"{it.seq} {it.at!r} {it.type} {e.dump(it.event)}\n" for it in self.log)

    def _played(self) -> RunState:
        for number in range(1, MOST_PROCESSES):
            process = Process(self, number, self.heard)
            self._say(f"process {number} begins")
            self.person.visit(process)
            how = process.live()
            self._say(f"process {number} ends: {how}")
            self.processes.append(how)
            rules.after_process(process, how)
            log = self.log
            if how == "over" and process.state is not None:  # what a person said last may follow its end
                state = process.state
            elif log and isinstance(log[-1].event, e.RunFinished):
                state = fold(log)
            else:
                continue
            if state.over_for_good and not self.person.insists(state, self.requests):
                self.person.mend(state.published)
                rules.at_end(state, log, self.git, self.base, self.person, self.clock.ticks)
                letters.none_is_lost(state, log, self.transcripts)
                rules.noted(state, log, self.notes, cut_off=how != "over")
                return state
            self.person.heed(state.reason)
            self.person.answer(state, self.requests)
        raise AssertionError(f"not over after {MOST_PROCESSES} processes")

    def _say(self, line: str) -> None:
        if self._trace:
            self.lines.append(f"{self.clock.ticks:14.3f}  {line}")

    def heard(self, record: e.Record) -> None:
        """A record was published, by whichever process is alive."""
        if self._trace:
            self._say(f"{record.seq} {record.type} {e.dump(record.event)}")


__all__ = ["INTEGRATION", "Broken", "Universe"]
