"""The machine: programs, memory, disk, limits of the system."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from workbench.adapters.memory import AGENT_MB
from workbench.config import Settings
from workbench.doctor.finding import Finding, megabytes

CLAUDE_BYTES = AGENT_MB["claude"] * 1_000_000
"""What one Claude Code takes, as the run counts it."""

WATCHES = 1_024
INSTANCES = 16
"""Inotify watches and instances that leave room for an editor and a file manager beside a run."""

LOG_BYTES = 64_000_000
"""Room without which a run is refused: see ``composition.room``."""

FILES_EACH = 24
FILES_APART = 128
"""Open files for each teammate (pipes, its log) and for everything else, generously."""


def python() -> Finding:
    """The interpreter that runs this; an older one than 3.11 could not have been installed for."""
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", "ok", f"Python {version} on {platform.system()} {platform.machine()}.")


def git(version: Callable[[], tuple[int, ...]]) -> Finding:
    """``version`` gives git's version and raises SetupError for one that is missing or too old."""
    return Finding("git", "ok", f"git {'.'.join(map(str, version()))}.")


def disk(folder: Path, needed: int) -> Finding:
    """Room for the worktrees: ``needed`` bytes in ``folder``, which may not exist yet."""
    standing = _standing(folder)
    hint = "Set `worktree_root` to a folder on a disk with room, outside the repository."
    if not standing.is_dir() or not os.access(standing, os.W_OK | os.X_OK):
        return Finding("disk", "fail", f"{standing}, where the worktrees go, cannot be written to.", hint)
    free = shutil.disk_usage(standing).free
    told = f"{megabytes(free)} free for worktrees in {folder}; about {megabytes(needed)} will be used."
    if free < needed:
        return Finding("disk", "fail", told, hint)
    return Finding("disk", "warn" if free < 2 * needed else "ok", told, hint if free < 2 * needed else "")


def log_disk(folder: Path) -> Finding:
    """Room for the event log, which lies in the repository: a run that cannot write it pauses."""
    standing = _standing(folder)
    hint = "Free some space on the disk of the repository."
    if not os.access(standing, os.W_OK | os.X_OK):
        hint = "Make it writable for you: its owner and mode, and whether its disk is mounted for writing."
        return Finding("log", "fail", f"{standing}, where the event log goes, cannot be written to.", hint)
    free = shutil.disk_usage(standing).free
    told = f"{megabytes(free)} free for the event log and git's objects in {folder}."
    if free < LOG_BYTES:
        return Finding("log", "fail", told, hint)
    return Finding(
        "log", "warn" if free < 8 * LOG_BYTES else "ok", told, hint if free < 8 * LOG_BYTES else ""
    )


def _standing(folder: Path) -> Path:
    """The nearest folder above that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def memory(available: int, settings: Settings) -> Finding:
    """Whether ``available`` bytes are enough for the team, Claude Code being the large part of it."""
    needed = settings.team * CLAUDE_BYTES
    told = f"{megabytes(available)} of memory free; {settings.team} teammates take about {megabytes(needed)}"
    if settings.agent != "claude":
        return Finding("memory", "ok", f"{megabytes(available)} of memory free.")
    if available >= needed:
        return Finding("memory", "ok", f"{told}.")
    fits = max(1, available // CLAUDE_BYTES)
    return Finding("memory", "warn", f"{told}, and the tests they run besides.", f"Set `team` to {fits}.")


def open_files(settings: Settings, limits: tuple[int, int] | None = None) -> Finding:
    """The process limit of open files, ``(soft, hard)``; macOS starts with 256."""
    soft, hard = limits or resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES_APART + FILES_EACH * settings.team
    if soft == resource.RLIM_INFINITY or soft >= needed:
        shown = "any number of" if soft == resource.RLIM_INFINITY else f"{soft}"
        return Finding("open files", "ok", f"A process may open {shown} files.")
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return Finding("open files", "ok", f"A process may open {soft} files; a run raises that for itself.")
    hint = "Raise the hard limit (`ulimit -Hn`, or the container's), or make the team smaller."
    return Finding("open files", "warn", f"A process may open {soft} files; {needed} are wanted.", hint)


def inotify(folder: Path = Path("/proc/sys/fs/inotify")) -> Finding | None:
    """How many folders may be watched for markers; None where the system has no such limits."""
    try:
        watches = int((folder / "max_user_watches").read_text())
        instances = int((folder / "max_user_instances").read_text())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    told = f"A user may watch {watches} files and folders with {instances} watchers."
    if watches >= WATCHES and instances >= INSTANCES:
        return Finding("inotify", "ok", told)
    hint = "Raise them: sudo sysctl fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=128"
    return Finding("inotify", "warn", told + " Markers may go unseen until an agent ends.", hint)
