"""JUnit XML that a gate wrote: which files count, and which tests they say failed.

A gate runs code that agents wrote, so nothing is believed of these files but names: they are read up to a
size, never through a link that leads out of the worktree, and never when they are no plain file.
"""

from __future__ import annotations

import asyncio
import os
import stat
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path

from workbench.core.failing import JUnitReport, junit_report
from workbench.errors import SetupError

FILES = 500
"""Reports of one gate that are read; Java writes one for each class."""

BYTES = 16 * 1024 * 1024
"""Bytes that are read of all of them together."""

Stamp = tuple[int, int, int, int]


class Reports:
    """The reports of one run of one gate. ``file`` is for the gate to write; besides, what ``globs`` name
    in ``where`` counts, if it was written since this was made."""

    def __init__(self, where: Path, globs: Sequence[str], file: Path) -> None:
        self.file = file
        self._where = where
        self._globs = globs
        self._before = dict(self._stamped())

    def read(self) -> JUnitReport:
        """The failing tests in all of them. Not ``whole`` when there was more than the limits allow."""
        written = [path for path, stamp in self._stamped() if self._before.get(path) != stamp]
        failing: dict[str, None] = {}
        whole, left = len(written) < FILES, BYTES
        for path in (self.file, *sorted(written)):
            try:
                data = _content(path, left)
            except FileNotFoundError:
                continue
            except OSError:
                whole = False  # a folder, a pipe, a link: something is there that cannot be read
                continue
            left -= len(data)
            report = junit_report(data.decode("utf-8", errors="replace"))
            failing |= dict.fromkeys(report.failing)
            whole = whole and report.whole
        return JUnitReport(tuple(failing), whole and left > 0)

    def _stamped(self) -> Iterable[tuple[Path, Stamp]]:
        """The plain files that the globs name, with what tells whether they were written anew. A change
        time cannot be set back, as a modification time can."""
        root = os.path.realpath(self._where)
        for glob in self._globs:
            for path in islice(self._where.glob(glob), FILES):
                with suppress(OSError):
                    it = path.lstat()
                    inside = Path(os.path.realpath(path.parent)).is_relative_to(root)
                    if inside and stat.S_ISREG(it.st_mode):
                        yield path, (it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns)


def _content(path: Path, limit: int) -> bytes:
    """The beginning of a plain file. Raises OSError for anything else, without waiting for it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a plain file")
        return file.read(limit)


@asynccontextmanager
async def reports_of(where: Path, globs: Sequence[str]) -> AsyncIterator[Reports]:
    """``Reports`` for a gate that is about to run in ``where``; its own file is gone when this ends.
    Raises SetupError when there is no room for that file."""
    try:
        made = tempfile.TemporaryDirectory(prefix="workbench-junit-", ignore_cleanup_errors=True)
    except OSError as error:
        raise SetupError(
            f"A folder for a gate's report could not be made: {error.strerror}.",
            "Make room where temporary files go, or set TMPDIR to a folder that can be written to.",
        ) from error
    with made as folder:
        file = Path(folder, "junit.xml")
        yield await asyncio.to_thread(Reports, where, globs, file) if globs else Reports(where, globs, file)
