"""How much disk a folder takes, without following a link and without taking for ever."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes on disk. ``whole`` is false when the time was up before all was seen: then it is at least
    that much."""

    bytes: int = 0
    whole: bool = True

    def __add__(self, other: Size) -> Size:
        return Size(self.bytes + other.bytes, self.whole and other.whole)


@dataclass
class Scale:
    """Measures folders until ``deadline`` (on the monotonic clock). A file with several names counts once,
    for whoever is measured first."""

    deadline: float
    _seen: set[tuple[int, int]] = field(default_factory=set)

    @classmethod
    def lasting(cls, seconds: float) -> Scale:
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds until the time is up."""
        return max(0.0, self.deadline - time.monotonic())

    def weigh(self, *paths: Path) -> Size:
        """What ``paths`` take, with all that is in them on the same file system. Links count as
        themselves; what is not there, or may not be seen, counts as nothing."""
        total, whole = 0, True
        for path in paths:
            try:
                top = path.lstat()
            except OSError:
                continue
            total += self._blocks(top)
            folders = [path] if stat.S_ISDIR(top.st_mode) else []
            while folders:
                if time.monotonic() > self.deadline:
                    whole = False
                    break
                total += self._contents(folders, top.st_dev)
        return Size(total, whole)

    def _contents(self, folders: list[Path], device: int) -> int:
        total = 0
        for entry in _entries(folders.pop()):
            try:
                seen = entry.stat(follow_symlinks=False)
            except OSError:  # gone meanwhile
                continue
            total += self._blocks(seen)
            if stat.S_ISDIR(seen.st_mode) and seen.st_dev == device:
                folders.append(Path(entry.path))
        return total

    def _blocks(self, seen: os.stat_result) -> int:
        if seen.st_nlink > 1 and not stat.S_ISDIR(seen.st_mode):
            name = (seen.st_dev, seen.st_ino)
            if name in self._seen:
                return 0
            self._seen.add(name)
        return seen.st_blocks * 512


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # gone meanwhile, or not ours to read
        return []


def readable(size: Size) -> str:
    """Bytes for a person: ``1.2 GB``; with ``at least`` before what was not seen whole."""
    amount, unit = float(size.bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    number = f"{amount:.0f}" if unit == "B" or amount >= 100 else f"{amount:.1f}"
    return f"{'' if size.whole else 'at least '}{number} {unit}"
