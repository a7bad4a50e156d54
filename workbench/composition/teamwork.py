"""The team of a run, as the log tells it; and all teams that there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.lock import owner
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.past import read_from
from workbench.composition.place import Place
from workbench.core.mail import MessageKind
from workbench.core.mailing import awaited, members, working
from workbench.core.state import RunState, TeammateState
from workbench.errors import WorkbenchError

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
