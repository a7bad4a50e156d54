"""The team of a run, as the log tells it, and what people ask about it; and all teams that there are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.lock import owner
from workbench.adapters.requests import leave
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.past import choose, read_from
from workbench.composition.place import Place
from workbench.core import events as e
from workbench.core.mail import MessageKind
from workbench.core.mailing import awaited, members, working
from workbench.core.requests import Request
from workbench.core.state import RunState, TeammateState
from workbench.errors import UsageError, WorkbenchError

LOOK_SECONDS = 0.05
PATIENCE = 30.0
"""Seconds that a run which is going on gets to take a request."""


# -- one team ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """One who is, or was, in the team. ``waits_for`` is who has to answer first, ``message`` by which."""

    name: str
    state: str
    task: str = ""
    percent: int = 0
    waits_for: str = ""
    message: str = ""
    role: str = ""
    external: bool = False
    worktree: str = ""
    landed: int = 0
    reason: str = ""


def team_of(state: RunState) -> list[Member]:
    """The team in the order in which it was joined, those who left included."""
    return [_member(state, mate) for mate in state.teammates.values()]


def _member(state: RunState, mate: TeammateState) -> Member:
    attempt = working(state, mate.name)
    ask = awaited(state, attempt) if attempt is not None and attempt.waiting else None
    asked_to_go = any(
        it.message.kind is MessageKind.SHUTDOWN and it.to == mate.name for it in state.asks.values()
    )
    how = "free" if attempt is None else "working"
    how = "waiting" if ask is not None else how
    how = "asked to leave" if asked_to_go else how
    how = "leaving" if mate.leaving else how
    return Member(
        name=mate.name,
        state="left" if mate.left else how,
        task=mate.task or "",
        percent=attempt.percent if attempt is not None else 0,
        waits_for=ask.to if ask is not None else "",
        message=ask.message.id if ask is not None else "",
        role=mate.role,
        external=mate.external,
        worktree=mate.worktree,
        landed=mate.landed,
        reason=mate.reason,
    )


async def ask(place: Place, wanted: str | None, request: Request, *, later: bool = False) -> list[e.Event]:
    """Leave a request for a run, and give what it called for; nothing when it is taken only once the run is
    resumed, which must be meant (``later``). Raises UsageError when it is refused, or nobody can take it."""
    with place.reading() as store:
        holder = owner(place.state_dir)
        run = choose(store.runs(), wanted or (holder.run if holder else None))
        live = holder is not None and holder.run == run
        if not live and (not later or read_from(store, run).over_for_good):
            raise UsageError(f"The run {run} is not going on.", "`workbench teams` lists those that are.")
        after = 0
        for record in store.history(run):
            after = record.seq
        name = leave(place.requests(run), request)
        if not live:
            return []
        return await _outcome(store, run, after, name)


async def _outcome(store: SqliteStore, run: str, after: int, request: str) -> list[e.Event]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = [record.event for record in store.history(run, after)]
        for place, event in enumerate(found):
            if isinstance(event, e.RequestRefused) and event.id == request:
                raise UsageError(event.reason, event.hint)
            if isinstance(event, e.RequestMade) and event.id == request and found[place + 1 :]:
                follows = found[place + 1 :]
                if not isinstance(follows[0], e.RequestRefused):
                    return follows
        await asyncio.sleep(LOOK_SECONDS)
    raise UsageError(
        f"The run {run} has not taken this up yet.",
        "It will when it can; `workbench team` shows what came of it.",
    )


# -- all teams ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Team:
    """A run that goes on or can go on, with who is in it."""

    run: str
    repository: str
    title: str
    going_on: bool
    landed: int
    tasks: int
    members: tuple[str, ...]


def teams(place: Place) -> list[Team]:
    """Runs going on or resumable: of this repository first, then of the others that have worktrees where ours
    have them. What cannot be read is left out."""
    found: list[Team] = []
    for common in _repositories(place):
        with suppress(WorkbenchError, OSError):
            found += _teams(common)
    return found


def _teams(common: Path) -> Iterator[Team]:
    state_dir = common / "workbench"
    holder = owner(state_dir)
    with SqliteStore.reading(state_dir / "events.db") as store:
        for run in store.runs():
            try:
                state = read_from(store, run)
            except WorkbenchError:  # damaged: `workbench status` says how
                continue
            live = holder is not None and holder.run == run
            if state.over_for_good and not live:
                continue
            yield Team(
                run,
                str(common.parent if common.name == ".git" else common),
                state.plan.title if state.plan is not None else "",
                live,
                len(state.standing),
                len(state.tasks),
                members(state),
            )


def _repositories(place: Place) -> list[Path]:
    """Git's common directories: ours, and those that worktrees beside ours belong to."""
    ours = place.repository.common_dir
    found = {ours: None}
    for pointer in sorted(place.settings.worktree_root.glob("*/*/*/*/.git")):
        with suppress(OSError, UnicodeDecodeError):
            admin = Path(pointer.read_text(encoding="utf-8").strip().removeprefix("gitdir: "))
            if admin.parent.name == "worktrees" and (admin.parent.parent / "workbench").is_dir():
                found[admin.parent.parent] = None
    return list(found)
