"""What sandboxes leave in a worktree, and what never reaches a commit.

Claude Code's sandbox lays character devices over dotfiles that are missing, and may leave empty
files of well-known names behind. ``git add -A`` would land an empty package.json; so an *empty* file
of such a name at the root, which the attempt did not start with, is no work of anybody's.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git.status import Entry

DEVICES = (".bash_profile", ".bashrc", ".gitconfig", ".gitmodules", ".idea", ".mcp.json", ".profile",
           ".ripgreprc", ".vscode", ".zprofile", ".zshrc")  # fmt: skip
"""Names that the sandbox covers with devices: excluded, or ``git add -A`` inside it fails."""

EMPTIES = frozenset({*DEVICES, ".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "package.json",
                     "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "node_modules",
                     ".claude"})  # fmt: skip
"""Names under which empty files stay behind; besides these ``.env`` and ``.env.<anything>``."""

EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"

FOLDER = ".workbench"
"""The folder of markers and messages in every worktree."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What a status amounts to: ``work`` to record, ``unwanted`` to take out of the index,
    ``nested`` repositories (their folders) that git cannot record, ``removed`` files to record as gone,
    whatever stands in their place now."""

    work: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def placeholder_name(path: str) -> bool:
    """Whether a sandbox may leave an empty file of this name; only names at the root are."""
    return path in EMPTIES or path == ".env" or (path.startswith(".env.") and "/" not in path)


def sorted_out(entries: Iterable[Entry], root: Path) -> Leftovers:
    """Tell work from leftovers among what git status lists."""
    work: list[str] = []
    unwanted: list[str] = []
    nested: list[str] = []
    removed: list[str] = []
    for entry in entries:
        ours = entry.path.split("/", 1)[0] == FOLDER
        if entry.kind == "?":
            if entry.path.endswith("/"):
                nested.append(entry.path)
            elif not ours and not _worthless(root, entry.path):
                work.append(entry.path)
        elif "A" in entry.code and entry.kind == "1" and (ours or _worthless(root, entry.path)):
            unwanted.append(entry.path)
        elif entry.kind == "1" and (entry.code == "D." or entry.code[1] == "D"):
            removed.append(entry.path)
        elif entry.kind != "u" or not _folder(root / entry.path):
            work.append(entry.path)
    return Leftovers(tuple(work), tuple(unwanted), tuple(nested), tuple(removed))


def _folder(path: Path) -> bool:
    """Whether a folder stands where a conflict is about something else, such as a submodule that is not
    checked out: git adds none, and what is in it is listed by itself."""
    return path.is_dir() and not path.is_symlink() and not (path / ".git").exists()


def committed(now: Mapping[str, str], before: Mapping[str, str]) -> tuple[str, ...]:
    """Placeholders (and our own folder) among the root entries ``now`` that were not there before."""
    return tuple(
        name
        for name, oid in now.items()
        if name not in before and (name == FOLDER or (oid == EMPTY_BLOB and placeholder_name(name)))
    )


def real_devices(root: Path) -> list[str]:
    """Names we exclude for the sandbox's sake that hold something real here."""
    found = []
    for name in DEVICES:
        try:
            seen = (root / name).lstat()
        except OSError:
            continue
        filled = seen.st_size > 0 and (stat.S_ISREG(seen.st_mode) or stat.S_ISLNK(seen.st_mode))
        if filled or (stat.S_ISDIR(seen.st_mode) and any((root / name).iterdir())):
            found.append(name)
    return found


def _worthless(root: Path, path: str) -> bool:
    """Whether a new file is a placeholder, or nothing that git could record."""
    try:
        seen = (root / path).lstat()
    except OSError:
        return False  # staged and then deleted: recording the deletion is right
    if stat.S_ISREG(seen.st_mode):
        return seen.st_size == 0 and placeholder_name(path)
    return not stat.S_ISLNK(seen.st_mode)
