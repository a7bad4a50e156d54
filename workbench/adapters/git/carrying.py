"""Earlier work, carried into a worktree that starts anew."""

from __future__ import annotations

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.conflicts import remember
from workbench.adapters.git.process import run
from workbench.adapters.git.status import status_of
from workbench.errors import GitError

NO_DRIVER = "WORKBENCH_NO_DRIVER"
"""A variable that holds what is run instead of a merge driver."""


async def merge_in(linked: Linked, commit: str) -> tuple[str, ...]:
    """Merge ``commit`` in: a merge commit when clean, else conflicts left in the files, which are remembered
    and given. Raises GitError, and Busy, when git cannot merge at all."""
    words = ("merge", "--no-ff", "--no-verify", "-q", "-m", "Merge the work of an earlier attempt", commit)
    options = await _no_drivers(linked)
    done = await run(linked.place, *options, *words, fine=(0, 1), extra={NO_DRIVER: "false"})
    if done.code == 0:
        return ()
    if not linked.heads("MERGE_HEAD"):
        raise GitError(f"git merge failed: {done.err.strip()[-500:]}")
    status = await status_of(linked.place)
    paths = tuple(sorted(entry.path for entry in status.entries if entry.kind == "u"))
    remember(linked, paths)
    return paths


async def _no_drivers(linked: Linked) -> list[str]:
    """Options by which no merge driver is run: see ``attributes.DRIVER``. The files are in conflict."""
    asked = ("config", "--name-only", "-z", "--get-regexp", r"^merge\..*\.driver$")
    found = await run(linked.place, *asked, fine=(0, 1))
    return [f"--config-env={name}={NO_DRIVER}" for name in found.text.split("\0") if name]
