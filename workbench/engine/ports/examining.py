"""What in work needs a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Leak:
    """What looks like a secret of some ``kind`` in a line that work adds to a file, which is never told
    itself. Without a ``line`` it was in a commit on the way, and is not there any more."""

    path: str
    line: int
    kind: str


class Examiner(Protocol):
    """Reads what work brings in, before anybody takes it. Neither call runs anything of the repository's."""

    async def entries(self, commit: str, paths: Sequence[str]) -> Mapping[str, str]:
        """Mode and object id of those of ``paths`` that a commit has, in one text for each."""
        ...

    async def patch(self, old: str, new: str, paths: Sequence[str], limit: int) -> str:
        """How ``paths`` differ between two commits, as a diff of at most ``limit`` characters."""
        ...

    async def leaks(self, known: Sequence[str], new: str) -> Sequence[Leak]:
        """What looks like a secret in what is added by the commits that ``new`` has and none of ``known``,
        but for what the first of these says is none. Raises GitError, and TimeoutError where it is too much
        or takes too long."""
        ...
