"""The `.workbench/` folder of a worktree, which the teammate in it may have turned into anything.

Every step down is taken without following links and every name is used relative to an open
directory, so nothing a teammate does to this folder makes workbench read, write or remove elsewhere.
Text is written under another name first and renamed, so nobody ever sees half of it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

FOLDER = ".workbench"
MARKERS = "markers"
INBOX = "inbox"
QUARANTINE = "quarantine"
LOG = "log"
BRIEF = "brief.md"
NONCE = "nonce"

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def opened(worktree: Path, *names: str) -> Iterator[int]:
    """A descriptor of ``worktree/.workbench/names…``, open as long as the context lasts.

    Missing folders are made. A link or a file in the place of one is removed: these names belong to
    workbench. Raises OSError when the worktree itself is gone.
    """
    current = os.open(worktree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in (FOLDER, *names):
            inner = _enter(current, name)
            os.close(current)
            current = inner
        yield current
    finally:
        os.close(current)


def _enter(parent: int, name: str) -> int:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return os.open(name, _DIRECTORY, dir_fd=parent)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)
    with contextlib.suppress(FileExistsError):  # two at once
        os.mkdir(name, 0o700, dir_fd=parent)
    return os.open(name, _DIRECTORY, dir_fd=parent)


def write(directory: int, name: str, text: str) -> None:
    """Write ``text`` as the file ``name`` of an open directory, whole or not at all."""
    unfinished = f".{name}.{os.getpid()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(FileNotFoundError):
        os.unlink(unfinished, dir_fd=directory)
    descriptor = os.open(unfinished, flags, 0o600, dir_fd=directory)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    os.rename(unfinished, name, src_dir_fd=directory, dst_dir_fd=directory)
