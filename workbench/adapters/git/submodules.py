"""Files in the folder of a submodule that is not checked out: git neither lists, records nor removes them.

Teammates' worktrees have no submodules unless the set-up brings them. One that is checked out has a history
of its own, and is left alone here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.process import decoded, run

LINK = "160000 "
"""How ``git ls-files --stage`` begins the line of one: its mode, see gitmodules(5)."""


async def filled(linked: Linked, root: Mapping[str, str]) -> tuple[str, ...]:
    """Folders of submodules that are not checked out in a worktree, and hold something. ``root`` are the
    entries at the top of its HEAD: without a ``.gitmodules`` there nothing is asked of git. Raises GitError
    where the index cannot be read."""
    if ".gitmodules" not in root:
        return ()
    lines = decoded((await run(linked.place, "ls-files", "--stage", "-z")).out).split("\0")
    paths = [line.partition("\t")[2] for line in lines if line.startswith(LINK)]
    return await asyncio.to_thread(_filled, linked.path, paths)


def _filled(worktree: Path, paths: list[str]) -> tuple[str, ...]:
    """Each once, whatever the index says: in a merge with conflicts it has one three times, and an index that
    no git made may have one inside another, which goes with that."""
    top = os.path.realpath(worktree)
    found: list[str] = []
    for path in sorted(set(paths), key=lambda it: it.split("/")):
        inside = bool(found) and path.startswith(f"{found[-1]}/")
        if not inside and _holds(os.path.join(top, path)):  # noqa: PTH118 - as it stands
            found.append(path)
    return tuple(found)


def _holds(folder: str) -> bool:
    """Whether something is in it. The index is its teammate's to write: what leads elsewhere, by a link or by
    ``..``, is somebody else's."""
    try:
        names = os.listdir(folder) if os.path.realpath(folder) == folder else []  # noqa: PTH208
    except OSError:  # it is gone, or no folder: git says so itself
        return False
    return bool(names) and ".git" not in names
