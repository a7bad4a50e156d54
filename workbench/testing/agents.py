"""An agent that follows a script: what each attempt does, step by step, without a model or a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.core.models import Marker, MarkerKind, Usage
from workbench.engine.ports import Acted, AgentReport, Assignment, Ended, Heard, Letter, Ruling, Said, Started
from workbench.testing.markers import MemoryMarkers
from workbench.testing.worktrees import FakeWorktrees


@dataclass(frozen=True)
class Edit:
    """Write files into the worktree; None deletes one."""

    files: Mapping[str, str | None]


@dataclass(frozen=True)
class Mark:
    """Drop a marker; ``nonce`` forges one, ``name`` gives the file a name of its own."""

    kind: str
    note: str = ""
    to: str = ""
    reply_to: str = ""
    nonce: str | None = None
    name: str = ""
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Commit:
    """Commit what lies in the worktree on the teammate's branch."""


@dataclass(frozen=True)
class Use:
    """Report the use of a tool."""

    tool: str
    target: str = ""


@dataclass(frozen=True)
class Consult:
    """Wait for somebody's word on a tool use, if the assignment has who can be asked."""

    tool: str
    target: str = ""


@dataclass(frozen=True)
class Say:
    """Report some text."""

    text: str


@dataclass(frozen=True)
class EndTurn:
    """End the turn; the next steps wait until something is told."""

    cost_usd: float = 0.0


@dataclass(frozen=True)
class Hear:
    """Wait until a text that holds ``text`` is told, within the turn."""

    text: str = ""


@dataclass(frozen=True)
class Reach:
    """Set one event and wait for another: how a test holds an agent at a known point."""

    reached: asyncio.Event
    until: asyncio.Event


@dataclass(frozen=True)
class Crash:
    """The session is over with an error; ``login`` marks a refused login."""

    error: str = "the agent crashed"
    login: bool = False


@dataclass(frozen=True)
class Break:
    """The agent's own code raises, which a well-made agent never does."""

    error: str = "broken agent"


Step = Edit | Commit | Mark | Use | Consult | Say | EndTurn | Hear | Reach | Crash | Break
Script = Sequence[Step]


@dataclass
class ScriptedAgent:
    """``engine.ports.Agent``: plays ``scripts[task, attempt]``, or what ``otherwise`` gives.

    After its last step the session stays open, each further text being answered by an empty turn;
    ``exits`` makes it end instead, like a program. ``assignments``, ``heard`` and ``letters`` (ids
    of messages) hold what it was given, ``unlocked`` the tasks it may write for since, ``rulings`` what was
    said to its consulting.
    """

    worktrees: FakeWorktrees
    markers: MemoryMarkers
    scripts: Mapping[tuple[str, int], Script] = field(default_factory=dict)
    otherwise: Callable[[Assignment], Script] = lambda assignment: (
        Edit({f"{assignment.task}.txt": f"{assignment.task}\n"}),
        Mark("done"),
        EndTurn(),
    )
    exits: bool = False
    continues: bool = False
    assignments: list[Assignment] = field(default_factory=list)
    heard: list[tuple[str, str]] = field(default_factory=list)
    letters: list[tuple[str, str]] = field(default_factory=list)
    unlocked: list[str] = field(default_factory=list)
    rulings: list[Ruling | None] = field(default_factory=list)
    working: int = 0

    async def work(
        self, assignment: Assignment, inbox: asyncio.Queue[Letter], report: Callable[[AgentReport], None]
    ) -> None:
        self.assignments.append(assignment)
        self.working += 1
        try:
            await _Session(self, assignment, inbox, report).play()
        finally:
            self.working -= 1


@dataclass
class _Session:
    agent: ScriptedAgent
    assignment: Assignment
    inbox: asyncio.Queue[Letter]
    report: Callable[[AgentReport], None]
    cost: float = 0.0
    dropped: int = 0

    async def play(self) -> None:
        it = self.assignment
        self.report(Started(pid=None, session=it.session or f"session-{it.task}-{it.attempt}"))
        self._take(it.messages)
        script = self.agent.scripts.get((it.task, it.attempt))
        steps = list(self.agent.otherwise(it) if script is None else script)
        for place, step in enumerate(steps):
            if isinstance(step, Crash):
                self.report(Ended(live=False, error=step.error, login=step.login, usage=self._usage()))
                return
            await self._do(step)
            last = place == len(steps) - 1
            if isinstance(step, EndTurn):
                if last and self.agent.exits:
                    self.report(Ended(live=False, exit_code=0, usage=self._usage()))
                    return
                self.report(Ended(live=True, usage=self._usage()))
                if not last:
                    await self._hear()
        while True:
            await self._hear()
            self.report(Ended(live=True, usage=self._usage()))

    async def _do(self, step: Step) -> None:
        match step:
            case Edit(files):
                self._edit(files)
            case Commit():
                await self._commit()
            case Mark():
                self._mark(step)
            case Use(tool, target):
                self.report(Acted(tool, target))
            case Consult(tool, target):
                consult = self.assignment.consult
                ruling = await consult(tool, target, "nobody allowed it") if consult is not None else None
                self.agent.rulings.append(ruling)
            case Say(text):
                self.report(Said(text))
            case EndTurn(cost):
                self.cost += cost
            case Hear(text):
                while text not in await self._hear():
                    pass
            case Reach(reached, until):
                reached.set()
                await until.wait()
            case Break(error):
                raise RuntimeError(error)

    def _edit(self, files: Mapping[str, str | None]) -> None:
        worktree = self.agent.worktrees.at(self.assignment.worktree)
        for path, text in files.items():
            worktree.files.pop(path, None)
            if text is not None:
                worktree.files[path] = text

    async def _hear(self) -> str:
        letter = await self.inbox.get()
        self.agent.heard.append((self.assignment.task, letter.text))
        self._take(letter.messages)
        if letter.unlocks:
            self.agent.unlocked.append(self.assignment.task)
        return letter.text

    def _take(self, messages: tuple[str, ...]) -> None:
        self.agent.letters += [(self.assignment.task, name) for name in messages]
        if messages:
            self.report(Heard(messages))

    async def _commit(self) -> None:
        it = self.assignment
        commit = self.agent.worktrees.commit(it.worktree, f"{it.task} {it.attempt}")
        await self.agent.worktrees.git.pin(f"refs/heads/workbench/{it.run}/{it.teammate}", commit)
        self.agent.markers.move(it.teammate)

    def _mark(self, step: Mark) -> None:
        self.dropped += 1
        nonce = self.assignment.nonce if step.nonce is None else step.nonce
        marker = Marker(
            kind=MarkerKind(step.kind),
            nonce=nonce,
            note=step.note,
            to=step.to,
            reply_to=step.reply_to,
            paths=step.paths,
        )
        name = step.name or f"{self.assignment.task}-{self.assignment.attempt}-{self.dropped:03d}.json"
        self.agent.markers.drop(self.assignment.worktree, name, marker)

    def _usage(self) -> Usage:
        return Usage(cost_usd=self.cost)
