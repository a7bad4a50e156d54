"""Merging by structure: the model-free rungs of the conflict ladder, and whether tests were kept.

The parsers are loaded when one of these is first asked for: most runs have no conflict.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.adapters.structure.ladder import merge_file, proposals
    from workbench.adapters.structure.weakening import weakened
    from workbench.core.union import Resolution

PLACES = {
    "Resolution": "workbench.core.union",
    "merge_file": "workbench.adapters.structure.ladder",
    "proposals": "workbench.adapters.structure.ladder",
    "weakened": "workbench.adapters.structure.weakening",
}

__all__ = ["Resolution", "merge_file", "proposals", "weakened"]


def __getattr__(name: str) -> object:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(PLACES[name]), name)
    return found
