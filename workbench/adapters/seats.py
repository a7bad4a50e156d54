"""Seats: where somebody who joined from outside and the run find each other.

A seat is a folder in the run's own. Whoever joined says in it which process holds it; the run lays a task
down, and takes it away when it is over. A seat is held for as long as that very process lives: its number and
the moment at which it began tell it from every later one, so nothing has to be renewed, and one that was
killed is gone at once.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

HOLDER = "holder.json"
SITTER = "sitter.json"
TASK = "task.json"
SEEN = "seen.json"

NEAR_SECONDS = 0.05
"""How near two readings of a process's beginning are to each other."""

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "fish", "ksh", "ash", "busybox", "timeout", "env", "nice"})
"""Programs that only start others, and may end long before who called them."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A task on a seat: what a teammate needs to begin."""

    task: str
    attempt: int
    teammate: str
    worktree: str

    @property
    def name(self) -> str:
        return f"{self.task}-{self.attempt}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command that worked on a task ended. Without an exit code it could not be run, or was stopped."""

    exit_code: int | None
    error: str = ""
    limit: Literal["", "rate"] = ""


@dataclass(frozen=True, slots=True)
class Sitter:
    """Who took a seat: in which run, by which request, from which checkout; ``after`` is the run's last
    record before that. ``worktree`` is where it worked last."""

    run: str
    request: str
    root: str
    after: int
    worktree: str = ""


class Seat:
    """The seat in ``folder``; reading from one that is not there finds nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # -- whoever joins -------------------------------------------------------------------------------

    def take(self, pid: int) -> None:
        """Hold the seat for as long as the process ``pid`` lives. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write(HOLDER, {"pid": pid, "began": _began(pid)})

    def sit(self, sitter: Sitter) -> None:
        """Write down who sits here, for the same one to find it again."""
        self._write(SITTER, asdict(sitter))

    def sitter(self) -> Sitter | None:
        """Who sits here."""
        found = self._read(SITTER)
        with contextlib.suppress(TypeError):
            return Sitter(**found) if found else None
        return None

    def offer(self) -> Offer | None:
        """The task that lies here now."""
        found = self._read(TASK)
        with contextlib.suppress(TypeError):
            return Offer(**found) if found else None
        return None

    def begin(self, offer: Offer) -> None:
        """Say that the task was taken up."""
        self._write(f"{offer.name}.begun", {})

    def end(self, offer: Offer, outcome: Outcome) -> None:
        """Say how the command ended."""
        self._write(f"{offer.name}.ended", asdict(outcome))

    def seen(self) -> list[str]:
        """Names of letters that were shown."""
        found = self._read(SEEN)
        return [str(name) for name in found.get("letters", [])] if found else []

    def saw(self, letters: list[str]) -> None:
        """Remember which letters were shown."""
        self._write(SEEN, {"letters": letters})

    # -- the run -------------------------------------------------------------------------------------

    def held(self) -> bool:
        """Whether the process that took the seat is there. A stopped one is."""
        found = self._read(HOLDER)
        pid, began = found.get("pid"), found.get("began")
        if not isinstance(pid, int) or not isinstance(began, float):
            return False
        now = _began(pid)
        return now is not None and abs(now - began) < NEAR_SECONDS

    def lay(self, offer: Offer) -> None:
        """Lay a task down. Raises OSError where the seat is gone."""
        self._write(TASK, asdict(offer))

    def clear(self) -> None:
        """Take away what lies here."""
        (self.folder / TASK).unlink(missing_ok=True)

    def begun(self, offer: Offer) -> bool:
        """Whether it was taken up."""
        return (self.folder / f"{offer.name}.begun").exists()

    def outcome(self, offer: Offer) -> Outcome | None:
        """How it ended, once it has."""
        if not (self.folder / f"{offer.name}.ended").exists():
            return None
        try:
            return Outcome(**self._read(f"{offer.name}.ended"))
        except TypeError:
            return Outcome(None, "nobody can read how it ended")

    # -- files ---------------------------------------------------------------------------------------

    def _write(self, name: str, value: dict[str, Any]) -> None:
        draft = self.folder / f".{name}.{os.getpid()}.tmp"
        draft.write_text(json.dumps(value), encoding="utf-8")
        draft.replace(self.folder / name)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def seats_of(folder: Path) -> Iterator[Seat]:
    """The seats of a run, the latest first."""
    found = list(folder.iterdir()) if folder.is_dir() else []
    yield from (Seat(path) for path in sorted(found, key=lambda it: it.stat().st_mtime_ns, reverse=True))


def _began(pid: int) -> float | None:
    """When a process began (Unix seconds); None when there is none, or only its exit code is left of it."""
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def caller() -> int:
    """The process on whose behalf this one was called: the nearest above it that is more than a shell, which
    may end as soon as the command does. That is Claude Code, a terminal, an editor; where there is none,
    the topmost shell."""
    import psutil

    above = psutil.Process().parents()
    for process in above:
        with contextlib.suppress(psutil.Error):
            if process.pid > 1 and process.name() not in SHELLS:
                return process.pid
    shells = [process.pid for process in above if process.pid > 1]
    return shells[-1] if shells else os.getppid()
