"""Lock files of git that nobody will remove any more.

Git makes ``NAME.lock`` beside what it writes, and a git that was killed leaves it there; from then on every
other git stops at it. The file does not say whose it is, and git may have closed it and still count on it:
``git commit -a`` keeps ``index.lock`` while the message is being typed. So a lock is taken away only when its
owner is proven dead: no process has it open, and no git of the lock's user that may write lives in the
repository, those started here apart. What runs in other places (another machine that shares the disk) is
not seen; workbench's locks lie where only this machine works, in its worktrees and its own refs.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.adapters.git.administration import Linked

if TYPE_CHECKING:
    import psutil

READING = frozenset({
    "blame", "cat-file", "check-attr", "check-ignore", "credential", "credential-cache--daemon", "daemon",
    "diff", "diff-tree", "for-each-ref", "fsmonitor--daemon", "grep", "help", "log", "ls-files", "ls-tree",
    "merge-tree", "rev-list", "rev-parse", "shortlog", "show", "upload-pack", "version",
})  # fmt: skip
"""Commands of git that hold no lock for longer than a moment, and that people leave open: in a pager, in a
service."""

VALUED = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"})
"""Options that stand before the command and have a word of their own after them."""

NAMING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE")
"""Variables by which a git may be at work in a repository it does not stand in."""

PASSING_SECONDS = 0.5
"""A git that comes or goes in this time does not own a lock that was there before and after."""

STALE_SECONDS = 1.0
"""A lock of a worktree that is older may be one that a dead git left: it is normally gone in milliseconds."""


async def remove_if_abandoned(lock: Path, places: Sequence[Path]) -> bool:
    """Remove ``lock`` when its owner is proven dead; gives whether it is gone.

    ``places`` are the folders in which somebody who may have made it works: the git directory and the
    working trees that share it. Takes a look or two at the process table, and half a second when a
    git is at work there.
    """
    before = identity(lock)
    if before is None:
        return True
    owners = await asyncio.to_thread(_writers, lock, places)
    if owners:
        await asyncio.sleep(PASSING_SECONDS)
        owners &= await asyncio.to_thread(_writers, lock, places)
    held = bool(owners) or await asyncio.to_thread(_is_open, lock)
    if held or identity(lock) != before:
        return identity(lock) is None
    lock.unlink(missing_ok=True)
    return True


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a lock from a later one of the same name; None when there is none."""
    try:
        seen = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return seen.st_ino, seen.st_mtime_ns


def work_trees(common_dir: Path) -> list[Path]:
    """A repository's git directory, the folder that it stands in, and its linked working trees."""
    found = [common_dir, common_dir.parent]
    for pointer in (common_dir / "worktrees").glob("*/gitdir"):
        try:
            found.append(Path(pointer.read_text(errors="surrogateescape").rstrip("\n")).parent)
        except OSError:  # just removed
            continue
    return found


def locks_of(linked: Linked, branch: str) -> list[Path]:
    """Where git would lock what it writes about a worktree and its ``branch``, a full ref."""
    names = ("index.lock", "HEAD.lock", "config.worktree.lock")
    return [*(linked.admin / name for name in names), linked.common_dir / f"{branch}.lock"]


async def free_abandoned(linked: Linked, branch: str) -> None:
    """Remove locks that are a second old and whose owner is proven dead: an agent that was killed in the
    middle of a commit left them, and waiting for their owner takes seconds."""
    now = time.time()
    old = [lock for lock in locks_of(linked, branch) if now - _changed(lock) > STALE_SECONDS]
    places = work_trees(linked.common_dir) if old else []
    for lock in old:
        await remove_if_abandoned(lock, places)


async def free_left(linked: Linked, branch: str) -> None:
    """Remove locks of ours that outlive a second and whose owner is proven dead: no agent works here
    at this point, but a person may."""
    await free_abandoned(linked, branch)
    locks = locks_of(linked, branch)
    for _ in range(20):
        if not any(lock.exists() for lock in locks):
            return
        await asyncio.sleep(STALE_SECONDS / 20)
    places = [linked.path, linked.admin]
    for lock in locks:
        around = places if lock.is_relative_to(linked.admin) else work_trees(linked.common_dir)
        await remove_if_abandoned(lock, around)


def _changed(path: Path) -> float:
    """When a file was changed last; now, where there is none."""
    try:
        return path.lstat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return time.time()


def _writers(lock: Path, places: Sequence[Path]) -> set[tuple[int, float]]:
    """Living gits of the lock's user that may write in ``places`` and were not started by this process."""
    import psutil

    try:
        user = lock.lstat().st_uid
    except FileNotFoundError:
        return set()
    roots = [os.path.realpath(place) for place in places]
    found = set()
    for process in psutil.process_iter():
        try:
            name = process.name()
            if name != "git" and not name.startswith("git-"):
                continue
            if process.uids().effective not in (user, 0) or process.ppid() == os.getpid():
                continue
            if process.status() != psutil.STATUS_ZOMBIE and _may_write(process, roots):
                found.add((process.pid, process.create_time()))
        except psutil.AccessDenied:
            found.add((process.pid, 0.0))  # a git of that user, or root's, that does not say where it is
        except psutil.NoSuchProcess:
            continue
    return found


def _may_write(process: psutil.Process, roots: Sequence[str]) -> bool:
    words = process.cmdline()
    if _command(words) in READING:
        return False
    environment = process.environ()
    named = [process.cwd(), *words, *(environment.get(name, "") for name in NAMING)]
    return any(root in text for root in roots for text in named)


def _command(words: Sequence[str]) -> str:
    """Which command of git a process runs: ``commit`` in ``git -C here commit -a``."""
    rest = iter(words[1:])
    for word in rest:
        if word in VALUED:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return words[0].rpartition("git-")[2] if words else ""


def _is_open(path: Path) -> bool:
    """Whether a process of this user's has ``path`` open, as far as the system tells."""
    wanted = str(path.resolve())
    if sys.platform == "linux":
        return any(_leads_to(handle, wanted) for handle in Path("/proc").glob("[0-9]*/fd/*"))
    import psutil

    for process in psutil.process_iter():
        try:
            if any(file.path == wanted for file in process.open_files()):
                return True
        except (psutil.Error, OSError):  # gone, or somebody else's
            continue
    return False


def _leads_to(handle: Path, wanted: str) -> bool:
    try:
        return str(handle.readlink()) == wanted
    except OSError:  # gone, or somebody else's
        return False
