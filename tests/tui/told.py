"""The viewer on a played run, and what it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from tests.tui.conftest import screen_text
from workbench import tui
from workbench.composition.place import Place
from workbench.composition.watching import Piece
from workbench.core import events as e
from workbench.core.models import Reversal
from workbench.core.requests import Request
from workbench.core.watched import Watched
from workbench.testing.story import Story, task
from workbench.tui.app import WorkbenchApp
from workbench.tui.bench import Told

HOSTILE = "[bold red]Boo[/] \x1b[2J\x1b]0;title\x07 [@click=app.quit]here[/] \u202eabc"
HUNKS = "src/app.py\n<<<<<<< landed\none\n||||||| base\nnone\n=======\ntwo\n>>>>>>> beta\n"


def grounded(story: Story, commits: dict[str, str]) -> None:
    """Give commits of a story the ids that they have in a repository."""
    for place, record in enumerate(story.log):
        said = record.event.model_dump_json()
        for name, commit in commits.items():
            said = said.replace(f':"{name}"', f':"{commit}"')
        story.log[place] = replace(record, event=e.load(type(record.event).__name__, said))


class Viewer(WorkbenchApp):
    """Keeps what it is asked instead of asking it, and what it says."""

    CSS_PATH = str(Path(tui.__file__).parent / "app.tcss")

    def __init__(self, records: tuple[e.Record, ...], *, live: bool, place: Place | None) -> None:
        super().__init__(place=place, source=_Given(records, live), clock=lambda: records[-1].at + 1.0)
        self.asked: list[Request] = []
        self.said: list[str] = []

    def ask(self, request: Request, done: str, told: Told | None = None) -> None:
        self.asked.append(request)

    def say(self, text: str, *, bad: bool = False) -> None:
        self.said.append(text)


class _Given:
    def __init__(self, records: tuple[e.Record, ...], live: bool) -> None:
        self.run = "r"
        self.piece = Piece(records, len(records), live)

    async def pieces(self) -> AsyncIterator[Piece]:
        yield self.piece


async def until(pilot: Pilot[None], text: str) -> None:
    """Wait until this is on the screen."""
    for _ in range(1_000):
        if text in screen_text(pilot):
            return
        await pilot.pause(0.005)
    raise AssertionError(f"{text!r} is not on the screen:\n{screen_text(pilot)}")


@asynccontextmanager
async def viewer(
    story: Story, *, size: tuple[int, int] = (120, 40), live: bool = True, place: Place | None = None
) -> AsyncIterator[tuple[Viewer, Pilot[None]]]:
    """The viewer on a story as it stands, caught up and drawn."""
    app = Viewer(tuple(story.log), live=live, place=place)
    async with app.run_test(size=size) as pilot:
        while app.watched.state.seq < len(story.log):
            await pilot.pause()
        app.look()
        await pilot.pause()
        yield app, pilot


def watched(story: Story) -> Watched:
    """A story as a viewer has it."""
    found = Watched("r")
    for record in story.log:
        found.take(record)
    found.stands(live=True, trouble="", caught_up=True, last=len(story.log))
    return found


def told() -> Story:
    """A run in which much went wrong: ``alpha`` landed, ``beta`` landed by ``union`` after it was foreseen to
    conflict, ``gamma`` conflicted and landed by a fix-up, ``delta`` is red with what landed, ``lost`` was
    given up and holds ``after``, ``last`` waits for both ``after`` and ``lost``."""
    story = Story(
        task("alpha", files=("src/app.py",), title=HOSTILE, body=f"Say `hi`. {HOSTILE}", priority=3),
        task("beta"), task("gamma"), task("delta"), task("lost"), task("after", "lost"),
        task("last", "after", "lost"), task("next", "alpha"),
        team=("ada", "bob", "cy", "dan", "eve"), attempts=1, batch=1,
    )  # fmt: skip
    for name in ("alpha", "beta", "gamma", "delta", "lost"):
        story.ready(name)
    story.send(e.AgentActed(task="alpha", attempt=1, tool="Edit", target="/w/ada/src/app.py"))
    story.send(e.AgentSaid(task="alpha", attempt=1, text=HOSTILE))
    story.send(e.ConflictForeseen(task="alpha", other="beta", paths=("src/app.py",), hunks=HUNKS))
    story.deliver("alpha")
    story.built("alpha")
    story.gated("alpha", True)
    story.landed("alpha", files=("src/app.py",))
    story.deliver("beta")
    story.made("beta", rung="union", resolved=("src/app.py",))
    story.batch_built()
    story.gated("beta", True)
    story.landed("beta")
    story.deliver("gamma")
    story.conflict("gamma", "src/app.py", hunks=HUNKS)
    story.batch_built()
    story.ready("gamma", 2)
    story.deliver("gamma", 2)
    story.land("gamma")
    story.mark("lost", "blocked", "no key for the service")
    story.turn("lost")
    story.collected("lost")
    story.ended("lost")
    return story


def undo(story: Story, name: str) -> None:
    """The run is stopped, and the newest landing is taken off again."""
    story.send(e.StopRequested(reason="a person"))
    for at, number in list(story.state.working):
        story.ended(at, number, interrupted=True)
    reversal = Reversal(task=name, landing=f"L-{name}", parent=f"L-{name}", commit=f"R-{name}", tree="t")
    story.note(e.UndoStarted(reversals=(reversal,)))
    story.note(e.LandingUndone.model_validate(reversal.model_dump()))
