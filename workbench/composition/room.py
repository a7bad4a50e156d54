"""Room on the disks, looked at before a run starts: one that fills them would pause half way."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench.adapters.git.sizes import tree_bytes
from workbench.composition.place import Place
from workbench.core.models import RunSettings
from workbench.errors import SetupError

FLOOR_BYTES = 64_000_000
"""What a run needs besides checkouts, at the very least: its log, objects, what gates write."""

PLENTY_BYTES = 20_000_000_000
"""Above this nobody measures the repository first; ``doctor`` does, whatever there is."""


async def demand_room(place: Place, folder: Path, settings: RunSettings, commit: str) -> None:
    """Raise SetupError when the disk of the log, or of the worktrees in ``folder``, has so little room that
    the run could not even begin: a checkout for each teammate and one for the gates must fit."""
    _demand(place.state_dir, FLOOR_BYTES, "the event log", "Free some space there.")
    free = shutil.disk_usage(_standing(folder)).free
    checkouts = 0
    if free < PLENTY_BYTES and not settings.sparse:
        checkouts = await tree_bytes(place.repository, commit) * (len(settings.team) + 1)
    hint = "Free some space there, make the team smaller, or set worktree_root to a folder on another disk."
    _demand(folder, FLOOR_BYTES + checkouts, "the worktrees", hint)


def _demand(folder: Path, needed: int, what: str, hint: str) -> None:
    free = shutil.disk_usage(_standing(folder)).free
    if free < needed:
        raise SetupError(
            f"The disk that is to hold {what}, in {folder}, has {_megabytes(free)} left; the run needs "
            f"{_megabytes(needed)} to begin.",
            hint,
        )


def _standing(folder: Path) -> Path:
    return next((it for it in (folder, *folder.parents) if it.exists()), folder)


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.0f} MB"
