"""Teammates by dice: most do their work, some crash, hang, chatter, forget, lie, or meet a rate limit.

What they write tells a gate whether it is any good (``sound``), so that there is a truth to judge by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from workbench.core.mail import Decision
from workbench.core.models import Marker, MarkerKind, Usage
from workbench.engine.ports import (
    Acted,
    AgentReport,
    Assignment,
    Denied,
    Ended,
    Heard,
    Letter,
    Retried,
    Said,
    Started,
)
from workbench.testing.examiner import SECRET
from workbench.testing.faults.weather import Life, Weather
from workbench.testing.markers import MemoryMarkers
from workbench.testing.transcripts import Heard as TakenUp
from workbench.testing.transcripts import Transcripts
from workbench.testing.worktrees import FakeWorktrees

MOODS = (
    "crash", "broken", "hang", "chatter", "lazy", "silent", "forgetful", "login", "limited", "blocked",
    "program", "endless", "forger", "twice", "unchanged", "deaf", "vandal", "exhausted",
)  # fmt: skip
"""What a teammate may be up to, besides its work."""

BROKEN = "!"
"""In a text that is red alone."""

CLASH = "~"
"""In a text that is red together with another task's that has it too."""

COLOURS = 3

PLACES = ("all", "lead", "person", "nobody")
"""Where a message may go besides to a teammate."""


def sound(command: str, files: Mapping[str, str]) -> bool:
    """The gate's truth about a tree: nothing in it is broken, in conflict, or clashes."""
    seen: set[str] = set()
    for text in files.values():
        if BROKEN in text or text.startswith("<<<<<<<"):
            return False
        if CLASH in text:
            colours = text.split(CLASH)[1::2]
            if not seen.isdisjoint(colours) or len(set(colours)) < len(colours):
                return False
            seen.update(colours)
    return True


@dataclass
class Roughnecks:
    """``engine.ports.Agent`` for one process. ``started`` lists every attempt that was given an agent;
    ``now`` gives the machine's time."""

    weather: Weather
    life: Life
    worktrees: FakeWorktrees
    markers: MemoryMarkers
    continues: bool = False
    now: Callable[[], float] = lambda: 0.0
    transcripts: Transcripts = field(default_factory=Transcripts)
    working: int = 0
    started: list[tuple[str, int]] = field(default_factory=list)

    async def work(
        self, assignment: Assignment, inbox: asyncio.Queue[Letter], report: Callable[[AgentReport], None]
    ) -> None:
        self.life.check()
        self.started.append((assignment.task, assignment.attempt))
        self.working += 1
        try:
            await _Session(self, assignment, inbox, report).live()
        finally:
            self.working -= 1


@dataclass
class _Session:
    team: Roughnecks
    it: Assignment
    inbox: asyncio.Queue[Letter]
    report: Callable[[AgentReport], None]
    mood: str = ""
    cost: float = 0.0
    dropped: int = 0
    locked: bool = False
    session: str = ""

    async def live(self) -> None:
        weather = self.team.weather
        goes_on = self.team.continues and self.it.session is not None and not weather.chance(0.1)
        self.session = (self.it.session or "") if goes_on else f"session-{self.it.nonce}"
        if weather.chance(weather.trouble.mood):
            self.mood = weather.dice.choice(MOODS)
        if self.mood == "login" and weather.logins <= 0:
            self.mood = ""
        self.report(Started(pid=None, session=self.session))
        self.locked = self.it.read_only
        self._take(Letter("", self.it.messages))
        turn = 0
        while True:
            turn += 1
            ended = await self._turn(turn)
            self.team.life.check()
            self.report(ended)
            if not ended.live:
                return
            self._take(await self.inbox.get())
            while not self.inbox.empty():
                self._take(self.inbox.get_nowait())

    def _take(self, letter: Letter) -> None:
        self.locked = self.locked and not letter.unlocks
        known, messages = self.team.transcripts, letter.messages
        for name in messages:
            if not known.has(self.session, name):  # else it heard that before a crash that nobody heard of
                known.heard.append(TakenUp(self.session, self.it.teammate, self.it.task, name))
        if messages:
            self.team.life.check()
            self.report(Heard(messages))
        for message in messages:
            if self._chance(0.5):
                self._answer(message)

    async def _turn(self, turn: int) -> Ended:
        self.cost += 0.1
        self._start_trouble()
        await self._wait(60.0)
        if self.mood == "login":
            self.team.weather.logins -= 1
            return self._ended(False, "please sign in", login=True)
        if self.mood == "exhausted":
            return self._exhausted()
        await self._refused()
        await self._asides()
        if self.mood in ("hang", "deaf") and turn == 1:
            await self._wait(self.team.weather.trouble.hang, surely=True)
        if self.mood == "crash":
            if self._chance(0.5):
                await self._write(turn)
            return self._ended(False, "the agent crashed", code=1)
        if self.mood == "broken":
            raise RuntimeError("broken agent")
        if self.mood == "endless" and turn < 6:
            return self._ended(True)
        return await (self._plan() if self.locked else self._do(turn))

    async def _do(self, turn: int) -> Ended:
        """Its work, and a word on it."""
        if not (self.mood in ("lazy", "unchanged") and turn == 1):
            await self._write(turn)
        if self.mood == "vandal":
            self.team.worktrees.standing.pop(self.it.teammate, None)
        if self.mood == "blocked":
            self._mark("blocked", "cannot")
        elif not (self.mood == "silent" or (self.mood == "forgetful" and turn == 1)):
            self._mark("done")
        return self._ended(self.mood != "program", code=0 if self.mood == "program" else None)

    async def _plan(self) -> Ended:
        """Who is to plan first does so, mostly; a vandal or a liar writes at once."""
        if self.mood in ("vandal", "forger") or (self.mood == "chatter" and self._chance(0.5)):
            await self._write(1)
        if self._chance(0.9):
            self._mark("plan", f"plan {self.dropped}")
        if self.mood in ("twice", "silent"):
            self._mark("done")
        live = self.mood != "program"
        if live:
            await self._wait(30.0)
        return self._ended(live, code=None if live else 0)

    def _exhausted(self) -> Ended:
        """A limit ends the session; of half of them somebody says when they are reset."""
        weather = self.team.weather
        if weather.limits <= 0:
            return self._ended(False, "the agent crashed", code=1)
        weather.limits -= 1
        ended = self._ended(False, "the limit is reached")
        if self._chance(0.5):
            return replace(ended, limit="rate")
        return replace(ended, limit="usage", resets_at=self.team.now() + weather.seconds(18_000.0))

    def _start_trouble(self) -> None:
        if self.mood == "forger":
            self._mark("done", nonce="guessed")
        elif self.mood == "twice":
            self._mark("note", "x", name="same.json")
            self._mark("note", "y", name="same.json")

    async def _refused(self) -> None:
        """A model that is overloaded or out of allowance: the agent waits and tries again by itself."""
        weather = self.team.weather
        often = 8 if self.mood == "limited" else 2
        for _ in range(often):
            if not (self.mood == "limited" or weather.chance(weather.trouble.limits)):
                return
            status, error = weather.dice.choice(((429, "rate_limit_error"), (529, "overloaded_error")))
            delay = weather.dice.choice((1.0, 8.0, 60.0))
            self.report(Retried(status, error, delay))
            await asyncio.sleep(delay)
            self.team.life.check()

    async def _asides(self) -> None:
        """What is said and done on the way."""
        dice = self.team.weather.dice
        for _ in range(40 if self.mood == "chatter" else dice.choice((0, 0, 1, 3))):
            match dice.randrange(7):
                case 0:
                    self.report(Acted("Edit", "a.txt"))
                case 1:
                    self.report(Said("words"))
                case 2:
                    self.report(Denied("Write", "/etc/passwd", "outside of the worktree"))
                case 3:
                    self._mark("message", "hello", to=dice.choice((*self.it.teammates[:4], *PLACES)))
                case 4:
                    self._mark(dice.choice(("note", "progress", "plan")), "so far")
                    self._say_more()
                case 5 if self.it.consult is not None:
                    await self.it.consult("WebFetch", "https://x", "nobody allowed it")
                    self.team.life.check()
                case _:
                    await self._wait(30.0)

    def _say_more(self) -> None:
        """Ask somebody, or answer what may have been asked."""
        dice = self.team.weather.dice
        if dice.random() < 0.6:
            self._mark("question", "which?", to=dice.choice(("", "", *self.it.teammates[:4], "person")))
        else:
            self._mark("answer", "that one", reply_to=f"m{dice.randint(1, 12)}")

    async def _write(self, turn: int) -> None:
        weather, worktree = self.team.weather, self.team.worktrees.at(self.it.worktree)
        paths = [path for path, text in worktree.files.items() if text.startswith("<<<<<<<")]
        own = f"{self.it.task}.txt"
        if own not in paths:
            paths.append(own)
        if weather.chance(weather.trouble.shared):
            paths.append(f"shared-{weather.dice.randrange(2)}.txt")
        if weather.chance(weather.trouble.guarded):
            paths.append(f"{self.it.task}/AGENTS.md")
        better = turn + self.it.attempt - 1
        for path in paths:
            text = f"{self.it.task} {self.it.attempt} {turn} {weather.dice.random()}"
            if weather.chance(weather.trouble.broken / better):
                text += BROKEN
            if path == own and weather.chance(weather.trouble.clash / better):
                text += f"{CLASH}{weather.dice.randrange(COLOURS)}{CLASH}"
            if weather.chance(weather.trouble.guarded / 2):
                text += f"\n{SECRET}"
            worktree.files[path] = text + "\n"
            if self._chance(0.3):
                await self._wait(20.0)
        if self._chance(0.5):
            await self._commit()

    async def _commit(self) -> None:
        team, it = self.team, self.it
        team.life.check()
        commit = team.worktrees.commit(it.worktree, f"{it.task} {it.attempt}")
        await team.worktrees.git.pin(f"refs/heads/workbench/{it.run}/{it.teammate}", commit)
        team.markers.move(it.teammate)

    def _mark(
        self, kind: str, note: str = "", to: str = "", nonce: str = "", name: str = "", reply_to: str = ""
    ) -> None:
        self.team.life.check()
        self.dropped += 1
        marker = Marker(
            kind=MarkerKind(kind), nonce=nonce or self.it.nonce, note=note, to=to, reply_to=reply_to
        )
        file = name or f"{self.it.task}-{self.it.attempt}-{self.dropped:03d}.json"
        self.team.markers.drop(self.it.worktree, file, marker)

    def _answer(self, message: str) -> None:
        """Say something to a message, whether it asked or not."""
        decision: Decision = self.team.weather.dice.choice(("yes", "no", ""))
        marker = Marker(
            kind=MarkerKind.ANSWER, nonce=self.it.nonce, note="words", reply_to=message, decision=decision
        )
        self.dropped += 1
        file = f"{self.it.task}-{self.it.attempt}-{self.dropped:03d}.json"
        self.team.markers.drop(self.it.worktree, file, marker)

    def _ended(self, live: bool, error: str = "", login: bool = False, code: int | None = None) -> Ended:
        return Ended(live=live, error=error, login=login, exit_code=code, usage=Usage(cost_usd=self.cost))

    def _chance(self, odds: float) -> bool:
        return self.team.weather.chance(odds)

    async def _wait(self, most: float, surely: bool = False) -> None:
        weather = self.team.weather
        await asyncio.sleep(most * (0.5 + weather.dice.random() / 2) if surely else weather.seconds(most))
        self.team.life.check()
