"""Source code, as far as others use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from workbench.core.models import PublicChange


@dataclass(frozen=True, slots=True)
class Versions:
    """A file before and after; None where it is not there."""

    path: str
    old: str | None
    new: str | None


class Names(Protocol):
    """Knows what in a source file others can use."""

    async def changes(self, files: Sequence[Versions]) -> list[PublicChange]:
        """How the public names of ``files`` differ, in their order. A file in a language that is not
        known, or that cannot be parsed, has none. Does not hold up the loop."""
        ...
