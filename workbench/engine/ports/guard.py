"""The parts of the user's repository that are watched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from workbench.core.guard import Snapshot


class Guard(Protocol):
    """The parts of the user's repository that no attempt has business with, as they are."""

    @property
    def root(self) -> Path:
        """The user's checkout."""
        ...

    @property
    def git_dir(self) -> Path:
        """Where the files of a snapshot are."""
        ...

    async def look(self, whole: bool = False) -> Snapshot:
        """What there is now, for a fraction of a millisecond in a small repository. What did not change
        since the look before is the same object. A ``whole`` look misses nothing; another one may miss
        a ref that was written without git, and refs of earlier runs. One at a time."""
        ...

    async def keys(self, content: bytes) -> tuple[tuple[str, str], ...]:
        """Keys and values of a configuration file, in its order; GitError when git cannot read it."""
        ...

    def own_tip(self, worktree: Path, ref: str) -> str:
        """Where ``ref`` was when it last moved by a command in ``worktree`` itself, which has it checked
        out; "" when that is not known."""
        ...

    def problem(self, worktree: Path) -> str:
        """Why a teammate's worktree is none any more; "" when it is."""
        ...

    async def fingerprint(self) -> Mapping[str, str]:
        """The object id of each file in the user's checkout that differs from its HEAD, "" for one that is
        gone, within bounds. Writes nothing. Raises GitError and TimeoutError."""
        ...

    async def blob_at(self, commit: str, path: str) -> str:
        """The object id of a file in a commit; "" when there is none."""
        ...
