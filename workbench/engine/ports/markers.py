"""What teammates drop in their worktrees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workbench.core.models import Marker


@dataclass(frozen=True, slots=True)
class Dropped:
    """A marker file as found: ``marker`` when it could be read, else ``problem`` says why not."""

    worktree: Path
    name: str
    marker: Marker | None
    problem: str = ""


class Markers(Protocol):
    """The ``.workbench/`` folders of the worktrees."""

    async def watch(self) -> AsyncIterator[Dropped]:
        """Markers as they are dropped, in order of name within a folder; each is given once.
        Runs until cancelled."""
        yield  # type: ignore[misc]

    def add(self, worktree: Path) -> None:
        """Begin watching a worktree's marker folder (made if missing)."""
        ...

    def scan(self, worktree: Path) -> list[Dropped]:
        """What lies in the folder now and was not yet given: called when an agent ends, so that
        its last marker is never overtaken by its exit. A worktree that is gone holds nothing."""
        ...

    def follow(self, moved: Callable[[str], None]) -> None:
        """From now on, while ``watch`` runs, call ``moved``, and it alone, with the name of each teammate
        whose branch may have moved. A hint to look: it may come twice, or when nothing is new."""
        ...

    def settle(self, worktree: Path, name: str, accepted: bool, reason: str = "") -> None:
        """What became of a marker is in the log: remove its file, or set it aside with the reason."""
        ...
