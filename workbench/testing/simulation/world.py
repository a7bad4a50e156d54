"""What the dice say, and what is in flight because of it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.core import events as e
from workbench.core.models import RunSettings, Verdict
from workbench.testing.simulation.odds import Odds

LANDING = "landing"
"""Owner of what is done for the landing under way."""

FILES = ("a.py", "b.py", "c.py")

Key = tuple[str, int]


@dataclass(eq=False)
class Doing:
    """An effect in flight: ``owner`` is the attempt or landing it ends with, ``commit`` what it gates;
    ``landing`` counts the landings."""

    act: Callable[[], None]
    owner: Key | str | None = None
    commit: str = ""
    landing: int = 0


class World:
    """A repository and gates of dice. ``inbox`` are the events that the process has not taken yet, ``doing``
    what it has begun; both are gone with it."""

    def __init__(self, settings: RunSettings, seed: int, odds: Odds) -> None:
        self.settings, self.odds = settings, odds
        self.dice = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        self.tip = "base"
        self.parents: dict[str, tuple[str, ...]] = {"base": ()}
        self._serial = 0
        self.restart()

    def restart(self) -> None:
        """A new process: nothing is in flight."""
        self.inbox: deque[e.Event] = deque()
        self.doing: list[Doing] = []
        self.landing = 0
        self._over: set[int] = set()

    # -- in flight -----------------------------------------------------------------------------------

    def do(self, owner: Key | str | None, act: Callable[[], None], commit: str = "") -> None:
        """Begin an effect, unless its landing is over."""
        if owner != LANDING or self.landing not in self._over:
            self.doing.append(Doing(act, owner, commit, self.landing))

    def drop(self, owner: Key | str) -> None:
        """End every effect of an attempt, or of the landing under way."""
        self.doing = [doing for doing in self.doing if doing.owner != owner]

    def drop_checks(self, commits: Sequence[str]) -> None:
        """End the gates that run on these candidates."""
        self.doing = [doing for doing in self.doing if doing.commit not in commits]

    def end_landing(self, landing: int) -> None:
        """One of its effects failed: nothing is heard of the others any more."""
        self._over.add(landing)
        self.doing = [it for it in self.doing if it.owner != LANDING or it.landing != landing]

    # -- rolling -------------------------------------------------------------------------------------

    def chance(self, odds: float) -> bool:
        """Whether something of these odds happens now."""
        return odds > 0 and self.dice.random() < odds

    def commit(self, *parents: str) -> str:
        """A new commit."""
        self._serial += 1
        name = f"c{self._serial}"
        self.parents[name] = parents
        return name

    def tree(self) -> str:
        """Trees repeat now and then, so that verdicts are found again."""
        return f"tree-{self.dice.randrange(40)}"

    def history(self) -> set[str]:
        """All that the integration branch holds."""
        seen: set[str] = set()
        waiting = [self.tip]
        while waiting:
            commit = waiting.pop()
            if commit not in seen:
                seen.add(commit)
                waiting += self.parents.get(commit, ())
        return seen

    def verdicts(self, tree: str, gates: Sequence[str]) -> tuple[Verdict, ...]:
        """What the gates say of a tree, until one is red."""
        verdicts = []
        for gate in gates:
            green = not self.chance(self.odds.red)
            failing = () if green else (f"{self.dice.choice(FILES)}::test",)
            verdicts.append(
                Verdict(tree=tree, gate=gate, environment="env", green=green, seconds=1.0, failing=failing)
            )
            if not green:
                break
        return tuple(verdicts)

    def marker(self, key: Key, kind: str) -> e.MarkerReceived:
        """A marker of a name of its own."""
        self._serial += 1
        to = self.dice.choice((*self.settings.team, "all", "lead")) if kind == "message" else ""
        name = f"m{self._serial}"
        return e.MarkerReceived(task=key[0], attempt=key[1], name=name, kind=kind, note="words", to=to)
