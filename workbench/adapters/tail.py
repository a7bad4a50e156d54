"""The lines of a file as it grows."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

PIECE = 1 << 20
"""Bytes that are read at once."""

LONGEST = 16 << 20
"""Bytes of a line that are held while its end has not come: what is longer is left out."""

SEEN = 64
"""Bytes before the place that was read up to, by which it is known again."""

FIRST = 64 << 20
"""Bytes at the end of a file with which reading begins, where it is larger."""


def open_plain(path: Path) -> int:
    """A descriptor of a regular file for reading. Raises OSError for everything else that may stand there:
    a link leads elsewhere, and a pipe would be waited for."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(f"{path} is no file")
    return descriptor


class Tail:
    """Reads on where it stopped before. A file that was cut and written to again, or that another took the
    place of, is read from its beginning."""

    def __init__(self, opening: Callable[[], int]) -> None:
        self._opening = opening
        self._file: tuple[int, int] | None = None
        self._at = 0
        self._rest = b""
        self._seen = b""
        self.skipped = False
        """Whether its beginning was left out."""

    def lines(self) -> tuple[bool, list[bytes], bool]:
        """Whether it begins anew, the lines that were ended since, and whether there may be more of them.
        Raises OSError when there is no such file."""
        descriptor = self._opening()
        try:
            seen = os.fstat(descriptor)
            before = os.pread(descriptor, len(self._seen), max(0, self._at - len(self._seen)))
            anew = (seen.st_dev, seen.st_ino) != self._file or before != self._seen
            if anew:
                self._file, self._rest, self._seen = (seen.st_dev, seen.st_ino), b"", b""
                self._at = max(0, seen.st_size - FIRST)
                self.skipped = self._at > 0
            data = os.pread(descriptor, PIECE, self._at)
        finally:
            os.close(descriptor)
        self._at += len(data)
        self._seen = (self._seen + data)[-SEEN:]
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            self._rest = b""
        return anew, lines, len(data) == PIECE
