"""The lead in the world: one session for the run, in a checkout of what has landed, and its end.

It is one asyncio task that owns the session for the whole of its life, as an attempt is. It is over only when
its processes are gone and LeadEnded has been emitted.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import leading
from workbench.core.mail import LEAD
from workbench.core.models import Usage
from workbench.core.prose import spoken
from workbench.core.requests import Request
from workbench.core.state import RunState
from workbench.crashpoints import killpoint
from workbench.engine.attempts import cut_off, over
from workbench.engine.failures import failed
from workbench.engine.loop import Effect
from workbench.engine.ports import (
    Acted,
    AgentReport,
    Assignment,
    Denied,
    Desk,
    Emit,
    Ended,
    Heard,
    Letter,
    Outcome,
    Seat,
    Started,
)
from workbench.engine.world import World
from workbench.errors import WorkbenchError


class Leading:
    """Effects of the lead, and who owns it while it lives."""

    def __init__(self, world: World, emit: Emit) -> None:
        self._world, self._emit = world, emit
        self._life: _Life | None = None
        self._asked: dict[str, asyncio.Future[Outcome]] = {}
        self._following: str = ""

    def begin(self, state: RunState, action: a.Action) -> tuple[list[e.Event], Effect]:
        """What to record before ``action``, and what to run once that is durable."""
        match action:
            case a.CallLead(life, session):
                nonce = self._world.nonce()
                called = e.LeadCalled(life=life, nonce=nonce, session=session)
                return [called], lambda: self._conduct(state, called)
            case a.TellLead():
                return self._tell(state, action)
            case a.EndLead():
                return [], self._end
            case _:
                raise TypeError(f"no effect for {action!r}")

    async def _conduct(self, state: RunState, called: e.LeadCalled) -> None:
        seat = self._world.seat
        desk = Desk(
            ask=self._ask,
            team=lambda: self._world.briefs.render("lead/team.md.j2", leading.team(state)),
            waiting=lambda: tuple(ask.message.id for ask in leading.waiting(state)),
        )
        life = self._life = _Life(state, called, self._world, seat, desk, self._emit)
        try:
            await life.conduct()
        except Exception as problem:  # noqa: BLE001 - the run goes on without it, and must not wait for it
            self._emit(failed("Lead", problem))
            life.say_ended()

    def _tell(self, state: RunState, action: a.TellLead) -> tuple[list[e.Event], Effect]:
        text = self._world.briefs.render(f"lead/{action.kind}.md.j2", action.values).strip()
        team = self._world.briefs.render("lead/team.md.j2", leading.team(state))
        told = e.LeadTold(text=text, message=action.message, reminds=action.reminds)
        # The state of the team is another one after a crash: the message alone says whether it was told.
        letter = Letter(f"{text}\n\n{team}", (action.message,) if action.message else (), known_by=text)

        async def tell() -> None:
            if self._life is not None:
                self._life.tell(letter)

        return [told], tell

    async def _end(self) -> None:
        if self._life is not None:
            self._life.end()

    # -- what the lead asks for ------------------------------------------------------------------------

    async def _ask(self, request: Request) -> Outcome:
        """Put a request to the engine, and wait for what stands behind it in the log."""
        name = f"lead-{self._world.nonce()}"
        waiting: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._asked[name] = waiting
        self._emit(e.RequestMade(id=name, by=LEAD, request=request))
        try:
            return await waiting
        finally:
            del self._asked[name]

    def recorded(self, event: e.Event) -> None:
        """An event is in the log: the one behind a request of the lead's is its outcome."""
        name, self._following = self._following, ""
        if name in self._asked and not self._asked[name].done():
            self._asked[name].set_result(_outcome(name, event))
        if isinstance(event, e.RequestMade) and event.id in self._asked:
            self._following = event.id


def _outcome(request: str, event: e.Event) -> Outcome:
    match event:
        case e.RequestRefused(id=name, reason=reason, hint=hint) if name == request:
            return Outcome(refused=f"{reason} {hint}".strip())
        case e.MessageSent(message=message):
            return Outcome(message=message.id)
        case _:
            return Outcome()


@dataclass(eq=False)
class _Life:
    """One process of the lead."""

    state: RunState
    called: e.LeadCalled
    world: World
    seat: Seat | None
    desk: Desk
    emit: Emit
    inbox: asyncio.Queue[Letter] = field(default_factory=asyncio.Queue)
    usage: Usage = field(default_factory=Usage)
    session: str | None = None
    over: bool = False
    ended: bool = False
    _owes: bool = True  # a start, and then an answer to whatever it was told
    _hung: asyncio.Event = field(default_factory=asyncio.Event)
    _deadline: asyncio.TimerHandle | None = None
    _post: asyncio.Queue[Letter] = field(default_factory=asyncio.Queue)
    _ask_to_end: asyncio.Event = field(default_factory=asyncio.Event)
    _checkout: AsyncExitStack = field(default_factory=AsyncExitStack)
    _at: str = ""

    async def conduct(self) -> None:
        """Live through it. Emits LeadEnded as its very last act."""
        try:
            self._stirs()
            worker = asyncio.ensure_future(self._work())
            waits = [asyncio.ensure_future(event.wait()) for event in (self._ask_to_end, self._hung)]
            try:
                await asyncio.wait({worker, *waits}, return_when=asyncio.FIRST_COMPLETED)
                if worker.done():
                    self._report_end(worker)
                elif not self._ask_to_end.is_set():
                    await cut_off(worker)
                    self._report(Ended(live=False, error=self._silence(), usage=self.usage))
            except asyncio.CancelledError:  # nobody asked it to end: it is cut off
                await cut_off(worker)
                raise
            finally:
                for waiting in waits:
                    waiting.cancel()
                await over(worker)
        finally:
            self._rests()
            await self._checkout.aclose()
        killpoint("lead.ended")
        self.say_ended()

    def say_ended(self) -> None:
        """Its processes are gone."""
        if not self.ended:
            self.ended = True
            self.emit(
                e.LeadEnded(usage=self.usage, session=self.session, interrupted=self._ask_to_end.is_set())
            )

    def tell(self, letter: Letter) -> None:
        """Put text into the session. What comes too late is told to the next one, for it was not heard."""
        self._owes = True
        self._stirs()
        self._post.put_nowait(letter)

    def _stirs(self) -> None:
        """Something came from it, or for it: while it owes an answer, its silence counts from now."""
        self._rests()
        idle = self.state.settings.idle_seconds
        if idle is not None and self._owes and not self.over:
            self._deadline = asyncio.get_running_loop().call_later(idle, self._hung.set)

    def _rests(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _silence(self) -> str:
        return f"the lead said and did nothing for {spoken(self.state.settings.idle_seconds or 0)}"

    def end(self) -> None:
        """Close the session; it can be taken up again."""
        self._ask_to_end.set()

    async def _work(self) -> None:
        if self.seat is None:
            raise WorkbenchError("This run has a lead, and there is nobody to be it.")
        place = await self._check_out()
        brief = self.world.briefs.render("lead.md.j2", leading.briefing(self.state))
        feeding = asyncio.ensure_future(self._feed())
        try:
            await self.seat.lead.lead(self._assignment(place, brief), self.inbox, self._report, self.desk)
        finally:
            feeding.cancel()
            await asyncio.wait({feeding})

    async def _check_out(self) -> Path:
        """A checkout of what has landed by now; always the same place."""
        assert self.seat is not None, "asked only of a lead that there is"
        tip = self.state.tip
        await self._checkout.aclose()
        place = await self._checkout.enter_async_context(self.seat.checkouts.lease(tip))
        self._at = tip
        return place

    async def _feed(self) -> None:
        """Give it its letters, one after the other, and what has landed with them."""
        while True:
            letter = await self._post.get()
            if self.state.tip != self._at:
                try:
                    await self._check_out()
                except (WorkbenchError, OSError) as problem:  # it sees what landed before
                    self.emit(failed("LeadCheckout", problem))
            self.inbox.put_nowait(letter)

    def _assignment(self, place: Path, brief: str) -> Assignment:
        state, life = self.state, self.called.life
        assert self.seat is not None, "asked only of a lead that there is"
        budget = state.settings.budget_usd
        env = {
            **self.seat.environment,
            "CLAUDE_CODE_AGENT_ID": f"{LEAD}@{state.run}",
            "CLAUDE_CODE_AGENT_TYPE": LEAD,
            "CLAUDE_CODE_TEAM_NAME": state.run,
            "CLAUDE_CODE_PLAN_MODE_REQUIRED": "false",
            "WORKBENCH_RUN": state.run,
            "WORKBENCH_NONCE": self.called.nonce,
            "WORKBENCH_TEAMMATE": LEAD,
            **self.seat.extras(life, place),
        }
        return Assignment(
            run=state.run,
            task="",
            attempt=life,
            teammate=LEAD,
            nonce=self.called.nonce,
            worktree=place,
            brief=brief,
            env=env,
            model=state.settings.model,
            session=self.called.session,
            budget_usd=None if budget is None else max(0.01, budget - state.cost_usd),
            teammates=tuple(state.teammates),
        )

    def _report_end(self, worker: asyncio.Future[None]) -> None:
        """It is over by itself: say why, once."""
        error = None if worker.cancelled() else worker.exception()
        if not self.over:
            silent = "the lead's session ended without saying how"
            self._report(
                Ended(live=False, error=failed("Lead", error).error if error else silent, usage=self.usage)
            )

    def _report(self, report: AgentReport) -> None:
        self._owes = not isinstance(report, Started | Ended) and self._owes
        self._stirs()
        match report:
            case Started(pid, session):
                self.session = session or self.session
                killpoint("lead.started")
                self.emit(e.LeadStarted(pid=pid, session=session))
            case Acted(tool, target):
                self.emit(e.LeadActed(tool=tool, target=target[:500]))
            case Denied(tool, target, reason):
                self.emit(e.LeadDenied(tool=tool, target=target[:500], reason=reason))
            case Heard(messages):
                killpoint("lead.heard")
                self.emit(e.LeadHeard(messages=messages))
            case Ended() if not self.over:
                self.over = not report.live
                self.usage, self.session = report.usage, report.session or self.session
                self.emit(
                    e.LeadTurnEnded(
                        live=report.live,
                        error=report.error,
                        login=report.login,
                        limit=report.limit,
                        resets_at=report.resets_at,
                        usage=report.usage,
                        session=report.session,
                    )
                )
            case _:  # what it says to itself reaches nobody, and its model's hiccups are its own
                pass
