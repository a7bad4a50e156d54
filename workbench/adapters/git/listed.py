"""Ignored files that a repository's settings list as worth keeping."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.placeholders import FOLDER
from workbench.adapters.git.process import decoded, run

Marks = frozenset[tuple[str, int, int, int]]


async def listed(linked: Linked, globs: Sequence[str]) -> tuple[str, ...]:
    """Ignored, untracked files of a worktree that one of ``globs`` matches. As in ``.gitignore``, a glob
    without a slash matches at any depth, and one that matches a folder takes all in it. Nothing is
    looked for behind a link, and nothing in a repository of its own."""
    if not globs:
        return ()
    words = ("ls-files", "-o", "-i", "--exclude-standard", "-z", "--", *_pathspecs(globs))
    found = decoded((await run(linked.place, *words)).out).split("\0")
    return tuple(path for path in found if path and not path.endswith("/") and not _ours(path))


def marks(linked: Linked, paths: Sequence[str]) -> Marks:
    """What tells these files from what they were before, or will be: by name, size, time and inode."""
    seen = [(path, (linked.path / path).lstat()) for path in paths]
    return frozenset((path, it.st_size, it.st_mtime_ns, it.st_ino) for path, it in seen)


def _pathspecs(globs: Sequence[str]) -> list[str]:
    found = []
    for glob in globs:
        plain = glob.rstrip("/")
        anchored = plain if "/" in plain else f"**/{plain}"
        found += [f":(top,glob){anchored}", f":(top,glob){anchored}/**"]
    return found


def _ours(path: str) -> bool:
    return path.split("/", 1)[0] == FOLDER
