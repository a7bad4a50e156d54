"""One live run per repository: a lock that the kernel releases when its owner dies.

The lock is ``flock`` on ``<state_dir>/lock``; the file's text says who holds it. The text alone
proves nothing (a killed owner leaves it behind), so whoever asks tries the lock as well.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import LockedError, StoreError

TRIES = 10
TRY_SECONDS = 0.02
"""A lock that is held for a moment only (somebody is asking who holds it) is worth trying again."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a repository. ``boot`` tells this boot of ``host`` from others; ``since`` is Unix time."""

    pid: int
    run: str
    host: str
    boot: str
    since: float


class RepositoryLock:
    """The lock in ``state_dir``, which is made when missing."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "lock"

    @contextlib.contextmanager
    def acquire(self, run: str) -> Iterator[Owner]:
        """Hold the lock for ``run`` as long as the context lasts.

        Raises LockedError naming the owner when another process (or this one) holds it. The
        descriptor is closed on exec, so agents that outlive this process do not keep the lock.
        """
        descriptor = self._lock()
        owner = Owner(os.getpid(), run, socket.gethostname(), boot_id(), time.time())
        try:
            killpoint("lock.taken")
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(owner)).encode(), 0)
            yield owner
        finally:
            killpoint("lock.free")
            # The file stays: removing it would let two processes lock two files of one name.
            os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def _lock(self) -> int:
        for _ in range(TRIES):
            try:
                crashpoint("lock.take")
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            except OSError as error:
                raise _unusable(self.path, error) from error
            if _flock(descriptor) and _is_still(descriptor, self.path):
                return descriptor
            os.close(descriptor)
            time.sleep(TRY_SECONDS)
        raise _locked(self.path)


def owner(state_dir: Path) -> Owner | None:
    """Who holds the lock in ``state_dir`` right now, or None when nobody does.

    A text left by a killed owner counts as nobody. Raises LockedError in the rare moment in which
    somebody holds the lock and has not yet said who.
    """
    path = state_dir / "lock"
    for _ in range(TRIES):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            found = _read(descriptor)
            # Taking the lock to ask makes a starting run try again, so it is not done without need.
            if os.fstat(descriptor).st_size == 0 or _flock(descriptor, fcntl.LOCK_SH):
                return None
        finally:
            os.close(descriptor)
        if found is not None:
            return found
        time.sleep(TRY_SECONDS)
    raise _locked(path)


def boot_id() -> str:
    """What tells one boot of this machine from another."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return f"booted-{psutil.boot_time():.0f}"


def _flock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether the file that was locked is the one that has the name now."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _read(descriptor: int) -> Owner | None:
    try:
        return Owner(**json.loads(os.pread(descriptor, 4096, 0)))
    except (ValueError, TypeError):  # being written just now, or by another version
        return None


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The lock {path} cannot be opened: {error.strerror}.",
        "Its disk cannot be written to: mount it for writing."
        if error.errno == errno.EROFS
        else "Check the owner and the mode of this file and its directory.",
    )


def _locked(path: Path) -> LockedError:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        found = _read(descriptor)
    finally:
        os.close(descriptor)
    if found is None:
        return LockedError(
            f"Another process holds {path} and has not said who it is.",
            f"Look for it with `lsof {path}`, or try again in a moment.",
        )
    since = datetime.datetime.fromtimestamp(found.since, datetime.UTC).isoformat(timespec="seconds")
    where = "" if found.host == socket.gethostname() else f" on {found.host}"
    return LockedError(
        f"Run {found.run} is going on in this repository (process {found.pid}{where}, since"
        f" {since.replace('+00:00', 'Z')}).",
        f"`workbench status {found.run}` shows it. Wait for its end, or stop it: `workbench stop`.",
    )
