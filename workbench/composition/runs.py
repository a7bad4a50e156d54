"""A plan becomes a run, and a run that was cut short goes on.

async with start_run(place, ready, base="HEAD") as run:
    run.bus.listen(show)
    state = await run.go()
"""

from __future__ import annotations

import asyncio
import copy
import os
import re
import time
import unicodedata
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.adapters.git.refs import free_locks
from workbench.adapters.git.repository import resolve
from workbench.adapters.limits import allow_files
from workbench.adapters.lock import RepositoryLock
from workbench.adapters.requests import RequestFolder
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.lead import demand_lead
from workbench.composition.past import choose
from workbench.composition.place import Place
from workbench.composition.planning import ReadyPlan
from workbench.composition.policy import rules_of
from workbench.composition.provided import given_up, work_provided
from workbench.composition.redacting import open_redactor
from workbench.composition.repair import Say, good_state, open_log
from workbench.composition.roles import roles_of
from workbench.composition.room import demand_room
from workbench.composition.team import continues, names
from workbench.composition.trusting import Ask, gate, start_of
from workbench.composition.walls import demand_walls
from workbench.composition.wiring import open_world, stored_script
from workbench.core.actions import Declare
from workbench.core.apply import apply
from workbench.core.changing import open_change
from workbench.core.decide import decide
from workbench.core.events import Event, Record, RequestMade, RunResumed, RunStarted
from workbench.core.mail import PERSON
from workbench.core.models import RunSettings
from workbench.core.requests import OF_THE_MOMENT
from workbench.core.state import RunState
from workbench.core.trust.items import Trust
from workbench.crashpoints import killpoint
from workbench.engine.bus import Bus
from workbench.engine.effects import Effects
from workbench.engine.loop import Engine
from workbench.engine.ports import Requests
from workbench.engine.recover import accounts
from workbench.engine.world import World
from workbench.errors import SetupError, UsageError

if TYPE_CHECKING:
    from workbench.rehearsal.script import Script


@dataclass
class Run:
    """A run that is open in this process: listen on ``bus``, then ``go``. ``trust`` is what it goes by."""

    id: str
    engine: Engine
    bus: Bus
    world: World
    trust: Trust

    @property
    def state(self) -> RunState:
        return self.engine.state

    async def go(self) -> RunState:
        """Work until the run is finished. Cancelling stops at once; ``stop`` stops gracefully."""
        effects = Effects(self.world, self.engine.emit, self.engine.clock)
        effects.listen(self.state)
        state = await self.engine.go(effects)
        await self.engine.note(effects.afterwards())
        return state

    def stop(self, reason: str) -> None:
        """Interrupt the live attempts, keep what they have, and finish as stopped."""
        self.engine.stop(reason)


def run_settings(place: Place, ready: ReadyPlan, *, no_gates: bool, scripted: bool) -> RunSettings:
    """What the run is started with: the place's settings, with what the plan says over the file's.

    ``place.settings`` already has the command line's word, which a plan does not overrule: see
    ``place.given``. Raises UsageError when there is no gate and ``no_gates`` does not say that this
    is meant.
    """
    settings, plan = place.settings, ready.plan
    given = place.given

    def choose_from(name: str, planned: object, standing: object) -> object:
        return standing if name in given or not planned else planned

    gates = choose_from("gates", plan.gates, settings.gates)
    if not gates and not no_gates and not all(task.gates for task in plan.tasks):
        raise UsageError(
            "No gate is configured: nothing would tell good work from broken.",
            'Write `gates: ["COMMAND"]` into the front matter of the plan, or `gates = ["COMMAND"]` into'
            " workbench.toml, or say --gate COMMAND; --no-gates if you mean it.",
        )
    width = choose_from("team", plan.team, settings.team)
    assert isinstance(width, int), "a team is a number"
    return RunSettings.model_validate(
        {
            "team": names(min(width, len(plan.tasks))),
            "agent": settings.agent,
            "model": choose_from("model", plan.model, settings.model),
            "gates": gates,
            "no_gates": no_gates,
            "setup": choose_from("setup", plan.setup, settings.setup),
            "copy_files": settings.copy_files,
            "link_files": settings.link_files,
            "sparse": settings.sparse,
            "attempts": settings.attempts,
            "repairs": settings.repairs,
            "batch": settings.batch,
            "gate_slots": settings.gate_slots,
            "budget_usd": choose_from("budget_usd", plan.budget_usd, settings.budget_usd),
            "task_budget_usd": settings.task_budget_usd,
            "idle_seconds": settings.idle_seconds or None,
            "attempt_seconds": settings.attempt_seconds or None,
            "nudge_seconds": settings.nudge_seconds,
            "retry_seconds": settings.retry_seconds,
            "gate_seconds": settings.gate_seconds,
            "gate_junit": settings.gate_junit,
            "quarantine": settings.quarantine,
            "on_question": settings.on_question,
            "on_plan": settings.on_plan,
            "on_permission": settings.on_permission,
            "policy": rules_of(place),
            "answer_seconds": settings.answer_seconds,
            "topology": settings.topology,
            "lead": choose_from("lead", plan.lead, settings.lead),
            "message_quota": settings.message_quota,
            "on_join": settings.on_join,
            "keep_worktrees": settings.keep_worktrees,
            "scripted": scripted,
            "continues": continues(settings.agent),
            "write_back": settings.write_back,
            "on_change": settings.on_change,
            "guarded": settings.guarded,
            "on_guarded": settings.on_guarded,
            "secrets": settings.secrets,
        }
    )


def new_id(ready: ReadyPlan, taken: list[str]) -> str:
    """A readable id that was never used here: the plan's title and a counter."""
    title = unicodedata.normalize("NFKD", ready.plan.title.casefold())  # "Größe" is read as "grosse"
    plain = title.encode("ascii", "ignore").decode("ascii")
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-") or "run"
    number = 1
    while f"{slug}-{number}" in taken:
        number += 1
    return f"{slug}-{number}"


def checked_id(wanted: str, taken: list[str]) -> str:
    """``wanted`` as a run id, or a UsageError that says why not."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", wanted):
        raise UsageError(f"{wanted!r} cannot be a run id.", "Use small letters, digits and dashes.")
    if wanted in taken:
        raise UsageError(
            f"There is a run {wanted!r} already.", f"`workbench resume {wanted}` goes on with it."
        )
    return wanted


@asynccontextmanager
async def start_run(
    place: Place,
    ready: ReadyPlan,
    *,
    base: str | None = None,
    run_id: str | None = None,
    no_gates: bool = False,
    script: Script | None = None,
    ask: Ask | None = None,
) -> AsyncIterator[Run]:
    """Open a new run of an approved plan; leaving the context frees everything it held.

    ``base`` is the ref to start from (the plan's, or HEAD). ``script`` makes it a rehearsal; ``ask`` asks a
    person whether the repository is trusted. Raises
    LockedError when another run is going on here, UsageError and SetupError for what is not ready.
    """
    async with AsyncExitStack() as stack:
        run_settings(place, ready, no_gates=no_gates, scripted=script is not None)  # refused before it asks
        commit = await resolve(place.repository, base or ready.plan.base or "HEAD")
        goes_by = await gate(place, commit, ask)
        place = place.trusting(goes_by.trust.trusted)
        settings = run_settings(place, ready, no_gates=no_gates, scripted=script is not None)
        allow_files(len(settings.team))
        roles, remarks = await roles_of(place, ready.plan, commit, str(ready.path))
        store = stack.enter_context(place.store())
        taken = store.runs()
        run = checked_id(run_id, taken) if run_id else new_id(ready, taken)
        if settings.lead and script is None:
            await demand_lead(place, settings)
        await demand_room(place, place.worktrees(run), settings, commit)
        stack.enter_context(RepositoryLock(place.state_dir).acquire(run))
        world = await stack.enter_async_context(open_world(place, run, settings, script, goes_by))
        demand_walls(place, settings, world.protection, trusted=goes_by.trust.trusted)
        await _room_for_branches(world)
        started = RunStarted(
            plan=ready.plan,
            plan_text=ready.text,
            plan_sha256=ready.sha256,
            plan_path=str(ready.path),
            settings=settings,
            base=commit,
            base_tree=await world.git.tree_of(commit),
            target=place.repository.branch,
            integration=f"refs/heads/workbench/{run}/integration",
            environment=world.gates.environment(),
            dirty=bool(place.repository.dirty),
            room=_room(world),
            roles=roles,
            plan_file=str(ready.path.resolve()),
            protection=world.protection,
            trust=goes_by.trust,
        )
        for remark in remarks:
            world.notices.say(str(remark))
        killpoint("run.open")
        bus = Bus()
        engine = Engine(run, RunState(), store, bus, redactor=open_redactor())
        engine.emit(started)
        yield Run(run, engine, bus, world, goes_by.trust)


def say_nothing(sentence: str) -> None:
    """Nobody is there to be told; the run's log has it too."""


@asynccontextmanager
async def resume_run(
    place: Place,
    wanted: str | None = None,
    *,
    budget_usd: float | None = None,
    provided: tuple[str, str] | None = None,
    say: Say = say_nothing,
    ask: Ask | None = None,
) -> AsyncIterator[Run]:
    """Open a run that was stopped or killed, after accounting for what was in flight. ``provided`` is a
    task that was given up and the ref of a person's work for it, with which any run that is over goes on.
    Where the log is damaged, what cannot be relied on is set aside, told to ``say`` and noted in the run.

    Raises UsageError when there is no such run, it is over, or the work cannot be taken; LockedError when
    it is going on.
    """
    from workbench.adapters.processes import reap_orphans

    async with AsyncExitStack() as stack:
        said: list[str] = []

        def tell(sentence: str) -> None:
            said.append(sentence)
            say(sentence)

        store = stack.enter_context(open_log(place, tell))
        run = choose(store.runs(), wanted)
        stack.enter_context(RepositoryLock(place.state_dir).acquire(run))
        # Somebody may be cleaning up after this run since another one held the repository.
        stack.enter_context(RepositoryLock(place.run_dir(run)).acquire(run))
        state = good_state(store, run, tell)
        if provided is not None:
            given_up(state, provided[0])
        elif state.over_for_good:
            await take_requests(store, state, RequestFolder(place.requests(run), tell))
        if provided is None and state.over_for_good:
            from workbench.composition.tidying import tidy

            await tidy(place, state)
            hint = f"`workbench report {run}` shows what came of it."
            if (change := open_change(state)) is not None:
                hint = f"A change of its plan is not answered: `workbench answer {change.message.id} yes`."
            raise UsageError(f"Run {run} is over: {state.outcome}.", hint)
        allow_files(len(state.settings.team))
        await asyncio.to_thread(reap_orphans, run, place.state_dir)
        await free_locks(place.repository.common_dir, run)
        script = stored_script(place, run) if state.settings.scripted else None
        goes_by = await gate(place, await start_of(place, state), ask)
        world = await stack.enter_async_context(open_world(place, run, state.settings, script, goes_by))
        demand_walls(place, state.settings, world.protection, trusted=goes_by.trust.trusted)
        for sentence in said:
            world.notices.say(sentence)
        killpoint("resume.reaped")
        bus = Bus()
        await account(store, state, world)
        if provided is not None:
            commit = await resolve(place.repository, provided[1])
            await write(store, state, await work_provided(state, world, provided[0], commit))
        killpoint("resume.accounted")
        engine = Engine(run, state, store, bus, redactor=open_redactor())
        drop_requests(state, RequestFolder(place.requests(run), say_nothing))
        if state.finished:  # answers that came meanwhile; without them it might have nothing to do
            for requested in world.requests.scan():
                if requested.id not in state.requests:
                    engine.emit(RequestMade(id=requested.id, by=PERSON, request=requested.request))
        engine.emit(
            RunResumed(
                pid=os.getpid(),
                environment=world.gates.environment(),
                budget_usd=budget_usd,
                room=_room(world),
                protection=world.protection,
                trust=goes_by.trust,
            )
        )
        yield Run(run, engine, bus, world, goes_by.trust)


async def take_requests(store: SqliteStore, state: RunState, requests: Requests) -> None:
    """Take into the log what was asked of a run that is over, each with what follows from it: a task that is
    to be tried again lets it go on."""
    for requested in requests.scan():
        if requested.id not in state.requests:
            await write(
                store,
                state,
                *taken(state, RequestMade(id=requested.id, by=PERSON, request=requested.request)),
            )
        requests.settle(requested.id)


def taken(state: RunState, made: RequestMade) -> list[Event]:
    """A request to a run that is over, and what follows from it there."""
    ahead, events = copy.deepcopy(state), list[Event]()
    agenda = deque[Event]([made])
    while agenda:
        event = agenda.popleft()
        apply(ahead, Record(ahead.seq + 1, ahead.at, event))
        events.append(event)
        further = [action.event for action in decide(ahead, event) if isinstance(action, Declare)]
        agenda.extendleft(reversed(further))
    return events


def drop_requests(state: RunState, requests: Requests) -> None:
    """Let go of what was asked of the process that had the run before: to stop, or to pause. Whoever resumes
    wants it to go on."""
    for requested in requests.scan():
        if isinstance(requested.request, OF_THE_MOMENT) and requested.id not in state.requests:
            requests.settle(requested.id)


def _room(world: World) -> int | None:
    """How many agents fit into memory, as far as that is known."""
    found = world.room()
    return None if found is None else max(1, found.agents)


async def _room_for_branches(world: World) -> None:
    """Raise SetupError where a branch of the user's stands in the way of ``workbench/…``."""
    if await world.git.tip("refs/heads/workbench") is not None:
        raise SetupError(
            "There is a branch called `workbench`, so git can make none below `workbench/`.",
            "Rename it: git branch -m workbench SOMETHING-ELSE",
        )


async def account(store: SqliteStore, state: RunState, world: World) -> None:
    """Write down what became of everything that was in flight, one fact at a time. The run is nobody
    else's: its lock is held, and its agents are dead."""
    async for event in accounts(state, world):
        # It was over when its process was: what came after that is no time of the run.
        await write(store, state, event, at=state.at)


async def account_for(place: Place, store: SqliteStore, state: RunState) -> None:
    """What a run that was killed had in flight is accounted for as a resume would, but nothing goes on. Its
    lock must be held. Raises SetupError where not even its agent can be found."""
    from workbench.adapters.processes import reap_orphans

    await asyncio.to_thread(reap_orphans, state.run, place.state_dir)
    goes_by = await gate(place, await start_of(place, state))
    async with open_world(place, state.run, state.settings, None, goes_by, over=True) as world:
        await account(store, state, world)


async def write(store: SqliteStore, state: RunState, *events: Event, at: float | None = None) -> None:
    """All of ``events`` into the log, or none, and the state with them; they happened ``at`` (Unix time), or
    now."""
    now = max(time.time(), state.at) if at is None else at  # the clock may have been set back since
    records = [Record(state.seq + number, now, event) for number, event in enumerate(events, 1)]
    for record in records:
        apply(state, record)
    await store.append(state.run, records)
