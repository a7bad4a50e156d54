"""Every adapter of one run, put together and taken apart again."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.adapters.agents.environment import claude_environment, command_environment
from workbench.adapters.agents.external import Dispatch, ExternalAgent
from workbench.adapters.children import Starter
from workbench.adapters.direct import DIRECT
from workbench.adapters.gates import TOOLCHAIN, ShellGates
from workbench.adapters.git.checkouts import Checkouts
from workbench.adapters.git.examining import Examining
from workbench.adapters.git.furnishing import Furnishing, Notice, silent
from workbench.adapters.git.guard import RepositoryGuard
from workbench.adapters.git.packs import pack_loose
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.process import overruling
from workbench.adapters.git.worktrees import Worktrees, branch_folder
from workbench.adapters.markers import MarkerFolders
from workbench.adapters.memory import room_for
from workbench.adapters.planfiles import PlanFolder
from workbench.adapters.requests import RequestFolder
from workbench.adapters.secrets.search import Searcher
from workbench.adapters.structure.resolver import StructuralResolver
from workbench.adapters.supervision.starter import Keeper
from workbench.adapters.templates import Templates
from workbench.adapters.walls.layout import Ground
from workbench.composition.lead import LeadExtras, no_lead_extras, open_seat
from workbench.composition.names import SourceNames
from workbench.composition.place import Place
from workbench.composition.planning import approve_ticked
from workbench.composition.redacting import open_redactor
from workbench.composition.trusting import Gate
from workbench.composition.trusting import environment as environment_of
from workbench.composition.walls import Walls, open_walls
from workbench.core.mail import LEAD
from workbench.core.models import RunSettings
from workbench.core.redaction import Redactor
from workbench.core.state import AttemptState
from workbench.crashpoints import crashpoint
from workbench.engine.ports import Agent
from workbench.engine.world import Notices, World, no_extras
from workbench.errors import SetupError, UsageError, WorkbenchError

if TYPE_CHECKING:
    from workbench.rehearsal.script import Script

NO_COLLECTING = {
    "GIT_CONFIG_COUNT": "4",
    "GIT_CONFIG_KEY_0": "gc.auto",
    "GIT_CONFIG_VALUE_0": "0",
    "GIT_CONFIG_KEY_1": "maintenance.auto",
    "GIT_CONFIG_VALUE_1": "false",
    "GIT_CONFIG_KEY_2": "credential.helper",
    "GIT_CONFIG_VALUE_2": "",
    "GIT_CONFIG_KEY_3": "core.askPass",
    "GIT_CONFIG_VALUE_3": "",
}
"""With these git does not collect garbage on a teammate's commit: killed with the teammate, it would leave
locks on refs of all the others. And it asks no helper for the user's passwords: an empty one takes back
those that were named before, for single hosts too."""

Extras = Callable[[AttemptState, Path], Mapping[str, str]]


def _demand_startable(walls: Walls, settings: RunSettings) -> None:
    """UsageError for a command that cannot start, which else each attempt would find out."""
    if settings.agent != "claude":
        from workbench.adapters.agents.command import absent

        line = settings.agent.removeprefix("command:")
        if program := absent(line, settings.setup, os.environ.get("PATH", os.defpath)):
            raise UsageError(
                f"The agent cannot be started: there is no program {program} on PATH.",
                f"Install {program}, or name another: --agent 'command:CMD' or `agent` in workbench.toml.",
            )
        walls.demand_seen(line, "The agent")
    for command in settings.setup:
        walls.demand_seen(command, f"The set-up `{command}`")
    for command in settings.gates:
        walls.demand_seen(command, f"The gate `{command}`")


@asynccontextmanager
async def open_world(
    place: Place,
    run: str,
    settings: RunSettings,
    script: Script | None,
    gate: Gate,
    *,
    over: bool = False,
) -> AsyncIterator[World]:
    """The world of one run; leaving it ends helper processes, gates and the rehearsal. In that of a run which
    is ``over`` for now nothing is started: its commands need not be there any more."""
    async with AsyncExitStack() as stack:
        stack.enter_context(overruling({} if gate.trust.trusted else gate.restraint))
        place = place.trusting(gate.trust.trusted)
        folder = place.run_dir(run)
        crashpoint("run.folder")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        keeper = await stack.enter_async_context(Keeper(known_by(place, run)))
        walls = await open_walls(place, run, settings.agent)
        if not over:
            _demand_startable(walls, settings)
        git = Plumbing(place.repository)
        stack.push_async_callback(git.aclose)
        searcher = Searcher()
        stack.push_async_callback(searcher.aclose)
        root = _root(place, run)
        stack.enter_context(_logged(folder, open_redactor()))
        briefs = Templates()
        compiling = asyncio.ensure_future(asyncio.to_thread(briefs.compile, "brief.md.j2"))
        stack.push_async_callback(asyncio.wait, {compiling})
        notices = Notices()
        furnishing = furnishing_of(place, run, settings, notices.say, walls.around(keeper, "set-up"))
        worktrees = Worktrees(
            place.repository,
            git,
            root,
            run,
            furnishing,
            sparse=settings.sparse,
            salvage=place.settings.salvage,
            first=_packing(stack, place, notices.say) if walls.ground is not None else None,
            secure=walls.ground is not None,
        )
        stack.push_async_callback(worktrees.aclose)
        slots = place.settings.gate_slots
        stack.push_async_callback(walls.aclose)
        opening = open_gates(place, run, settings, furnishing, slots, keeper, walls)
        gates = await stack.enter_async_context(opening)
        environment: Mapping[str, str] = os.environ
        extras: Extras = no_extras
        lead_extras: LeadExtras = no_lead_extras
        if script is not None:
            environment, extras = await _rehearse(stack, folder, script)
            lead_extras = _rehearsed_lead(folder)
        seat = open_seat(
            place,
            run,
            settings,
            environment=environment,
            known=known_by(place, run),
            folder=folder,
            extras=lead_extras,
        )
        yield World(
            git=git,
            worktrees=worktrees,
            gates=gates,
            agent=Dispatch(
                open_agent(place, settings, folder, walls.around(keeper, "teammate"), walls.ground),
                ExternalAgent(place.seats(run)),
            ),
            markers=MarkerFolders(branches=branch_folder(place.repository, run)),
            briefs=briefs,
            resolver=StructuralResolver(),
            names=SourceNames(),
            environment={
                **NO_COLLECTING,
                **_identity(place),
                **_allowed(place, settings, environment),
                **known_by(place, run),
            },
            extras=extras,
            notices=notices,
            room=room_for(settings.agent.partition(":")[0]),
            guard=RepositoryGuard(place.repository, git, run),
            requests=RequestFolder(place.requests(run), notices.say),
            seat=await stack.enter_async_context(seat),
            restraint=environment_of(gate.restraint, NO_COLLECTING),
            planted=gate.planted,
            plans=PlanFolder(place.plan_file(run), partial(approve_ticked, place)),
            notes=place.notes(),
            examiner=Examining(place.repository, searcher.search),
            protection=walls.protection,
        )


def _packing(stack: AsyncExitStack, place: Place, notice: Notice) -> asyncio.Future[int]:
    """Begin to put the repository's objects where no teammate can delete them, beside what else a run begins
    with; over before the first of them has a worktree."""
    packing = asyncio.ensure_future(pack_loose(place.repository, notice))
    stack.push_async_callback(asyncio.wait, {packing})
    return packing


def plain_environment(place: Place, run: str) -> dict[str, str]:
    """What gates and set-up commands get: what a command teammate would, and the toolchain's variables."""
    allowed = command_environment(os.environ, (*TOOLCHAIN, *place.settings.env))
    return {**allowed, **known_by(place, run)}


def furnishing_of(
    place: Place, run: str, settings: RunSettings, notice: Notice = silent, starter: Starter = DIRECT
) -> Furnishing:
    """What each new worktree of the run gets besides git's files."""
    return Furnishing(
        place.root,
        copy=settings.copy_files,
        link=settings.link_files,
        setup=settings.setup,
        notice=notice,
        env=plain_environment(place, run),
        starter=starter,
    )


@asynccontextmanager
async def open_gates(
    place: Place,
    run: str,
    settings: RunSettings,
    furnishing: Furnishing,
    slots: int,
    keeper: Keeper | None = None,
    walls: Walls | None = None,
) -> AsyncIterator[ShellGates]:
    """The run's gates, ``slots`` at once; leaving ends what they left and removes their worktrees. Without
    the run's ``keeper`` and ``walls`` they and their set-up get some of their own."""
    async with AsyncExitStack() as stack:
        if walls is None:
            walls = await open_walls(place, run, settings.agent)
            stack.push_async_callback(walls.aclose)
        if keeper is None:
            keeper = await stack.enter_async_context(Keeper(known_by(place, run)))
            furnishing = replace(furnishing, starter=walls.around(keeper, "set-up"))
        cache = place.settings.gate_cache
        checkouts = Checkouts(place.repository, place.worktrees(run), furnishing, slots=slots, cache=cache)
        stack.push_async_callback(checkouts.aclose)
        env = {**plain_environment(place, run), **NO_COLLECTING}  # they run what teammates wrote
        gates = ShellGates(
            checkouts,
            seconds=settings.gate_seconds,
            env=env,
            setup=settings.setup,
            junit=settings.gate_junit,
            quarantine=settings.quarantine,
            starter=walls.around(keeper, "gate"),
            confined=walls.mark,
            logs=place.gate_logs(run),
            redactor=open_redactor(),
        )
        stack.push_async_callback(gates.aclose)
        yield gates


def known_by(place: Place, run: str) -> dict[str, str]:
    """Variables that every process of a run carries, so that leftovers of a killed run are known for
    what they are, and nobody else's processes ever are."""
    return {"WORKBENCH_RUN": run, "WORKBENCH_STATE": str(place.state_dir)}


def _root(place: Place, run: str) -> Path:
    """The folder for the run's worktrees, made and seen to be writable. Raises SetupError."""
    root = place.worktrees(run)
    if root.resolve().is_relative_to(place.root.resolve()):
        raise SetupError(
            f"The folder for worktrees, {root}, is inside the repository.",
            "Set worktree_root to a folder outside it: tools would take worktrees in it for its own files.",
        )
    try:
        crashpoint("run.worktrees")
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"The folder for worktrees, {root}, cannot be made: {error.strerror}.",
            "Set worktree_root (or WORKBENCH_WORKTREE_ROOT) to a folder that can be written to.",
        ) from None
    return root


class RunLog(logging.FileHandler):
    """The run's own log file. A disk that is full must not fill the terminal with traces, too: what stops
    the run says so itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class RedactedFormatter(logging.Formatter):
    """What is logged, traces included, without the secrets that are known."""

    def __init__(self, form: str, redactor: Redactor) -> None:
        super().__init__(form)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(super().format(record))


@contextmanager
def _logged(folder: Path, redactor: Redactor) -> Iterator[None]:
    """What goes wrong inside is written to the run's own log file, never to the terminal."""
    handler = RunLog(folder / "log.txt", encoding="utf-8", delay=True)
    handler.setFormatter(RedactedFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", redactor))
    logger = logging.getLogger("workbench")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def _identity(place: Place) -> dict[str, str]:
    """Who teammates' commits are by: the user, or workbench where git knows no user and would refuse."""
    if place.repository.has_identity:
        return {}
    who = {"NAME": "workbench teammate", "EMAIL": "teammate@workbench.invalid"}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}


def _allowed(place: Place, settings: RunSettings, environment: Mapping[str, str]) -> dict[str, str]:
    select = claude_environment if settings.agent == "claude" else command_environment
    return select(environment, place.settings.env)


def open_agent(
    place: Place, settings: RunSettings, folder: Path, starter: Starter, ground: Ground | None = None
) -> Agent:
    """The agent that the settings name; ``starter`` starts commands, ``ground`` is where Claude's are
    confined."""
    kind, _, command = settings.agent.partition(":")
    if kind == "command":
        from workbench.adapters.agents.command import CommandAgent

        return CommandAgent(command, starter=starter)
    from workbench.adapters.agents.claude import ClaudeAgent, ClaudeSettings, find_claude

    wanted = place.settings
    try:
        find_claude(wanted.claude, os.environ.get("PATH"))
    except WorkbenchError as missing:
        raise SetupError(str(missing), missing.hint) from None
    return ClaudeAgent(
        ClaudeSettings(
            claude=wanted.claude,
            sandbox=wanted.sandbox,
            allowed_domains=wanted.sandbox_domains,
            writable=tuple(str(place.root / it) if it[0] not in "~/" else it for it in wanted.sandbox_write),
            web=wanted.web,
            launchers=folder,
            ground=ground,
        ),
        place.notes(),
    )


async def _rehearse(stack: AsyncExitStack, folder: Path, script: Script) -> tuple[dict[str, str], Extras]:
    """Serve ``script`` for as long as the run is open, and keep it for a resume."""
    from workbench.rehearsal.server import headers_env, serve

    crashpoint("rehearsal.script")
    _script_path(folder).write_text(script.model_dump_json(exclude_defaults=True), encoding="utf-8")
    rehearsal = await stack.enter_async_context(serve(script, config_dir=folder / "claude"))

    def extras(attempt: AttemptState, worktree: Path) -> Mapping[str, str]:
        who = headers_env(
            task=attempt.task, attempt=attempt.number, teammate=attempt.teammate, worktree=worktree
        )
        # Each its own: what the sandbox of one lays there for a moment would be in the others' way.
        return {**who, "CLAUDE_CONFIG_DIR": str(folder / "claude" / attempt.teammate)}

    return {**os.environ, **rehearsal.env()}, extras


def _rehearsed_lead(folder: Path) -> LeadExtras:
    """What tells the rehearsal that it is the lead who asks."""
    from workbench.rehearsal.server import headers_env

    def extras(life: int, place: Path) -> Mapping[str, str]:
        who = headers_env(task="", attempt=life, teammate=LEAD, worktree=place)
        return {**who, "CLAUDE_CONFIG_DIR": str(folder / "claude" / LEAD)}

    return extras


def _script_path(folder: Path) -> Path:
    return folder / "rehearsal.json"


def stored_script(place: Place, run: str) -> Script:
    """The script a rehearsed run was started with; SetupError when it is gone."""
    from workbench.rehearsal.script import Script

    try:
        return Script.model_validate_json(_script_path(place.run_dir(run)).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(
            f"The script of the rehearsal {run} cannot be read: {error}.", "Start it anew with `rehearse`."
        ) from None
