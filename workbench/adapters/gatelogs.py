"""What gates print, written to files while they run, so that another process can look on.

Nothing depends on these files: a verdict is made of what is held in memory, and a disk that is full or
cannot be written to costs the looking on, no more. They hold what was printed as it came, colours and all,
but for the secrets that are known; there may be others in what a test prints: only the user can read them.
A file is named by its commit, its tree and its gate, by the first digits of each, and a second run of the
same takes the place of the first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from workbench.adapters.output import CUT, KEPT_BYTES, readable
from workbench.core.redaction import Redactor, Stream

LOG_BYTES = 1_000_000
"""How large a file may become; then the first half of it goes."""

LOGS = 50
"""How many files of gates that are over are kept; those of running ones come on top."""

DIGITS = 12
"""How much of a commit or a tree is in a name."""


class GateLogs:
    """The files below ``folder``, which is made when there is something to write, if what it is to be in
    is there. None is none: then nothing is written."""

    def __init__(self, folder: Path | None, redactor: Redactor | None = None) -> None:
        self._folder = folder
        self._redactor = redactor or Redactor()
        self._over: deque[str] | None = None

    @contextlib.contextmanager
    def of(self, commit: str, tree: str, gate: str) -> Iterator[GateLog | None]:
        """A log for one run of a gate. A file is there as soon as the gate has printed something."""
        if self._folder is None:
            yield None
            return
        if self._over is None:  # before there is any of our own
            self._over = _oldest_first(self._folder)
        name = f"{commit[:DIGITS]}-{tree[:DIGITS]}-{_digest(gate)}.log"
        if name in self._over:
            self._over.remove(name)
            _remove(self._folder / name)
        log = GateLog(self._folder / name, Stream(self._redactor))
        try:
            yield log
        finally:
            if log.close():
                self._over.append(name)
                while len(self._over) > LOGS:
                    _remove(self._folder / self._over.popleft())


class GateLog:
    """One file. Writing never raises: after the first failure nothing more is written."""

    def __init__(self, path: Path, stream: Stream) -> None:
        self._path = path
        self._stream = stream
        self._file = -1
        self._size = 0
        self._failed = False

    def write(self, data: bytes) -> None:
        """Append what was just printed, without the secrets in it."""
        if not self._failed:
            self._append(encoded(self._stream.write(decoded(data))))

    def _append(self, data: bytes) -> None:
        if self._failed or not data:
            return
        try:
            if self._file < 0:
                self._file = _made(self._path)
            if self._size + len(data) > LOG_BYTES:
                self._shorten()
            self._size += os.write(self._file, data)
        except OSError:
            self._failed = True

    def _shorten(self) -> None:
        """Go on in another file, with the end of this one behind a line that says so. It takes this one's
        place at once: whoever reads sees either."""
        end = os.pread(self._file, LOG_BYTES // 2, max(0, self._size - LOG_BYTES // 2))
        draft = self._path.with_suffix(".new")
        was, self._file = self._file, _made(draft)
        os.close(was)
        try:
            self._size = os.write(self._file, CUT.encode() + end.partition(b"\n")[2])
            draft.replace(self._path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def close(self) -> bool:
        """Whether there was anything to write to a file."""
        self._append(encoded(self._stream.close()))
        if self._file < 0:
            return False
        with contextlib.suppress(OSError):  # on a network's disk this may be the first to hear of a failure
            os.close(self._file)
        self._file, self._failed = -1, True
        return True


def last_lines(folder: Path, commit_or_tree: str, gate: str) -> str:
    """The end of what a gate printed in its latest run on a commit, or on a tree, as plain text; "" where
    there is no file of it, or it cannot be read. Reads twice KEPT_BYTES at most."""
    digits, digest = commit_or_tree[:DIGITS], _digest(gate)
    try:
        with os.scandir(folder) as entries:
            fit = [it for it in entries if _names(it.name, digits, digest)]
            if not fit:
                return ""
            newest = max(fit, key=lambda it: it.stat().st_mtime_ns)
        with Path(newest.path).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, size - 2 * KEPT_BYTES))
            text = readable(file.read(2 * KEPT_BYTES))
    except OSError:  # it was removed just now, or is nobody's business
        return ""
    return f"{CUT}{text}" if start and not text.startswith(CUT) else text


def decoded(data: bytes) -> str:
    """Bytes as text that becomes the same bytes again, whatever they are: each is one character."""
    return data.decode("latin-1")


def encoded(text: str) -> bytes:
    """The bytes behind ``decoded`` text."""
    return text.encode("latin-1", "replace")


def _names(name: str, digits: str, digest: str) -> bool:
    parts = name.removesuffix(".log").split("-")
    return name.endswith(".log") and digits in parts[:2] and parts[-1] == digest


def _digest(gate: str) -> str:
    return hashlib.sha256(gate.encode(errors="surrogateescape")).hexdigest()[:DIGITS]


def _made(path: Path) -> int:
    """A new file, whatever was there: who still writes to that goes on with a file that has no name."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError:
        path.unlink()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    return os.open(path, flags, 0o600)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # it is gone already, or stays: nothing hangs on it
        path.unlink()


def _oldest_first(folder: Path) -> deque[str]:
    """The files that are there already."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = sorted((it.stat().st_mtime_ns, it.name) for it in entries)
        return deque(name for _, name in found)
    return deque()
