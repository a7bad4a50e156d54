"""The refs of a repository read from its files, again and again, for as little as can be.

Git writes a ref into a file of its own and renames it into place, so a folder whose time stands still
holds the same refs. A stamp that is as new as the look itself proves nothing (as in git's own index) and
is not believed. What writes into a ref's file without git is seen by a ``whole`` look only.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.adapters.git.process import decoded

RACY_NS = 50_000_000
"""How much older than a look a stamp must be to be believed: the kernel's clock for files is coarse."""

LARGEST = 4_096
"""Bytes that a ref's file may have; a longer one is none."""

SKIPPED = frozenset({"refs/remotes", "refs/prefetch", "refs/bisect"})
"""Folders of refs that come and go by themselves."""

NO_NAME = re.compile(r"^\.|\.$|\.lock$|\.\.|@\{|[\0-\x20\x7f~^:?*\[\\]")
"""What no part of a ref may have in its name (git-check-ref-format(1)): such a file is a lock, or no ref."""

Stamp = tuple[int, int, int]
NEVER: Stamp = (0, 0, 0)


@dataclass(slots=True)
class _Folder:
    stamp: Stamp = NEVER
    files: dict[str, tuple[Stamp, str]] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


def passing(error: OSError) -> bool:
    """Whether something could not be read for a reason that passes and says nothing of what is there: a look
    that takes it for gone would raise an alarm, and remember that."""
    return error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EAGAIN)


def stamp_of(path: str) -> Stamp:
    """What tells a file or folder from how it will be when it has changed; NEVER when it is not there."""
    try:
        seen = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - half the time of Path.stat
    except OSError:
        return NEVER
    return seen.st_mtime_ns, seen.st_ino, seen.st_size


def believed(stamp: Stamp, now: int) -> Stamp:
    """``stamp`` as it may be kept at the time ``now``."""
    return stamp if stamp[0] < now - RACY_NS else NEVER


class RefFiles:
    """Loose and packed refs below a common directory. ``far`` tells which folders only a whole look reads.

    Not for two threads at once.
    """

    def __init__(self, common_dir: Path, far: Callable[[str], bool]) -> None:
        self._root = str(common_dir)
        self._far = far
        self._folders: dict[str, _Folder] = {}
        self._loose: dict[str, Mapping[str, str]] = {}
        self._packed: Mapping[str, str] = {}
        self._packed_stamp: Stamp = NEVER

    def read(self, *, whole: bool) -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, str]]:
        """Loose refs by folder, and packed ones; what did not change is the same object as before. Loose
        first, as git does: what is packed meanwhile is then seen in one of the two at least."""
        now = time.time_ns()
        seen: set[str] = set()
        waiting = ["refs"]
        changed = False
        while waiting:
            name = waiting.pop()
            if name in SKIPPED or (not whole and self._far(name)):
                continue
            seen.add(name)
            changed |= self._visit(name, now, whole)
            waiting += self._folders[name].folders
        gone = {name for name in self._folders if name not in seen and (whole or not self._far(name))}
        for name in gone:
            del self._folders[name]
        if changed or gone:
            self._loose = {name: folder.values for name, folder in self._folders.items() if folder.values}
        self._read_packed(now)
        return self._loose, self._packed

    def _visit(self, name: str, now: int, whole: bool) -> bool:
        """Bring what is known of a folder up to date; gives whether a ref in it changed."""
        known = self._folders.get(name)
        if known is None:
            known = self._folders[name] = _Folder()
        path = f"{self._root}/{name}"
        stamp = stamp_of(path)
        if stamp == known.stamp and stamp != NEVER and not whole:
            return False
        files: dict[str, tuple[Stamp, str]] = {}
        folders: list[str] = []
        try:
            self._list(name, path, known, now, files, folders)
        except OSError as error:  # it went while it was looked at, as git does with empty ones
            if passing(error):
                raise
            files, folders = {}, []
        known.stamp, known.files, known.folders = believed(stamp, now), files, tuple(folders)
        values = {f"{name}/{file}": value for file, (_, value) in files.items()}
        if values == known.values:
            return False
        known.values = values
        return True

    def _list(
        self,
        name: str,
        path: str,
        known: _Folder,
        now: int,
        files: dict[str, tuple[Stamp, str]],
        folders: list[str],
    ) -> None:
        with os.scandir(path) as entries:
            for entry in entries:
                if NO_NAME.search(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{name}/{entry.name}")
                    continue
                try:
                    seen = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                stamp = (seen.st_mtime_ns, seen.st_ino, seen.st_size)
                before = known.files.get(entry.name)
                if before is not None and before[0] == stamp:
                    files[entry.name] = before
                elif (value := _value(entry.path)) is not None:
                    files[entry.name] = (believed(stamp, now), value)

    def _read_packed(self, now: int) -> None:
        path = f"{self._root}/packed-refs"
        stamp = stamp_of(path)
        if stamp == self._packed_stamp and stamp != NEVER:
            return
        packed = _packed(path)
        self._packed_stamp = believed(stamp, now)
        if packed != self._packed:
            self._packed = packed


def _value(path: str) -> str | None:
    """What a ref's file says; None when it is not there any more, or is no file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if passing(error):
            raise
        return None
    try:
        return decoded(os.read(handle, LARGEST)).rstrip()
    except OSError:
        return None
    finally:
        os.close(handle)


def _packed(path: str) -> dict[str, str]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - see stamp_of
            raw = file.read()
    except OSError as error:
        if passing(error):
            raise
        return {}
    found: dict[str, str] = {}
    for line in decoded(raw).split("\n"):
        if line[40:41] == " " and not line.startswith("#"):
            found[line[41:]] = line[:40]
    return found
