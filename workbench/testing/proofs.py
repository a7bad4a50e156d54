"""What must be true of a repository whatever happened in it, read from git and the disk alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

OURS = ("refs/heads/workbench/", "refs/workbench/")
"""Refs that are a run's."""


def belongings(repo: Path, besides: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Everything that is the user's alone: HEAD, index, configuration, every file of the working tree with
    its mode and time, every ref that is not ours. Refs that begin with one of ``besides`` are left out."""
    found: dict[str, bytes] = {}
    for name in ("HEAD", "index", "config", "MERGE_HEAD", "ORIG_HEAD"):
        if (path := repo / ".git" / name).exists():
            found[name] = path.read_bytes()
    for path in sorted(repo.rglob("*")):
        if ".git" in path.relative_to(repo).parts:
            continue
        seen = path.lstat()
        data = b"link " + bytes(path.readlink()) if path.is_symlink() else b""
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else data
        found[str(path.relative_to(repo))] = data + f" {seen.st_mode} {seen.st_mtime_ns}".encode()
    for line in _git(repo, "for-each-ref", "--format=%(refname) %(objectname)").splitlines():
        if not line.startswith((*OURS, *besides)):
            ref, _, oid = line.partition(" ")
            found[ref] = oid.encode()
    return found


def unreachable(repo: Path, wanted: Iterable[str]) -> set[str]:
    """Those of ``wanted`` of which no ref reaches anything. Each is ids of objects with spaces between
    them, any of which will do."""
    reachable = set(_git(repo, "rev-list", "--all", "--objects", "--no-object-names").split())
    return {line for line in wanted if line and reachable.isdisjoint(line.split())}


def landings_of(repo: Path, branch: str, base: str) -> list[str]:
    """The tasks that landed on ``branch`` since ``base``, oldest first, one for each landing."""
    words = ("log", "--first-parent", "--reverse", "--format=%(trailers:key=Workbench-Task,valueonly)%x00")
    listed = _git(repo, *words, f"{base}..{branch}").split("\0")
    return [task.strip() for task in listed if task.strip()]


def locks_left(repo: Path) -> list[str]:
    """Lock files in git's folder, which stop whoever comes next."""
    return sorted(str(path.relative_to(repo)) for path in (repo / ".git").rglob("*.lock"))


def damage(repo: Path) -> str:
    """What ``git fsck`` complains about; "" when nothing is wrong."""
    words = ["git", "fsck", "--full", "--no-dangling", "--no-progress"]
    done = subprocess.run(words, cwd=repo, capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("notice:")]
    return "\n".join(said) if done.returncode or said else ""


def _git(repo: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=repo, capture_output=True, check=True, text=True, errors="surrogateescape"
    )
    return done.stdout.rstrip("\n")
