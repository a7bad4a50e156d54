"""Pipes and devices in the place of files that git reads: it would wait at them for ever.

Git opens these without asking what they are, and in a folder of any depth. Looking for them costs a walk over
the worktree, so that is done for a command that has been slow already; see ``process.run``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

READ = (".mailmap", ".lfsconfig")
"""Files git, or what it runs, reads wherever they are, besides those whose names begin with ``.git``."""

SHARED = ("refs/heads/workbench", "logs/refs/heads/workbench")
"""Folders of the shared directory that teammates write, and git reads each file of."""


def clear(work_tree: Path, admin: Path, common_dir: Path) -> list[str]:
    """Remove the pipes and devices that have the place of files git reads, in a worktree, in git's folder
    about it and where teammates write in the shared directory; gives a sentence for each. They hold no
    content. A link to one goes, what it leads to stays."""
    found = [*_below(work_tree, everything=False), *_below(admin, everything=True)]
    return [*clear_shared(common_dir), *_gone(found)]


def clear_shared(common_dir: Path) -> list[str]:
    """The same of the shared directory alone."""
    found = [path for name in SHARED for path in _below(common_dir / name, everything=True)]
    return _gone([*found, *_loose(common_dir / "objects")])


def _gone(found: list[Path]) -> list[str]:
    return [sentence for path in found if (sentence := _removed(path))]


def _below(top: Path, *, everything: bool) -> Iterator[Path]:
    """The obstacles below a folder: all there are, or those with names that git reads. No link to a folder is
    followed; depth is no matter."""
    folders = [(str(top), everything)]
    while folders:
        folder, whole = folders.pop()
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                read = whole or _is_read(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, read))  # all of a repository's own folder
                elif read and _blocks(entry):
                    yield Path(entry.path)


def _loose(objects: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(objects) as entries:
        for entry in entries:
            if len(entry.name) == 2 and entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path), everything=True)


def _is_read(name: str) -> bool:
    folded = name.casefold()  # some file systems take both for one
    return folded.startswith(".git") or folded in READ


def _blocks(entry: os.DirEntry[str]) -> bool:
    if entry.is_file(follow_symlinks=False):
        return False
    try:
        found = entry.stat()  # of where a link leads
    except OSError:
        return False
    mode = found.st_mode
    if stat.S_ISCHR(mode) and found.st_rdev == Path(os.devnull).stat().st_rdev:
        return False  # nobody waits there: that is how people say that there is nothing
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def _removed(path: Path) -> str:
    what = "a pipe or a device"
    with suppress(OSError):
        if path.is_symlink():
            what = f"a link to {path.readlink()}"
        path.unlink()
        return f"{path} had become {what}, at which git waits for ever; it was removed."
    return ""
