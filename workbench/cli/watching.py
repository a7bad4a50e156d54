"""watch: the viewer, or a run in words, on a run or on a recording."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.driving import run_async
from workbench.cli.outcome import INTERRUPTED, explain
from workbench.cli.signals import handling
from workbench.cli.terminal import Lent, in_front, is_dumb
from workbench.composition.place import Place, open_place
from workbench.composition.requesting import run_meant
from workbench.composition.watching import FileSource, LogSource, Source
from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

LOOK_SECONDS = 0.3
"""How often it is seen to that the terminal, and whoever lent it, are still there."""

END_SECONDS = 3.0
"""After a signal the viewer is gone within this, whatever holds it up."""


def watch(wanted: str | None, repo: Path, *, plain: bool = False, attached: bool = False) -> int:
    """Open the viewer; gives 0 when it is closed. ``plain`` tells the run in words instead. ``attached`` is
    the run's own viewer: its parent is the run's process, and lent it the terminal.

    Raises UsageError without a terminal, or for a run that there is not.
    """

    async def main() -> int:
        asyncio.get_running_loop().set_default_executor(Unwaited())
        place, source = await _meant(wanted, repo)
        if plain or _is_plain(place):
            from workbench.cli.plain import tell

            return await tell(place, source)
        if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
            raise UsageError(
                "The viewer needs a terminal.",
                "`workbench watch --plain` tells a run in lines, `workbench status` where it stands.",
            )
        return await _view(place, source, os.getppid() if attached else None)

    return run_async(main(), "the run is not touched by that")


async def _view(place: Place | None, source: Source | None, lender: int | None) -> int:
    """The viewer until it is closed. ``lender`` is the run's process, where that lent its terminal."""
    from workbench.tui.app import WorkbenchApp

    def interrupt() -> None:
        if lender is not None and os.getppid() == lender:
            os.kill(lender, signal.SIGINT)

    app = WorkbenchApp(place, source, interrupt=interrupt if lender is not None else None)
    ended: list[int] = []

    def end(number: int) -> None:
        ended.append(number)
        last = threading.Timer(END_SECONDS, os._exit, (INTERRUPTED,))
        last.daemon = True
        last.start()
        app.exit()

    lent = Lent()
    minding = asyncio.ensure_future(_minding(app, lender, lambda: end(signal.SIGHUP)))
    try:
        with handling(end):
            await app.run_async()
    finally:
        minding.cancel()
    orphaned = lender is not None and os.getppid() != lender
    if orphaned and source is not None:
        lent.take_back(killed=False)
        explain(
            f"the process of run {source.run} is gone", f"`workbench resume {source.run}` goes on with it"
        )
    elif app.failure is not None and in_front() is not None:
        raise app.failure
    return INTERRUPTED if ended else 0


async def _minding(app: WorkbenchApp, lender: int | None, hung_up: Callable[[], None]) -> None:
    """End the viewer when its terminal is gone, or is somebody else's again: a shell takes it when the
    process that it started is dead, and leaves the viewer without keys."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        front = in_front()
        if front is None:
            hung_up()
            return
        if not front and lender is not None and os.getppid() != lender:
            app.exit()
            return


def _is_plain(place: Place | None) -> bool:
    """Whether the person wants words, or the terminal can do no more; a recording has no settings."""
    if is_dumb():
        return True
    return place.settings.plain if place is not None else os.environ.get("WORKBENCH_PLAIN", "0") != "0"


class Unwaited(ThreadPoolExecutor):
    """Threads that nobody waits for in the end: one may be stuck in a disk that does not answer."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See ThreadPoolExecutor."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)


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
