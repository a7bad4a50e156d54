"""Merging by structure: the model-free rungs of the conflict ladder, and whether tests were kept."""

from workbench.adapters.structure.ladder import merge_file, proposals
from workbench.adapters.structure.weakening import weakened
from workbench.core.union import Resolution

__all__ = ["Resolution", "merge_file", "proposals", "weakened"]
