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
from workbench.adapters.walls.layout import CACHE, Ground, Kind, hides
from workbench.adapters.walls.starter import WalledStarter
from workbench.composition.place import Place
from workbench.config import key_of
from workbench.core.invocations import invocations
from workbench.core.loosening import RUNNING
from workbench.core.models import RunSettings
from workbench.core.protection import Protection
from workbench.errors import SetupError, UsageError

POINTER = "commondir"
"""The file in the state folder that is laid over git's of that name; see ``adapters.walls.layout``."""

STREAMS = ("/dev/stdin", "/dev/fd", "/proc/self")
"""Not the same file for each who asks."""


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

    def demand_seen(self, command: str, whose: str) -> None:
        """See that the scripts which ``command`` names by absolute paths are there behind the walls, too:
        UsageError for one that is not, with ``whose`` at the beginning of its sentence. One that it names
        twice it may well make there, or go without."""
        if self.ground is None:
            return
        for script in map(Path, (part.runs for part in invocations(command))):
            if (
                script.is_absolute()
                and not any(script.is_relative_to(own) for own in STREAMS)
                and command.count(str(script)) == 1
                and script.is_file()
                and hides(self.ground, script, os.environ.get("PATH", ""))
            ):
                raise UsageError(
                    f"{whose} runs {script}, which is not there behind the sandbox: a command has a"
                    f" /{script.parts[1]} of its own.",
                    f"Keep it in the repository or below your home, or open it: sandbox_read = ['{script}']"
                    " in workbench.toml, or WORKBENCH_SANDBOX_READ; sandbox = 'off' goes without.",
                )

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
    found = found.model_copy(
        update={"withheld": place.withheld, "file": place.file if place.withheld else ""}
    )
    return Walls(_ground(place, run) if found.gates else None, found)


def demand_walls(place: Place, settings: RunSettings, found: Protection | None, *, trusted: bool) -> None:
    """See that no command of a settings file that nobody trusts runs with the user's rights: UsageError where
    there are no walls, unless whoever started this has switched them off."""
    by_user = place.whole.sandbox == "off" and "sandbox" not in place.own
    if trusted or found is None or found.gates or by_user:
        return
    theirs = [
        key_of(name)
        for name in RUNNING
        if name in place.own and getattr(settings, name) == getattr(place.whole, name) != "claude"
    ]
    if theirs:
        raise UsageError(
            f"{place.file} has commands ({', '.join(theirs)}) that would run with all your rights: nobody has"
            f" said that the repository is trusted, and there is no sandbox here ({found.missing}).",
            "`workbench trust` shows them, and `workbench trust --yes` says yes; or install the sandbox"
            " (`workbench doctor`), or give commands of your own (--gate, --agent). A job is told by"
            " WORKBENCH_TRUST=always.",
        )


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
        logins=os.environ.get("CLAUDE_CONFIG_DIR", ""),
    )
    place.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    ground.pointer.write_text(f"{ground.git_view}\n")
    return ground


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
