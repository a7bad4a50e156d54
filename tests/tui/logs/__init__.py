"""Three recorded runs, and what makes them: ``python -m tests.tui.logs`` writes the ``.jsonl`` files anew.

They are played by the real core, so they change when it does; make them again then, and look at the
difference. No clock, no network and no dice but seeded ones: the same code gives the same bytes.

quiet       a small run in which all goes well
busy        sixteen teammates at a big refactoring, somewhere in the middle of it
disaster    everything that can go wrong
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.tui.logs import busy, disaster, quiet
from tests.tui.logs.stage import Stage

FOLDER = Path(__file__).parent

RUNS: dict[str, Callable[[], Stage]] = {"quiet": quiet.play, "busy": busy.play, "disaster": disaster.play}


def path(name: str) -> Path:
    """Where a recorded log lies."""
    return FOLDER / f"{name}.jsonl"


def written(name: str) -> str:
    """What the log ``name`` is to be, line by line."""
    return "".join(f"{line}\n" for line in RUNS[name]().lines())
