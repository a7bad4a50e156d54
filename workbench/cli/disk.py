"""status --disk: what is used where."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path

from workbench.adapters.disk import Size, readable
from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.cli.progress import Patience
from workbench.composition.disk import Disk, Usage, usage
from workbench.composition.place import open_place
from workbench.errors import UsageError

WORTH = 1_000_000
"""Bytes from which cleaning up is advised."""


def show_disk(run: str | None, repo: Path, *, json: bool) -> int:
    """Print what runs use of the disk; gives the exit code."""

    async def main() -> Disk:
        return await usage(await open_place(repo), run, Patience().say)

    found = run_async(main())
    if run is not None and not found.runs:
        raise UsageError(f"There is no run {run!r} here.", "`workbench status --disk` shows all.")
    if json:
        more = {"total": asdict(found.total), "freeable": asdict(found.freeable)}
        print(jsonlib.dumps(asdict(found) | more))
    else:
        _tell(found)
    return 0


def _tell(found: Disk) -> None:
    for it in found.runs:
        print(f"{it.run}: {readable(it.total)}  ({it.standing})")
        for what, size in _parts(it):
            if size.bytes or not size.whole:
                print(f"  {what:<44} {readable(size):>10}")
    print(f"event log of all runs: {readable(found.log)}")
    print(f"in all: {readable(found.total)}, in {' and '.join(found.folders)}")
    if found.freeable.bytes >= WORTH:
        explain(f"{readable(found.freeable)} can be freed without losing work", "workbench clean --all")


def _refs(pins: int) -> str:
    """What of a run's keeps objects that no branch of yours has: its branches do so, too."""
    return f"its branches and {pins} pin{'' if pins == 1 else 's'}" if pins else "its branches"


def _parts(it: Usage) -> list[tuple[str, Size]]:
    return [
        ("worktrees of teammates", it.worktrees),
        ("worktrees of gates", it.gates),
        ("trash", it.trash),
        ("repositories that teammates made", it.aside),
        ("logs and files", it.files),
        (f"objects that only {_refs(it.pins)} keep", it.objects),
    ]
