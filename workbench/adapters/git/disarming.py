"""What a teammate, or code that a gate ran, may have put where our own git writes about its worktree.

Git's folder about a worktree is its teammate's to write, as is its branch's log. Git follows links there:
with an index, a commit's message or a log that is a link, our git, which nothing confines, would write a file
of the user's, and at a pipe it would wait for ever. Nobody is at work there when this is called.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from workbench.adapters.git.administration import Linked

MODULES = "modules"
"""Repositories of a worktree's submodules. No git of ours writes there, and the user's own may have links in
them: hooks above all, in a worktree that they have lent."""


def disarm(linked: Linked, branch: str = "") -> list[str]:
    """Remove links, pipes and devices from git's records of a worktree, and in the place of the log of its
    ``branch`` (a full ref), and pipes and devices in the place of that branch; gives a sentence for each. A
    HEAD that is a link to a ref, as git once made them, stays."""
    odd = list(_odd(linked.admin, besides=MODULES))
    log = linked.common_dir / "logs" / branch
    if branch and _leads_elsewhere(log):
        odd.append(log)
    if branch and _is_pipe(file := linked.common_dir / branch):
        odd.append(file)
    return [_removed(path) for path in odd]


def unlink_log(common_dir: Path, ref: str) -> None:
    """Remove the log of a ref if it is no file: git would write wherever a link leads."""
    log = common_dir / "logs" / ref
    if _leads_elsewhere(log):
        log.unlink()


def _odd(folder: Path, besides: str = "") -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name == besides:
                continue
            yield from _odd(Path(entry.path))
        elif _leads_elsewhere(Path(entry.path)) and not _names_ref(entry):
            yield Path(entry.path)


def _names_ref(entry: os.DirEntry[str]) -> bool:
    return entry.name == "HEAD" and entry.is_symlink() and Path(entry.path).readlink().parts[:1] == ("refs",)


def _leads_elsewhere(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISSOCK(mode))  # fsmonitor's is a socket


def _is_pipe(path: Path) -> bool:
    return _leads_elsewhere(path) and not path.is_symlink()


def _removed(path: Path) -> str:
    what = f"a link to {path.readlink()}" if path.is_symlink() else "no file"
    path.unlink(missing_ok=True)
    return f"{path} had become {what}, where git would write; it was removed."
