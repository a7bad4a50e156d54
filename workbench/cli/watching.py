"""watch: the viewer, on a run or on a recording."""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.composition.place import Place, open_place
from workbench.composition.requesting import run_meant
from workbench.composition.watching import FileSource, LogSource, Source
from workbench.errors import UsageError


def watch(wanted: str | None, repo: Path) -> int:
    """Open the viewer; gives 0 when it is closed. Raises UsageError without a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The viewer needs a terminal.", "`workbench status` shows where a run stands, anywhere."
        )

    async def main() -> None:
        from workbench.tui.app import WorkbenchApp

        place, source = await _meant(wanted, repo)
        await WorkbenchApp(place, source).run_async()

    run_async(main())
    return 0


async def _meant(wanted: str | None, repo: Path) -> tuple[Place | None, Source | None]:
    """The repository and the run, or the recording, that is meant; no run where there is none yet."""
    if wanted is not None and Path(wanted).suffix == ".jsonl":
        return None, FileSource(Path(wanted))
    place = await open_place(repo)
    if wanted is None and not place.log_path.exists():
        return place, None
    with place.reading() as store:
        if wanted is None and not store.runs():
            return place, None
        run, _ = run_meant(place, store, wanted)
    return place, LogSource(place, run)
