"""Where teammates, gates and leads have their files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Collected:
    """What a worktree held: see WorkCollected."""

    commit: str
    tree: str
    changed: bool
    snapshot: bool
    unresolved: tuple[str, ...] = ()


class Worktrees(Protocol):
    """The teammates' worktrees, outside the repository."""

    async def prepare(
        self, teammate: str, start: str, *, carry: str | None, keep: bool, sparse: Sequence[str]
    ) -> Prepared:
        """Give ``teammate`` its worktree on its branch, at ``start``.

        Makes it on first use (``copy``, ``link`` and ``setup`` settings applied), otherwise resets
        it, after pinning whatever it held. ``carry`` is merged in, conflicts left in the files in
        zdiff3 style. ``keep`` leaves a standing worktree just as it is (a continued attempt).
        Cancelling leaves a worktree that the next ``prepare`` mends.
        """
        ...

    async def collect(self, teammate: str, start: str, message: str, pin: str) -> Collected:
        """Commit what is uncommitted, point the ref ``pin`` at the result, and say what there is.

        ``.workbench/`` and placeholders that a sandbox left behind never reach the commit. Raises
        GitError when the worktree is no longer a worktree of this repository.
        """
        ...

    async def fingerprint(self, teammate: str) -> str:
        """What the files that git does not know as committed are like now: the same twice when nobody
        wrote to them in between, or when that cannot be told. Never raises GitError."""
        ...

    async def borrow(self, teammate: str, path: Path) -> None:
        """From now on ``path``, a linked worktree of the user's, is the teammate's. That is written down in
        the worktree, so that ``remove`` gives it back even in another process. Doing it again is harmless.

        Raises UsageError when it is the main checkout, none of this repository, lent already, or when it
        holds anything that is not committed.
        """
        ...

    async def remove(self, teammate: str) -> None:
        """Remove a teammate's worktree after pinning what it held; its branch stays. One that was borrowed
        is given back instead: its files and HEAD are as they were before."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A worktree ready for work. ``conflicts`` are files that hold conflict markers of ``carry``;
    ``pinned`` is the ref that keeps what was there before, if anything was; ``setup_output`` is
    what the set-up commands printed."""

    path: Path
    branch: str
    created: bool
    conflicts: tuple[str, ...] = ()
    pinned: str | None = None


class Checkouts(Protocol):
    """A few reusable detached worktrees in which gates see a commit and nothing else."""

    def lease(self, commit: str, urgent: bool = False) -> AbstractAsyncContextManager[Path]:
        """A worktree at ``commit`` with no untracked files (ignored ones stay, as caches), for as long
        as the context lasts; waits while all are taken, ``urgent`` ones first."""
        ...

    async def aclose(self) -> None:
        """Remove them."""
        ...
