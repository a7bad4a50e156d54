"""The texts of prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Briefs(Protocol):
    """Renders prompts from the templates."""

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """The template ``name`` filled in; raises UsageError naming the template when it is broken."""
        ...
