"""Where a command works: one repository, its settings, and the state workbench keeps for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from workbench.adapters.git import restraint
from workbench.adapters.git.repository import open_repository
from workbench.composition.holding import Place
from workbench.config import load, own_word

__all__ = ["Place", "open_place"]


async def open_place(where: Path, **overrides: object) -> Place:
    """The place ``where`` belongs to; what its settings file loosens counts only where somebody has trusted
    it. Raises SetupError for the repository, UsageError for settings."""
    repository = await open_repository(where)
    given = frozenset(name for name, value in overrides.items() if value is not None)
    settings = load(repository.root, None, **overrides)
    own = own_word(repository.root, None, given)
    place = Place(repository, settings, given, own, settings)
    narrow = place.trusting(False)
    if not narrow.withheld and not restraint.matters(repository.common_dir):
        return place
    from workbench.composition.trusting import is_trusted  # git is asked for all that is to be trusted

    if not await is_trusted(place):
        return narrow
    restraint.release(repository.common_dir)
    return replace(place, repository=await open_repository(where))  # as its own filters show it
