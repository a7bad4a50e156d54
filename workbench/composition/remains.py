"""What the runs of a repository left in it and beside it: read from the log, from refs and from folders."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git.inventory import BRANCHES, PINS, Inventory, Ref
from workbench.adapters.lock import owner
from workbench.composition.past import read_from
from workbench.composition.place import Place
from workbench.core.cleaning import Standing
from workbench.core.state import RunState
from workbench.errors import StoreError, WorkbenchError


@dataclass(frozen=True)
class Remains:
    """One run: how it stands, its ``state`` if its log can be read, the folders of its worktrees, and its
    refs. Branches count only where the log names them: others below ``workbench/`` are the user's."""

    run: str
    standing: Standing
    state: RunState | None
    roots: tuple[Path, ...]
    refs: tuple[Ref, ...]

    @property
    def known(self) -> bool:
        return self.state is not None

    def name(self, ref: Ref) -> str:
        """A pin's name below the run's, a branch's below ``refs/heads/``."""
        return ref.name.removeprefix(f"{PINS}{self.run}/").removeprefix("refs/heads/")


def going_on(place: Place) -> str:
    """The run that holds the repository right now; "" when nobody does."""
    holder = owner(place.state_dir)
    return holder.run if holder else ""


async def all_remains(place: Place, inventory: Inventory, live: str) -> list[Remains]:
    """Every run of which anything is left: those of the log in their order, then those that it does not
    know. ``live`` is the run that is going on."""
    refs = await inventory.refs(PINS, BRANCHES)
    states, damaged = _states(place)
    strangers = [run for run in _seen(place, refs) if run not in states]
    found = [_remains(place, run, state, refs, live) for run, state in states.items()]
    for run in strangers:
        standing = Standing.DAMAGED if damaged else Standing.UNKNOWN
        standing = Standing.LIVE if run == live else standing
        found.append(Remains(run, standing, None, (place.worktrees(run),), _pins(run, refs)))
    return found


def _remains(place: Place, run: str, state: RunState | None, refs: list[Ref], live: str) -> Remains:
    if state is None:
        standing = Standing.LIVE if run == live else Standing.DAMAGED
        return Remains(run, standing, None, (place.worktrees(run),), _pins(run, refs))
    ours = {state.integration, *(f"{BRANCHES}{run}/{name}" for name in state.teammates)}
    branches = tuple(ref for ref in refs if ref.name in ours)
    return Remains(run, standing_of(state, live), state, _roots(place, state), _pins(run, refs) + branches)


def standing_of(state: RunState, live: str) -> Standing:
    """How a run stands whose log could be read; ``live`` is the run that is going on."""
    if state.run == live:
        return Standing.LIVE
    if not state.over_for_good:
        return Standing.RESUMABLE
    return Standing.INCOMPLETE if state.outcome == "incomplete" else Standing.OVER


def _states(place: Place) -> tuple[dict[str, RunState | None], bool]:
    """The runs of the log, with None for one that cannot be read; and whether the log itself cannot be."""
    if not place.log_path.exists():
        return {}, False
    found: dict[str, RunState | None] = {}
    try:
        with place.reading() as store:
            for run in store.runs():
                found[run] = None
                with suppress(WorkbenchError):
                    found[run] = read_from(store, run)
    except StoreError:
        return found, True
    return found, False


def _pins(run: str, refs: list[Ref]) -> tuple[Ref, ...]:
    return tuple(ref for ref in refs if ref.name.startswith(f"{PINS}{run}/"))


def _seen(place: Place, refs: list[Ref]) -> list[str]:
    """Runs that a pin or a folder of ours speaks of."""
    found = {ref.name.removeprefix(PINS).split("/")[0] for ref in refs if ref.name.startswith(PINS)}
    for folder in (place.worktrees("any").parent, place.state_dir / "runs"):
        if folder.is_dir() and not folder.is_symlink():
            found |= {path.name for path in folder.iterdir() if path.is_dir() and not path.is_symlink()}
    return sorted(found)


def _roots(place: Place, state: RunState) -> tuple[Path, ...]:
    """Where the run's worktrees stand now, and where the log says that they were made: ``worktree_root``
    may be another by now."""
    found = [place.worktrees(state.run)]
    for mate in state.teammates.values():
        path = Path(mate.worktree) if mate.worktree else None
        if path and path.is_absolute() and path.parts[-3:] == (state.run, "team", mate.name):
            found.append(path.parent.parent)
    return tuple(dict.fromkeys(found))
