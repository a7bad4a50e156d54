"""``python -m tests.tui.pictures [NAME]…``: draw the viewer's screens for the README, from the recorded runs.

The same code gives the same bytes: the clock stands still, the terminal has a fixed size, and nothing comes
from this machine, but for ``home``, which tells of it. Look at each picture before it is committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from tests.tui.conftest import Recording, recorded
from workbench.composition.place import Place, open_place
from workbench.core.state import RunState, TaskStatus
from workbench.tui.app import WorkbenchApp

FOLDER = Path(__file__).parents[2] / ".github" / "pictures"
PATIENCE = 5.0

LARGE, SMALL = (160, 45), (80, 24)

FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""A font from the network, which a picture on a page cannot load."""

IDS = re.compile(r"terminal-\d+-")
"""Before every class and id: the picture is half as large without it."""

Way = Callable[[WorkbenchApp, Pilot[None]], Awaitable[None]]


def mode(name: str) -> Way:
    """The way to a screen that has a key."""

    async def go(app: WorkbenchApp, pilot: Pilot[None]) -> None:
        await app.switch_mode(name)

    return go


async def _teammate(app: WorkbenchApp, pilot: Pilot[None]) -> None:
    """Of those at work the one of whom most is known."""
    watched = app.watched
    working = watched.state.working.values()
    busiest = max(working, key=lambda it: len(watched.history.acts.get((it.task, it.number), ())))
    app.open_teammate(busiest.teammate)


async def _task(app: WorkbenchApp, pilot: Pilot[None]) -> None:
    """One that is mended after a conflict, or failing that any that is worked on."""
    app.open_task(mended(app.watched.state))


def mended(state: RunState) -> str:
    """A task that did not go through at first, and is worked on again."""
    working = [task for task in state.tasks.values() if task.status is TaskStatus.RUNNING]
    return max(working, key=lambda task: (task.fixups, task.attempt)).spec.id


PICTURES: dict[str, tuple[tuple[int, int], Way]] = {
    "team": (LARGE, mode("team")),
    "team-small": (SMALL, mode("team")),
    "teammate": (LARGE, _teammate),
    "task": (LARGE, _task),
    "merge": (LARGE, mode("merge")),
    "inbox": (LARGE, mode("inbox")),
    "plan": (LARGE, mode("plan")),
}


async def drawn(name: str) -> str:
    """The picture ``name`` as SVG."""
    if name == "home":
        with tempfile.TemporaryDirectory(prefix="workbench-pictures-") as folder:
            place, last = await _repository(Path(folder, "harbor"))
            app = WorkbenchApp(place, clock=lambda: last + 3_600.0)
            return (await _shot(app, LARGE, mode("home"))).replace(folder, "/home/ada/src")
    size, way = PICTURES[name]
    source = Recording("busy", live=True)
    last = source.records[-1].at
    return await _shot(WorkbenchApp(source=source, clock=lambda: last + 1.0), size, way)


async def _shot(app: WorkbenchApp, size: tuple[int, int], way: Way) -> str:
    async with app.run_test(size=size) as pilot:
        app.theme = "textual-dark"
        await _settled(app, pilot)
        await way(app, pilot)
        await _settled(app, pilot)
        return _small(app.export_screenshot(title="workbench"))


async def _settled(app: WorkbenchApp, pilot: Pilot[None]) -> None:
    """Until all that was read has been read, and is shown. Who looks again and again is not waited for."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while any(not it.is_finished for it in app.workers):
                with contextlib.suppress(WorkerCancelled):  # another does its work
                    await app.workers.wait_for_complete()
    await pilot.pause()
    app.look()
    await pilot.pause()


async def _repository(folder: Path) -> tuple[Place, float]:
    """A repository with the recorded runs in its log; when the last of them said something last."""
    folder.mkdir()
    await asyncio.to_thread(_begin, folder)
    place = await open_place(folder)
    last = 0.0
    with place.store() as store:
        for name in ("quiet", "busy", "disaster"):
            run, records = recorded(name)
            await store.append(run, records)
            last = records[-1].at
    return place, last


def _begin(folder: Path) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    commit = [*identity, "commit", "-q", "--allow-empty", "-m", "Begin"]
    day = "2026-06-01T09:00:00+00:00"  # its hash stands in a picture
    env = os.environ | {"GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day}
    for command in (["init", "-q", "-b", "main"], commit):
        subprocess.run(["git", "-C", str(folder), *command], check=True, stdin=subprocess.DEVNULL, env=env)


def _small(svg: str) -> str:
    svg = IDS.sub("", FONT.sub("", svg)).replace("Fira Code", "ui-monospace, Menlo, Consolas")
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)  # for viewers that trim blanks otherwise


if __name__ == "__main__":
    for each in sys.argv[1:] or (*PICTURES, "home"):
        picture = FOLDER / f"{each}.svg"
        picture.write_text(asyncio.run(drawn(each)), encoding="utf-8")
        sys.stdout.write(f"{picture.name}: {picture.stat().st_size // 1000} kB\n")
