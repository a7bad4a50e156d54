"""Plan files on disk: read once they were left alone, replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from workbench.crashpoints import crashpoint

MOST_BYTES = 2 << 20

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC

Stamp = tuple[int, int, int]


def _stamp_of(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_size, found.st_ino


class PlanFileOnDisk:
    """Fulfils ``engine.ports.PlanFile``. ``name`` is what it is called to people. ``fresh`` says that it
    may be made where there is none."""

    def __init__(self, path: Path, name: str, *, fresh: bool = False) -> None:
        self.name = name
        self._path, self._fresh = path, fresh
        self._read: Stamp | None = None
        self._looked: Stamp | None = None

    def changed(self, wait: bool = True) -> str | None:
        """See ``PlanFile.changed``."""
        stamp = self._stamp()
        if stamp is None or stamp == self._read:
            return None
        settled = stamp == self._looked or self._read is None
        self._looked = stamp
        if wait and not settled:
            return None
        text = self._text()
        if text is None or self._stamp() != stamp:  # somebody is writing just now
            return None
        self._read = stamp
        return text

    def replace(self, before: str, text: str) -> bool:
        """See ``PlanFile.replace``."""
        there = self._text()
        if there is None and not (self._fresh and not os.path.lexists(self._path)):
            return False
        if there is not None and there != before:
            return False
        real = Path(os.path.realpath(self._path))  # a link stays one
        unfinished = real.with_name(f".{real.name}.workbench.tmp")
        try:
            mode = stat.S_IMODE(real.stat().st_mode) if there is not None else 0o600
            descriptor = os.open(unfinished, FLAGS, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
                written = _stamp_of(os.fstat(file.fileno()))
            crashpoint("plan.tick")
            if self._text() != there:
                return False
            unfinished.rename(real)
        finally:
            unfinished.unlink(missing_ok=True)
        self._read = self._looked = written
        return True

    def _stamp(self) -> Stamp | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return _stamp_of(found) if stat.S_ISREG(found.st_mode) else None

    def _text(self) -> str | None:
        """What it holds; None where there is no such file, or no text in it."""
        if self._stamp() is None:
            return None
        try:
            with self._path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
            return data.decode("utf-8") if len(data) <= MOST_BYTES else None
        except (OSError, UnicodeDecodeError):
            return None


class PlanFolder:
    """Fulfils ``engine.ports.PlanFiles``: ``own`` is the run's file. ``approve_again`` gets the text of the
    user's plan before and after its boxes were set."""

    def __init__(self, own: Path, approve_again: Callable[[str, str], None]) -> None:
        self.own = PlanFileOnDisk(own, "plan.md of the run", fresh=True)
        self.approve_again = approve_again

    def at(self, path: str) -> PlanFileOnDisk:
        """See ``PlanFiles.at``."""
        return PlanFileOnDisk(Path(path), Path(path).name)
