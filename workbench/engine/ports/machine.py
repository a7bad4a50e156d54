"""The machine that agents run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Roomy:
    """How many more ``agents`` fit into memory now, of which ``free_mb`` are free."""

    agents: int
    free_mb: int


Room = Callable[[], Roomy | None]
"""Measures that, in well under a millisecond; None where nothing bounds it."""
