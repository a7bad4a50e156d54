"""How much goes wrong, when, and to whom: one seed for all of it."""

from __future__ import annotations

import asyncio
import errno
import os
import random
from collections.abc import Callable
from dataclasses import dataclass

from workbench.errors import GitError

ERRNOS = (errno.ENOSPC, errno.EIO, errno.EAGAIN)


@dataclass(frozen=True)
class Trouble:
    """The odds of each kind of trouble in one run. ``fault`` is for a call that fails, ``late`` for one that
    fails after it had its effect, ``kill`` for a call at which the process dies; ``faults`` and ``kills``
    bound how many there are, so that every run can end. ``pace`` is how many seconds a call may take.
    ``mood`` is how often a teammate is up to no good, ``hang`` for how long it may say nothing (seconds),
    ``limits`` how often the model refuses it for a while, ``exhausted`` how many sessions a limit may end,
    ``flake`` how often a gate is red for nothing, ``person`` how many times somebody interferes with one
    process. ``guarded`` is how often work touches what needs a person's word."""

    fault: float = 0.0
    late: float = 0.0
    kill: float = 0.0
    faults: int = 10
    kills: int = 5
    pace: float = 1.0
    mood: float = 0.0
    hang: float = 6 * 3600.0
    limits: float = 0.0
    logins: int = 2
    exhausted: int = 6
    flake: float = 0.0
    broken: float = 0.0
    clash: float = 0.0
    shared: float = 0.0
    guarded: float = 0.0
    person: float = 0.0
    visits: int = 8


CALM = Trouble()
"""Nothing goes wrong; things only take their time."""


def drawn(dice: random.Random) -> Trouble:
    """The trouble of one run. Each kind is left out of many runs, so that the others are seen clearly."""

    def some(most: float, odds: float = 0.6) -> float:
        return dice.random() * most if dice.random() < odds else 0.0

    return Trouble(
        fault=some(0.03),
        late=some(0.01, 0.4),
        kill=some(0.03),
        pace=dice.choice((0.0, 0.05, 1.0, 30.0)),
        mood=some(0.6),
        limits=some(0.5),
        flake=some(0.15, 0.4),
        broken=some(0.3),
        clash=some(0.5),
        shared=some(0.5),
        person=some(2.0),
        guarded=some(0.3, 0.5),
    )


class Weather:
    """The dice of one run, and how much trouble is left in it. ``say`` hears of everything that is done to
    the run."""

    def __init__(self, dice: random.Random, trouble: Trouble, say: Callable[[str], None]) -> None:
        self.dice, self.trouble, self.say = dice, trouble, say
        self.faults, self.kills, self.visits = trouble.faults, trouble.kills, trouble.visits
        self.logins, self.limits = trouble.logins, trouble.exhausted

    def chance(self, odds: float) -> bool:
        """Whether something of these odds happens now."""
        return odds > 0.0 and self.dice.random() < odds

    def seconds(self, most: float) -> float:
        """How long something takes: mostly little."""
        roll = self.dice.random()
        return 0.0 if roll < 0.3 else float(most * roll**6)

    def fault(self, what: str) -> Exception:
        """The error that ``what`` fails with."""
        self.faults -= 1
        kind = self.dice.randrange(len(ERRNOS) + 1)
        problem: Exception
        if kind == len(ERRNOS):
            problem = GitError(f"{what} failed")
        else:
            problem = OSError(ERRNOS[kind], os.strerror(ERRNOS[kind]))
        self.say(f"fault: {what}: {problem}")
        return problem


class Life:
    """One process on the machine. Once it is ``dead``, whatever it still does is without effect: each port
    ends the caller instead, as if it had never come back from the call."""

    def __init__(self, weather: Weather, loop: asyncio.AbstractEventLoop) -> None:
        self.weather = weather
        self.dead = False
        self._loop = loop

    def die(self, where: str) -> None:
        """SIGKILL: nobody is told, nothing is tidied up."""
        self.weather.say(f"killed {where}")
        self.dead = True
        self._loop.stop()

    def check(self) -> None:
        """Raise CancelledError when the process is dead."""
        if self.dead:
            raise asyncio.CancelledError

    def risk(self, where: str) -> None:
        """A point at which the process may die; it does not come back from it then."""
        self.check()
        weather = self.weather
        if weather.kills > 0 and weather.chance(weather.trouble.kill):
            weather.kills -= 1
            self.die(where)
            raise asyncio.CancelledError

    async def before(self, what: str, most: float) -> None:
        """Time passes before ``what`` is done; it may fail, and the process may die there."""
        self.check()
        await self.wait(most)
        self.risk(f"before {what}")
        weather = self.weather
        if weather.faults > 0 and weather.chance(weather.trouble.fault):
            raise weather.fault(what)

    async def after(self, what: str, most: float) -> None:
        """The same when it is done, and nobody has heard of it yet."""
        self.risk(f"after {what}")
        weather = self.weather
        if weather.faults > 0 and weather.chance(weather.trouble.late):
            raise weather.fault(f"{what}, which was done,")
        await self.wait(most)
        self.check()

    async def wait(self, most: float) -> None:
        """Let up to ``most`` seconds pass."""
        seconds = self.weather.seconds(most)
        if seconds > 0.0:
            await asyncio.sleep(seconds)
            self.check()
