"""Short facts about one thing."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.tui.presenting.table import Cell


@dataclass(frozen=True, slots=True)
class Fact:
    """``cells`` follow each other behind the ``label``. With ``line`` it begins a line."""

    label: str
    cells: tuple[Cell, ...]
    line: bool = False
