"""Sparse worktrees: a cone of folders from the globs a task declares."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.process import encoded, run

SPECIAL = frozenset("*?[{")


def cone(globs: Sequence[str]) -> tuple[str, ...] | None:
    """The folders that hold everything the globs can match; None when that is the whole tree.
    Files at the root are always there."""
    folders: set[str] = set()
    for glob in globs:
        parts = [part for part in glob.split("/") if part not in ("", ".")]
        plain: list[str] = []
        for part in parts[:-1]:
            if SPECIAL & set(part):
                break
            plain.append(part)
        if ".." in plain:
            return None
        if not plain and len(parts) > 1:
            return None
        if not plain and parts and parts[0] == "**":
            return None
        if plain:
            folders.add("/".join(plain))
    return tuple(sorted(folders)) if globs else None


async def use_cone(linked: Linked, globs: Sequence[str]) -> None:
    """Make the worktree sparse for ``globs``, or whole when they say nothing. Git keeps the setting
    per worktree, for which it sets ``extensions.worktreeConfig`` in the repository."""
    folders = cone(globs)
    is_sparse = (linked.admin / "info" / "sparse-checkout").exists()
    if folders is not None:
        feed = encoded("".join(f"{folder}\n" for folder in folders)) or b"\n"
        await run(linked.place, "sparse-checkout", "set", "--cone", "--stdin", feed=feed)
    elif is_sparse:
        await run(linked.place, "sparse-checkout", "disable")
