"""The log of a run with a thousand teammates, as long as is wanted: for what has to hold at that size.

    records = list(crowd(events=100_000))

Everybody works through a column of tasks, each of which waits for the one above it. Most of what is in the
log is what agents do and say; work is delivered, gated and landed one by one. One seed, one log.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from workbench.core import events as e
from workbench.core.mail import Message, MessageKind
from workbench.core.models import Plan, RunSettings, Task, Usage, Verdict

RUN = "crowd-1"
BEGAN = 1_800_000_000.0
GATE = "pytest -q"
TOOLS = ("Read", "Edit", "Bash", "Grep", "Write")
WORDS = (
    "The callers are few; I change them all.",
    "That test was right. The rounding happens twice.",
    "Two places do the same thing here, and one of them goes.",
    "The contract names this one, so I keep to its words.",
)


def _hash(*parts: object) -> str:
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()


@dataclass
class _Mate:
    name: str
    column: int
    at: int = 0
    """How many of its tasks it has begun."""
    task: str = ""
    percent: int = 0
    beats: int = 0


@dataclass
class Crowd:
    """A run of ``teammates`` on ``tasks``; each attempt is ``length`` beats long, more or less."""

    teammates: int = 1_000
    tasks: int = 3_000
    length: int = 45
    seed: int = 0
    tip: str = "base"
    landed: int = 0
    _letters: int = 0
    _dice: random.Random = field(init=False)
    _mates: list[_Mate] = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 - a simulation, not a secret
        self._mates = [_Mate(f"mate-{number}", number) for number in range(self.teammates)]

    def events(self) -> Iterator[e.Event]:
        """What happens, for ever or until all tasks have landed."""
        yield from self._beginning()
        for mate in self._mates:
            yield from self._begin(mate)
        while self._mates:
            yield from self._beat(self._dice.choice(self._mates))

    def _beginning(self) -> Iterator[e.Event]:
        team = tuple(mate.name for mate in self._mates)
        plan = Plan(title="A crowd", tasks=tuple(self._task(number) for number in range(self.tasks)))
        settings = RunSettings(team=team, gates=(GATE,), budget_usd=5_000.0, batch=1)
        yield e.RunStarted(
            plan=plan, plan_text="# A crowd", plan_sha256="0", plan_path="plan.md", settings=settings,
            base=self.tip, base_tree="tree", target="main", environment="env",
            integration=f"refs/heads/workbench/{RUN}/integration",
        )  # fmt: skip
        yield e.BaseChecked(verdicts=(self._green("tree"),))

    def _task(self, number: int) -> Task:
        above = number - self.teammates
        return Task(
            id=f"task-{number}",
            title=f"Move part {number} behind the service",
            body=f"Nothing that callers of part {number} see may change.",
            files=(f"src/part_{number}.py",),
            after=(f"task-{above}",) if above >= 0 else (),
        )

    @staticmethod
    def _green(tree: str) -> Verdict:
        return Verdict(tree=tree, gate=GATE, environment="env", green=True, seconds=3.0, output="9 passed")

    def _begin(self, mate: _Mate) -> Iterator[e.Event]:
        number = mate.column + mate.at * self.teammates
        if number >= self.tasks:
            self._mates.remove(mate)
            return
        mate.task, mate.percent, mate.at = f"task-{number}", 0, mate.at + 1
        mate.beats = self._dice.randint(self.length // 3, 2 * self.length)
        yield e.AttemptStarted(
            task=mate.task, attempt=1, teammate=mate.name, nonce=_hash(mate.task)[:32], start=self.tip,
            why="first",
        )  # fmt: skip
        place = f"/home/ada/wt/crowd/{RUN}/team/{mate.name}"
        yield e.WorktreeReady(
            teammate=mate.name, path=place, branch=f"workbench/{RUN}/{mate.name}", seconds=0.02
        )
        yield e.AgentStarted(task=mate.task, attempt=1, pid=9_000 + number, session=_hash(number)[:32])

    def _beat(self, mate: _Mate) -> Iterator[e.Event]:
        mate.beats -= 1
        if mate.beats <= 0:
            yield from self._finish(mate)
            return
        dice = self._dice.random()
        file = f"src/part_{mate.task.removeprefix('task-')}.py"
        if dice < 0.60:
            yield e.AgentActed(task=mate.task, attempt=1, tool=self._dice.choice(TOOLS), target=file)
        elif dice < 0.82:
            yield e.AgentSaid(task=mate.task, attempt=1, text=self._dice.choice(WORDS))
        elif dice < 0.995:
            mate.percent = min(95, mate.percent + self._dice.randint(1, 9))
            yield self._marker(mate, "progress", f"part of {file} is moved")
        else:
            self._letters += 1
            yield e.MessageSent(
                message=Message(
                    id=f"m{self._letters}", kind=MessageKind.MESSAGE, sender=mate.name, to="person",
                    text=f"{file} is used by two more than the plan says.", task=mate.task, attempt=1,
                )
            )  # fmt: skip

    def _marker(self, mate: _Mate, kind: str, note: str) -> e.MarkerReceived:
        name = f"{mate.beats:04d}-{kind}.json"
        percent = mate.percent if kind == "progress" else None
        return e.MarkerReceived(
            task=mate.task, attempt=1, name=name, kind=kind, note=note, percent=percent, confidence=0.8
        )

    def _finish(self, mate: _Mate) -> Iterator[e.Event]:
        """From the last marker to the branch, and on to the next task."""
        task, commit, tree = mate.task, _hash("work", mate.task), _hash("tree", mate.task)
        usage = Usage(cost_usd=0.31, input_tokens=90_000, output_tokens=2_100, turns=1)
        candidate, joined = _hash("candidate", task), _hash("joined", task)
        files = (f"src/part_{task.removeprefix('task-')}.py",)
        yield self._marker(mate, "done", "moved, and tested")
        yield e.TurnEnded(task=task, attempt=1, live=True, usage=usage)
        yield e.WorkCollected(
            task=task, attempt=1, commit=commit, tree=tree, changed=True, snapshot=False, files=files,
            pin=f"refs/workbench/{RUN}/work/{task}/1",
        )  # fmt: skip
        yield e.CheckingStarted(task=task, commit=commit, gates=(GATE,), alone=True)
        yield e.WorkChecked(task=task, attempt=1, commit=commit, verdicts=(self._green(tree),))
        yield e.TaskDelivered(task=task, attempt=1, commit=commit, tree=tree)
        yield e.AttemptEnded(task=task, attempt=1, teammate=mate.name, usage=usage)
        yield e.LandingStarted(tasks=(task,))
        yield e.CandidateMade(task=task, parent=self.tip, commit=candidate, tree=joined, files=files)
        yield e.BatchBuilt(tasks=(task,), base=self.tip, base_tree="tree")
        yield e.CheckingStarted(task=task, commit=candidate, gates=(GATE,), alone=False)
        yield e.CandidateChecked(task=task, commit=candidate, verdicts=(self._green(joined),))
        yield e.TaskLanded(task=task, attempt=1, commit=candidate, parent=self.tip, tree=joined, files=files)
        self.tip, self.landed = candidate, self.landed + 1
        yield from self._begin(mate)


def crowd(
    events: int = 100_000, teammates: int = 1_000, tasks: int = 3_000, seed: int = 0
) -> Iterator[e.Record]:
    """The first ``events`` records of such a run, 20 a second."""
    found = zip(range(1, events + 1), Crowd(teammates, tasks, seed=seed).events(), strict=False)
    for seq, event in found:
        yield e.Record(seq, round(BEGAN + seq * 0.05, 3), event)
