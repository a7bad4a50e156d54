"""How conflicts can be settled without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Clash:
    """The three texts of a file in conflict; ``base`` is None for a file that both sides added."""

    path: str
    base: str | None
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a conflict could be settled: a text for each of its files, and which ``rung`` of the ladder
    made it. A proposal proves nothing: it is gated like any other merge."""

    rung: str
    texts: Mapping[str, str]


class Resolver(Protocol):
    """The rungs of the conflict ladder that need no model."""

    async def propose(self, clashes: Sequence[Clash]) -> list[Proposal]:
        """What to try, in order, each with a rung of its own and settling every file; those that would
        lose or weaken a test of either side are left out. Empty when nothing can be proposed."""
        ...

    def remember(self, clash: Clash, text: str) -> None:
        """Keep how a file was settled in work that landed, for the same conflict again."""
        ...

    async def weakened(self, clash: Clash, text: str) -> str | None:
        """A sentence when ``text``, a merge of the clash, lacks or weakens a test that either side has."""
        ...
