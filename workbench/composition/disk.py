"""What runs use of the disk: worktrees, gates, files, and what only refs of ours hold in git."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.disk import Scale, Size
from workbench.adapters.git.inventory import BRANCHES, PINS, Inventory, Ref
from workbench.composition.harvest import Say
from workbench.composition.place import Place
from workbench.composition.remains import Remains, all_remains, going_on
from workbench.core.cleaning import Standing
from workbench.errors import GitError

SECONDS = 20.0
"""How long is measured in all; what was not seen by then is said to be missing."""


@dataclass(frozen=True)
class Usage:
    """What one run uses. ``objects`` is what its refs alone keep in git (landed work, which other
    branches have, is not among it); ``aside`` are repositories that teammates made."""

    run: str
    standing: str
    worktrees: Size
    gates: Size
    trash: Size
    aside: Size
    files: Size
    objects: Size
    pins: int

    @property
    def freeable(self) -> Size:
        """What ``workbench clean`` gives back, at most."""
        return self.worktrees + self.gates + self.trash

    @property
    def total(self) -> Size:
        return self.freeable + self.aside + self.files + self.objects


@dataclass(frozen=True)
class Disk:
    """What all runs of a repository use, and the event ``log`` that they share."""

    runs: tuple[Usage, ...]
    log: Size
    folders: tuple[str, ...]

    @property
    def total(self) -> Size:
        return sum((it.total for it in self.runs), self.log)

    @property
    def freeable(self) -> Size:
        """What can be freed of runs that are not going on."""
        return sum((it.freeable for it in self.runs if it.standing != Standing.LIVE), Size())


async def usage(place: Place, wanted: str | None, say: Say, seconds: float = SECONDS) -> Disk:
    """Measure for ``seconds`` at most, telling ``say`` what is being looked at. Reads only; a run that is
    going on is measured like the others."""
    inventory, scale = Inventory(place.repository), Scale.lasting(seconds)
    found = await all_remains(place, inventory, going_on(place))
    refs = await inventory.refs()
    runs = []
    for remains in found:
        if wanted in (None, remains.run):
            say(f"measuring {remains.run}")
            runs.append(await _usage(place, inventory, remains, refs, scale))
    log = scale.weigh(*place.state_dir.glob("events.db*"))
    folders = (str(place.worktrees("any").parent), str(place.state_dir))
    return Disk(tuple(runs), log, folders)


async def _usage(
    place: Place, inventory: Inventory, remains: Remains, refs: list[Ref], scale: Scale
) -> Usage:
    async def weigh(*names: str) -> Size:
        folders = [root / name for root in remains.roots for name in names if not root.is_symlink()]
        return await asyncio.to_thread(scale.weigh, *folders)

    folder: Path = place.run_dir(remains.run)
    return Usage(
        run=remains.run,
        standing=remains.standing.value,
        worktrees=await weigh("team"),
        gates=await weigh("gates"),
        trash=await weigh("trash"),
        aside=await weigh("kept"),
        files=await asyncio.to_thread(scale.weigh, folder),
        objects=await _objects(inventory, remains, refs, scale),
        pins=sum(ref.name.startswith(PINS) for ref in remains.refs),
    )


async def _objects(inventory: Inventory, remains: Remains, refs: list[Ref], scale: Scale) -> Size:
    """What git would let go of if this run's refs were gone."""
    ours = {ref.name for ref in remains.refs if not ref.name.startswith(BRANCHES) or remains.known}
    if not ours:
        return Size()
    tips = [ref.oid for ref in refs if ref.name in ours]
    others = [ref.oid for ref in refs if ref.name not in ours]
    try:
        async with asyncio.timeout(scale.left()):
            return Size(await inventory.disk_usage(tips, others))
    except (TimeoutError, GitError):
        return Size(0, whole=False)
