"""A lead by dice: it mostly answers, and sometimes escalates, says nothing, oversteps, hangs or breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from workbench.core.mail import ALL, PERSON
from workbench.core.models import Usage
from workbench.core.requests import Answer, Escalate, Request, Stop, Write
from workbench.engine.ports import AgentReport, Assignment, Desk, Ended, Heard, Letter, Started
from workbench.testing.faults.weather import Life, Weather
from workbench.testing.transcripts import Heard as TakenUp
from workbench.testing.transcripts import Transcripts

MOODS = ("crash", "broken", "hang", "limited", "silent", "overstepping", "login")


@dataclass
class RoughLead:
    """``engine.ports.Lead`` for one process. What its sessions took up is in ``transcripts``."""

    weather: Weather
    life: Life
    transcripts: Transcripts
    now: Callable[[], float]
    working: int = 0

    async def lead(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
        desk: Desk,
    ) -> None:
        self.life.check()
        self.working += 1
        try:
            await _Session(self, assignment, inbox, report, desk).live()
        finally:
            self.working -= 1


@dataclass
class _Session:
    team: RoughLead
    it: Assignment
    inbox: asyncio.Queue[Letter]
    report: Callable[[AgentReport], None]
    desk: Desk
    session: str = ""
    cost: float = 0.0

    async def live(self) -> None:
        weather = self.team.weather
        goes_on = self.it.session is not None and not weather.chance(0.1)
        self.session = (self.it.session or "") if goes_on else f"lead-{self.it.nonce}"
        await self._wait(5.0)
        self.report(Started(pid=None, session=self.session))
        while True:
            if self._take(await self.inbox.get()):
                continue
            while not self.inbox.empty():
                self._take(self.inbox.get_nowait())
            ended = await self._turn()
            self.team.life.check()
            self.report(ended)
            if not ended.live:
                return

    def _take(self, letter: Letter) -> bool:
        """Take a letter up; whether the session knew it already, from before a crash."""
        known = self.team.transcripts
        old = [name for name in letter.messages if known.has(self.session, name)]
        for name in letter.messages:
            if name not in old:
                known.heard.append(TakenUp(self.session, "lead", "", name))
        if letter.messages:
            self.team.life.check()
            self.report(Heard(letter.messages))
        return bool(old)

    async def _turn(self) -> Ended:
        weather = self.team.weather
        mood = weather.dice.choice(MOODS) if weather.chance(weather.trouble.mood) else ""
        self.cost += 0.02
        await self._wait(60.0)
        if mood == "hang":
            await asyncio.sleep(weather.trouble.hang)
            self.team.life.check()
        if mood == "crash":
            return self._ended(False, "the lead crashed")
        if mood == "broken":
            raise RuntimeError("broken agent")
        if mood == "login":
            return self._ended(False, "please sign in", login=True)
        if mood == "limited":
            reset = self.team.now() + weather.seconds(18_000.0) if weather.chance(0.5) else None
            return Ended(
                live=False, error="the limit is reached", limit="usage", resets_at=reset,
                usage=Usage(cost_usd=self.cost), session=self.session,
            )  # fmt: skip
        if mood != "silent":
            for name in self.desk.waiting():
                await self._ask(Escalate(message=name) if weather.chance(0.2) else self._answer(name))
        if mood == "overstepping":
            await self._overstep()
        return self._ended(True)

    def _answer(self, name: str) -> Request:
        return Answer(message=name, text="so be it", decision="yes")

    async def _overstep(self) -> None:
        to = (*self.it.teammates, ALL, PERSON, "nobody")
        for _ in range(3):
            match self.team.weather.dice.randrange(4):
                case 0:
                    await self._ask(Stop())
                case 1:
                    await self._ask(self._answer(f"m{self.team.weather.dice.randint(1, 20)}"))
                case 2:
                    await self._ask(Escalate(message=f"m{self.team.weather.dice.randint(1, 20)}"))
                case _:
                    await self._ask(Write(to=self.team.weather.dice.choice(to), text="hear me"))

    async def _ask(self, request: Request) -> None:
        self.team.life.check()
        await self.desk.ask(request)
        self.team.life.check()

    async def _wait(self, most: float) -> None:
        await asyncio.sleep(self.team.weather.seconds(most))
        self.team.life.check()

    def _ended(self, live: bool, error: str = "", login: bool = False) -> Ended:
        usage = Usage(cost_usd=self.cost)
        return Ended(live=live, error=error, login=login, usage=usage, session=self.session)
