"""Joining a run from another process: a seat is taken, the run asked, and tasks are worked on as they come.

joiner = await ask_to_join(place, run, name="", role="", command="make work", worktree="")
name = await joiner.admitted()
await joiner.work("make work")

Whoever joins only reads the log and leaves requests; what it does in its worktree counts like any teammate's
work, by markers, git and gates.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from workbench.adapters.agents.command import CommandAgent
from workbench.adapters.folder import BRIEF, FOLDER, INBOX, NONCE
from workbench.adapters.git.lending import demand_clean, lent_at, users_own
from workbench.adapters.lock import owner
from workbench.adapters.requests import leave
from workbench.adapters.seats import Offer, Outcome, Seat, Sitter, caller, seats_of
from workbench.adapters.store.sqlite import SqliteStore
from workbench.adapters.supervision.starter import Keeper
from workbench.composition.past import choose, read_from
from workbench.composition.place import Place
from workbench.composition.wiring import known_by
from workbench.core import events as e
from workbench.core.mail import MessageKind
from workbench.core.requests import BY_ITSELF, RequestJoin, RequestShutdown
from workbench.engine.ports import AgentReport, Assignment, Ended, Letter, Said, Started
from workbench.errors import SetupError, UsageError, WorkbenchError

LOOK_SECONDS = 0.1
OWNER_SECONDS = 1.0
"""How often it is asked whether the run is going on at all."""

LEAVE_SECONDS = 15.0
"""How long the run gets to keep what there is, when somebody leaves."""


class Rejected(WorkbenchError):
    """Whoever was asked says no."""


@dataclass(frozen=True)
class Told:
    """A text that came in the middle of a task."""

    name: str
    text: str


@dataclass(frozen=True)
class Over:
    """There is nothing more to do, and why."""

    reason: str
    cut_short: bool = False


@dataclass
class Joiner:
    """Somebody who joined, or wants to. ``name`` is empty until it is let in; ``over`` says why it is not in
    the team any more."""

    place: Place
    run: str
    seat: Seat
    sitter: Sitter
    store: SqliteStore
    name: str = ""
    over: Over | None = None
    refused: WorkbenchError | None = None
    _ask: str = ""
    _seq: int = 0
    _asked_at: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._seq = self.sitter.after

    # -- what the log says ---------------------------------------------------------------------------

    def look(self) -> None:
        """Take in what has been logged since the last look."""
        # A log cannot be read on from before its first record.
        for record in self.store.history(self.run, self._seq):
            self._seq = record.seq
            self._take(record.event)
        now = time.monotonic()
        if self.over is None and now - self._asked_at > OWNER_SECONDS:
            self._asked_at = now
            holder = owner(self.place.state_dir)
            if holder is None or holder.run != self.run:
                self.over = Over(f"the run {self.run} is not going on any more", cut_short=True)

    def _take(self, event: e.Event) -> None:
        match event:
            case e.RequestRefused(id=name) if name == self.sitter.request:
                self.refused = UsageError(event.reason, event.hint)
            case e.TeammateJoined(seat=seat) if seat == self.seat.folder.name:
                self.name = event.name
            case e.TeammateLeft(name=name) if self.name and name == self.name:
                self.over = Over(event.reason)
            case e.MessageSent():
                self._take_message(event)
            case e.RunFinished():
                self.over = self.over or Over(f"the run is over: {event.outcome}")
            case e.RunResumed():
                self.over = self.over or Over(
                    "the run was cut short, and goes on without you", cut_short=True
                )
            case _:
                pass

    def _take_message(self, event: e.MessageSent) -> None:
        message = event.message
        if message.kind is MessageKind.JOIN and message.key == self.sitter.request:
            self._ask = message.id
        elif self._ask and message.reply_to == self._ask and message.decision == "no":
            why = f": {message.text}" if message.text else ""
            self.refused = Rejected(f"You were not let in, says {message.sender}{why}")

    # -- waiting -------------------------------------------------------------------------------------

    async def asked(self) -> str:
        """The id of the message by which somebody is asked to let it in; "" when it is in already."""
        while not (self._ask or self.name):
            await self._step()
        return self._ask

    async def admitted(self) -> str:
        """Its name in the team, once it is let in. Raises UsageError when it cannot be, Rejected when
        somebody says no."""
        while not self.name:
            await self._step()
        return self.name

    async def _step(self) -> None:
        self.look()
        if self.refused is not None:
            raise self.refused
        if self.over is not None and not self.name:
            raise Rejected(f"You were not let in: {self.over.reason}.")
        await asyncio.sleep(LOOK_SECONDS)

    async def next(self) -> Offer | Told | Over:
        """What comes next: a task, a text for the one at hand, or the end."""
        while True:
            self.look()
            if self.over is not None:
                return self.over
            offer = self.seat.offer()
            if offer is not None and not self.seat.begun(offer):
                self.seat.sit(replace(self.sitter, worktree=offer.worktree))
                return offer
            if offer is not None and (told := self._letter(offer)) is not None:
                return told
            await asyncio.sleep(LOOK_SECONDS)

    def _letter(self, offer: Offer) -> Told | None:
        folder = Path(offer.worktree) / FOLDER / INBOX
        seen = self.seat.seen()
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        for name in names:
            known = f"{offer.name}/{name}"
            if known not in seen and not name.startswith("."):
                self.seat.saw([*seen, known])
                return Told(name, (folder / name).read_text(encoding="utf-8", errors="replace"))
        return None

    # -- working -------------------------------------------------------------------------------------

    async def work(self, command: str, say: Callable[[str], None]) -> Over:
        """Run ``command`` once for each task until there is nothing more to do. Cancelling ends it, and what
        it has is for ``depart``."""
        async with AsyncExitStack() as stack:
            keeper = await stack.enter_async_context(Keeper(known_by(self.place, self.run)))
            agent = CommandAgent(command, starter=keeper)
            while True:
                found = await self.next()
                if isinstance(found, Over):
                    return found
                if isinstance(found, Offer):
                    say(f"{found.task}, attempt {found.attempt}, in {found.worktree}")
                    said = await self._one(agent, found, say)
                    say(f"{found.task}: {said}")

    async def _one(self, agent: CommandAgent, offer: Offer, say: Callable[[str], None]) -> str:
        ends: list[Ended] = []

        def report(came: AgentReport) -> None:
            match came:
                case Started():  # from here on nothing is taken out of its inbox
                    self.seat.begin(offer)
                case Said(text):
                    say(f"  {text}")
                case Ended():
                    ends.append(came)
                case _:
                    pass

        inbox: asyncio.Queue[Letter] = asyncio.Queue()
        worker = asyncio.ensure_future(agent.work(self._assignment(offer), inbox, report))
        try:
            while not worker.done() and self.seat.offer() == offer and self.over is None:
                self.look()
                await asyncio.wait({worker}, timeout=LOOK_SECONDS)
        finally:
            worker.cancel()
            await asyncio.wait({worker})
            self.seat.begin(offer)
            self.seat.end(offer, _outcome(ends))
        if not ends:
            return "taken away"
        return "ended" if not ends[0].error else ends[0].error.partition("\n")[0]

    def _assignment(self, offer: Offer) -> Assignment:
        worktree = Path(offer.worktree)
        folder = worktree / FOLDER
        nonce = (folder / NONCE).read_text(encoding="utf-8")
        env = {
            **os.environ,
            **known_by(self.place, self.run),
            "WORKBENCH_TASK": offer.task,
            "WORKBENCH_ATTEMPT": str(offer.attempt),
            "WORKBENCH_TEAMMATE": offer.teammate,
            "CLAUDE_CODE_AGENT_ID": f"{offer.teammate}@{self.run}",
            "CLAUDE_CODE_TEAM_NAME": self.run,
        }
        return Assignment(
            run=self.run,
            task=offer.task,
            attempt=offer.attempt,
            teammate=offer.teammate,
            nonce=nonce,
            worktree=worktree,
            brief=(folder / BRIEF).read_text(encoding="utf-8"),
            env=env,
        )

    # -- leaving -------------------------------------------------------------------------------------

    async def depart(self) -> Over:
        """Leave the team in good order: what there is, is kept, and a worktree that was brought is given
        back."""
        if self.name and self.over is None:
            request = RequestShutdown(teammate=self.name, reason=BY_ITSELF, now=True)
            leave(self.place.requests(self.run), request)
            deadline = time.monotonic() + LEAVE_SECONDS
            while self.over is None and time.monotonic() < deadline:
                await asyncio.sleep(LOOK_SECONDS)
                self.look()
        return self.over or Over("the run has not answered yet; it will find your seat empty")


def _outcome(ends: list[Ended]) -> Outcome:
    if not ends:
        return Outcome(None, "it was stopped")
    ended = ends[0]
    limit: Literal["", "rate"] = "rate" if ended.limit == "rate" else ""
    return Outcome(ended.exit_code, ended.error, limit)


# -- beginning ---------------------------------------------------------------------------------------


def going_on(place: Place, wanted: str | None) -> str:
    """The run that goes on here. Raises UsageError when there is none, or not the one that is ``wanted``."""
    holder = owner(place.state_dir)
    with place.reading() as store:
        run = choose(store.runs(), wanted or (holder.run if holder else None))
        if holder is not None and holder.run == run:
            return run
        over = read_from(store, run).over_for_good
    why, hint = f"Run {run} is not going on", f"`workbench resume {run}` goes on with it."
    if over:
        why, hint = f"Run {run} is over", f"`workbench report {run}` shows what came of it."
    raise UsageError(f"{why}, so nobody can join it.", hint)


async def own_worktree(place: Place, *, fresh: bool) -> str:
    """The worktree that whoever joins from here brings: the one we are in, where that is a linked one of the
    user's and clean; "" for the main checkout, where nobody works, and when a ``fresh`` one is wanted. Raises
    UsageError when it cannot be used as it is."""
    repository = place.repository
    if fresh or repository.git_dir == repository.common_dir:
        return ""
    if lent_at(repository.root, repository.common_dir) is not None:
        raise UsageError(
            f"{repository.root} is a teammate's worktree already.",
            "`workbench join --next` waits for its next task; `workbench join --leave` gives it back.",
        )
    await demand_clean(users_own(repository.root, repository.common_dir))
    return str(repository.root)


async def ask_to_join(
    place: Place, run: str, store: SqliteStore, *, name: str, role: str, command: str, worktree: str
) -> Joiner:
    """Take a seat and ask the run for its place in the team. With a ``command`` this very process holds the
    seat, otherwise whoever called it. Raises SetupError when the seat cannot be made."""
    seat = Seat(place.seats(run) / secrets.token_hex(8))
    after = store.last(run)
    try:
        seat.take(os.getpid() if command else caller())
        request = RequestJoin(
            seat=seat.folder.name,
            name=name,
            role=role,
            agent="command" if command else "hand",
            command=command[:2_000],
            worktree=worktree,
        )
        sitter = Sitter(run, leave(place.requests(run), request), str(place.root), after)
        seat.sit(sitter)
    except OSError as error:
        raise SetupError(
            f"No seat could be made in {seat.folder}: {error.strerror}.", "Is there room on the disk?"
        ) from None
    return Joiner(place, run, seat, sitter, store)


def seated(place: Place, run: str, store: SqliteStore) -> Joiner:
    """Who joined from this checkout, or has it as its worktree. Raises UsageError when nobody has."""
    here = str(place.root)
    for seat in seats_of(place.seats(run)):
        sitter = seat.sitter()
        if sitter is not None and here in (sitter.root, sitter.worktree):
            joiner = Joiner(place, run, seat, sitter, store)
            joiner.look()
            if joiner.over is None and joiner.refused is None and seat.held():
                return joiner
    raise UsageError(
        f"Nobody has joined the run {run} from {here}, or not any more.",
        "`workbench join` asks to be let in.",
    )
