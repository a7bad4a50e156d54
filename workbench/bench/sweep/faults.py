"""Which fault strikes where: as text, ``run:kill:2@ref.move`` or ``run:kill:2@ref.move+kill:9``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.crashpoints import KINDS
from workbench.errors import UsageError

TEXT = re.compile(rf"(\w+):((?:{'|'.join(KINDS)}):\d+(?:@[\w.-]+)?)((?:\+kill:\d+(?:@[\w.-]+)?)*)")


@dataclass(frozen=True)
class Passing:
    """The ``number``-th passing of a stage, which is the ``time``-th of the point ``name``. ``deadly`` when
    a process can only die there."""

    number: int
    name: str
    time: int
    deadly: bool


@dataclass(frozen=True)
class Injection:
    """A fault in the first command of ``stage``; ``then`` are those in the commands that go on from there,
    one each. Orders as ``workbench.crashpoints`` takes them. ``number`` is the passing that the first stands
    for, 0 if unknown."""

    stage: str
    order: str
    then: tuple[str, ...] = ()
    number: int = 0

    @property
    def kind(self) -> str:
        return f"{self.order.partition(':')[0]} again" if self.then else self.order.partition(":")[0]

    def __str__(self) -> str:
        return f"{self.stage}:{'+'.join([self.order, *self.then])}"


def parse(text: str) -> Injection:
    """The injection that ``text`` names. Raises UsageError."""
    found = TEXT.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} is no fault of a sweep.",
            "Say STAGE:KIND:N@NAME as a sweep prints it, for example run:kill:2@ref.move.",
        )
    return Injection(found[1], found[2], tuple(found[3].split("+")[1:]))


def passings(trace: Path) -> list[Passing]:
    """What a command that ran to its end passed."""
    times: Counter[str] = Counter()
    found = []
    for number, line in enumerate(trace.read_text(encoding="utf-8").splitlines(), 1):
        name, _, how = line.partition(" ")
        times[name] += 1
        found.append(Passing(number, name, times[name], how == "kill"))
    return found


def struck(trace: Path) -> list[str]:
    """The point at which the fault that was ordered struck the command that left this trace, if it did."""
    lines = trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []
    return [name for name, _, how in (line.partition(" ") for line in lines) if how == "struck"]


def chosen(stage: str, passed: Sequence[Passing], kinds: Iterable[str], every: int) -> list[Injection]:
    """The faults for a stage: of each kind at every ``every``-th passing, and at each name at least once.
    To each fifth kill, one more of the same at the side: then the command that goes on is killed, too."""
    found: list[Injection] = []
    for kind in kinds:
        where = [it for it in passed if kind == "kill" or not it.deadly]
        picked = {it.number for it in where[:: max(1, every)]}
        names = {it.name for it in where if it.number in picked}
        for it in where:
            if it.number not in picked and it.name in names:
                continue
            names.add(it.name)
            # By its name: what teammates do at the same time would shift a plain number.
            order = f"{kind}:{it.time}@{it.name}"
            found.append(Injection(stage, order, number=it.number))
            if kind == "kill" and stage == "run" and len(found) % 5 == 0:
                found.append(Injection(stage, order, (f"kill:{1 + len(found) * 7 % 60}",), it.number))
    return found
