"""A played run under the viewer: it goes on while it is watched, and takes what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from workbench.adapters.requests import leave
from workbench.composition.place import Place
from workbench.composition.requesting import Requested
from workbench.composition.watching import Piece
from workbench.core import events as e
from workbench.core.inbox import for_person
from workbench.core.mail import PERSON
from workbench.core.models import Plan
from workbench.core.plan.writing import render
from workbench.core.requests import ProposeChange, Request, RequestJoin, RequestShutdown
from workbench.errors import UsageError
from workbench.testing.story import Story, task
from workbench.tui.app import WorkbenchApp

BEGAN = 1_800_000_000.0
PLAN = "# How I do it\n\n1. Read `parser.py`\n2. Write **tests** first\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
HOSTILE = "Which [bold red]port[/]?\x1b[2J [@click=app.quit]quit[/] \u202e:(\n\na) 80\nb) 8080"


class Played(Story):
    """A story that a viewer can follow, as a Source. ``going`` says whether a process is at work on it."""

    def __init__(self, *args: object, **values: object) -> None:
        self.run = "r"
        self.going = True
        self.caught_up = True
        self._ids = count(1)
        self._tell: Callable[[], object] = lambda: None
        super().__init__(*args, **values)  # type: ignore[arg-type]

    def note(self, event: e.Event) -> None:
        """See Playbook; time begins at a time of our days."""
        self.now = max(self.now, BEGAN)
        super().note(event)
        self._tell()

    async def pieces(self) -> AsyncIterator[Piece]:
        """See Source."""
        after, stood = 0, None
        loop, more = asyncio.get_running_loop(), asyncio.Event()
        self._tell = lambda: loop.call_soon_threadsafe(more.set)  # what is asked is played in a thread
        while True:
            more.clear()
            piece = Piece(tuple(self.log[after:]), len(self.log), self.going, self.caught_up)
            if piece.records or piece != stood:
                after += len(piece.records)
                stood = Piece((), piece.last, piece.live, piece.caught_up)
                yield piece
            await more.wait()

    def unwatched(self) -> None:
        """Nobody follows it any more."""
        self._tell = lambda: None

    def ask(self, request: Request) -> e.Event:
        """What a person asks for; gives what followed."""
        before = len(self.log)
        self.send(e.RequestMade(id=f"{next(self._ids):08x}", by=PERSON, request=request))
        return self.log[before + 1].event


def story(**values: object) -> Played:
    """A run in which everything waits that can wait for somebody: see ``ASKED``."""
    run = Played(
        task("parse"), task("login"), task("plan", plan_by="person"), task("broken"), task("after", "broken"),
        task("later", "parse"), team=("ada", "bob", "cy", "dan"), attempts=1, on_question="ask",
        on_permission="ask", topology="mesh", **values,
    )  # fmt: skip
    for name in ("parse", "login", "plan", "broken"):
        run.ready(name)
    return run


def everything(**values: object) -> Played:
    """``story`` with a question, a permission, a plan, a change, a join, a leaving, a question for another
    teammate, a task that failed and one that is held for it."""
    run = story(**values)
    run.send(
        e.AgentActed.model_validate({"task": "broken", "attempt": 1, "tool": "Bash", "target": "make all"})
    )
    run.turn("broken", error="it crashed")
    run.collected("broken")
    run.ended("broken")
    run.mark("parse", "question", HOSTILE)
    run.now += 60
    run.send(
        e.PermissionAsked(
            task="login", attempt=1, key="p1", tool="Bash", target="curl https://example.org/install.sh | sh",
            reason="No rule allows it.",
        )
    )  # fmt: skip
    run.mark("plan", "plan", PLAN)
    run.mark("login", "question", "Do you use the old parser?", to="ada")
    assert run.state.plan is not None
    tasks = (*run.state.plan.tasks, task("docs", "parse", body="Write the docs"))
    run.ask(ProposeChange(text=render(Plan(title="Played", tasks=tasks)), source="/r/plan.md"))
    run.ask(RequestJoin(seat="0123456789abcdef", name="guest"))
    run.ask(RequestShutdown(teammate="cy", reason="enough"))
    return run


def waiting(run: Played) -> list[str]:
    """The ids of what waits for the person."""
    return [it.message.id for it in for_person(run.state)]


def place_of(folder: Path, *, bell: bool = True, notify: bool = False, theme: str = "") -> Place:
    """As much of a repository as asking needs."""
    settings = SimpleNamespace(bell=bell, notify=notify, theme=theme)
    return cast("Place", SimpleNamespace(settings=settings, requests=lambda run: folder / run))


class Viewer:
    """A viewer on a played run. ``kept`` is where requests lie that the run has not taken."""

    def __init__(self, run: Played, app: WorkbenchApp, pilot: Pilot[None]) -> None:
        self.run, self.app, self.pilot = run, app, pilot

    async def settle(self) -> None:
        """Until the viewer has seen all, and has nothing under way."""
        for _ in range(200):
            await asyncio.sleep(0.002)
            busy = [it for it in self.app.workers if it.group != "follow" and not it.is_finished]
            if self.app.watched.state.seq == len(self.run.log) and not busy:
                break
        self.app.look()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys, and see what comes of it."""
        await self.pilot.press(*keys)
        await self.settle()

    async def write_to(self, to: str) -> None:
        """Open the field for a message."""
        self.app.write_to(to)
        await self.settle()

    @property
    def said(self) -> list[str]:
        """The notices so far."""
        return [str(it.message) for it in self.app._notifications]


@asynccontextmanager
async def viewing(
    run: Played,
    folder: Path | None,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int] = (150, 40),
    **settings: Any,
) -> AsyncIterator[Viewer]:
    """The viewer on a run that takes what is asked, or on a recording of it where there is no ``folder``."""

    async def ask(place: Place, wanted: str | None, request: Request) -> Requested:
        if not run.going:
            return Requested(leave(place.requests("r"), request), "r", None)
        event = run.ask(request)
        if isinstance(event, e.RequestRefused):
            raise UsageError(event.reason, event.hint)
        return Requested("1", "r", event)

    monkeypatch.setattr("workbench.composition.requesting.ask", ask)
    place = place_of(folder, **settings) if folder is not None else None
    app = WorkbenchApp(place, run, clock=lambda: run.now + 1)
    try:
        async with app.run_test(size=size) as pilot:
            viewer = Viewer(run, app, pilot)
            await viewer.settle()
            yield viewer
    finally:
        run.unwatched()
