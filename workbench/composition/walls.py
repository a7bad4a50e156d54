"""Which walls a run's commands get: by the settings, and by what this machine can do."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.children import Starter
from workbench.adapters.git.administration import empty
from workbench.adapters.protecting import protection
from workbench.adapters.walls.layout import CACHE, Ground, Kind
from workbench.adapters.walls.starter import WalledStarter
from workbench.composition.place import Place
from workbench.core.protection import Protection
from workbench.errors import SetupError

POINTER = "commondir"
"""The file in the state folder that is laid over git's of that name; see ``adapters.walls.layout``."""


@dataclass(frozen=True, slots=True)
class Walls:
    """The walls of one run; ``ground`` is None where commands run as they are."""

    ground: Ground | None
    protection: Protection

    def around(self, starter: Starter, kind: Kind) -> Starter:
        """``starter``, behind walls where there are any."""
        return starter if self.ground is None else WalledStarter(starter, self.ground, kind)

    async def aclose(self) -> None:
        """Delete the caches of what ran behind them, and folders that are empty then. Safe to call twice."""
        if self.ground is None:
            return
        await asyncio.to_thread(empty, self.ground.worktrees / CACHE)
        for folder in (self.ground.worktrees, self.ground.worktrees.parent):
            with suppress(OSError):  # others still use it
                folder.rmdir()

    @property
    def mark(self) -> str:
        """What of them a gate's verdict depends on; "" where there are none."""
        if self.ground is None:
            return ""
        return "walls and network" if self.ground.gate_network else "walls"


async def open_walls(place: Place, run: str, agent: str) -> Walls:
    """The walls for a run's commands; ``agent`` is the run's setting. Raises SetupError when
    there must be some and cannot."""
    found = await protection(place.settings, agent, os.environ.get("PATH"))
    if found.missing and found.sandbox == "on":
        raise SetupError(
            f"The sandbox is switched on but cannot work: {found.missing}.",
            "Install what is missing, or set sandbox = 'auto' to go on without; see `workbench doctor`.",
        )
    return Walls(_ground(place, run) if found.gates else None, found)


def _ground(place: Place, run: str) -> Ground:
    settings = place.settings
    ground = Ground(
        bwrap=shutil.which("bwrap", path=os.environ.get("PATH")) or "bwrap",
        run=run,
        root=_real(place.root),
        common=_real(place.repository.common_dir),
        state=_real(place.state_dir),
        worktrees=_real(place.worktrees(run)),
        pointer=_real(place.state_dir / POINTER),
        home=Path(os.environ.get("HOME") or "/"),
        write=settings.sandbox_write,
        read=settings.sandbox_read,
        gate_network=settings.gate_network,
    )
    place.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    ground.pointer.write_text(f"{ground.git_view}\n")
    return ground


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
