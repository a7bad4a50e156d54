"""How long a message is on its way: from ``send`` to the first request to the model that holds it.

    trip = await trips(Post(teammates=4, messages=40), folder)
    trip.seconds, trip.taken, trip.told

A run of its own with ``teammates`` at work at once, each in one long turn of short steps: the real Claude
Code on a model that is scripted, and served from here, so that it is known to the millisecond when a request
holds what; or a command, whose message has arrived when it is a file in its inbox. Messages are left as
every front end leaves them, one at a time, to each teammate in turn.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workbench.adapters.git.sample import make_repository
from workbench.adapters.requests import leave
from workbench.adapters.store.sqlite import SqliteStore
from workbench.core.events import MessageSent, RequestMade, Told
from workbench.core.requests import Stop, Write
from workbench.errors import SetupError

if TYPE_CHECKING:
    from workbench.rehearsal.server import Asked

RUN = "post"

STEPS = 4_000
"""Steps of the turn: more than anybody measures."""

THINKS = 0.03
"""Seconds that the model takes over a step; where the machine is not busy a request then comes every 50 to
100 ms, and a message waits for the next."""

BEGUN_SECONDS = 0.05
"""How often it is looked whether the run has begun."""

ARRIVES = 60.0
"""Seconds after which a message is said to be lost."""

ENDS = 60.0
"""Seconds that the run has to stop before it is killed."""

LOOK_SECONDS = 0.001
"""How often an inbox is looked at."""

Kind = Literal["claude", "command"]


@dataclass(frozen=True)
class Post:
    """What is sent: ``messages`` in all."""

    teammates: int
    messages: int
    kind: Kind = "claude"


@dataclass
class Trips:
    """Seconds, for each message in order: until it arrived, and on the way until the run had taken the
    request (``taken``) and had given it to the teammate's session (``told``)."""

    seconds: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    between: float = 0.0
    """Seconds between two requests of one session, on average; 0 where there is no model."""


def quantile(values: list[float], share: float) -> float:
    """The smallest of ``values`` that at least ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def trips(post: Post, folder: Path) -> Trips:
    """Send it all in a run in ``folder``, which must be empty. Raises SetupError when a message does not
    arrive."""
    found = Trips()
    left: dict[str, float] = {}
    route: AbstractAsyncContextManager[Route] = _claude(folder) if post.kind == "claude" else _command(folder)
    async with route as way, _office(post, folder, way) as office:
        names = await office.team()
        for name in names:  # from here on all are at work, in the middle of their turns
            await office.send(name, f"warm-up of {name}")
        for number in range(post.messages):
            await asyncio.sleep(0.02 + number * 0.037 % 0.1)  # in step with nothing that has a beat
            text = f"parcel {number} of {post.messages}."
            left[text] = time.time()
            found.seconds.append(await office.send(names[number % len(names)], text))
        found.between = way.between() * len(names)
    _on_the_way(folder, left, found)
    return found


def _on_the_way(folder: Path, left: dict[str, float], found: Trips) -> None:
    """Where the time went, as far as the log tells."""
    with SqliteStore.reading(_state(folder) / "events.db") as store:
        records = store.read(RUN)
    letters: dict[str, str] = {}
    for record in records:
        match record.event:
            case RequestMade(request=Write(text=text)) if text in left:
                found.taken.append(record.at - left[text])
            case MessageSent(message=message) if message.text in left:
                letters[message.id] = message.text
            case Told(message=letter) if letter in letters:
                found.told.append(record.at - left[letters[letter]])


def _state(folder: Path) -> Path:
    return folder / "repo" / ".git" / "workbench"


# -- the run -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Route:
    """One kind of teammate: the ``agent``, the environment that it needs, and ``expect``, which is told a
    name and a text before that is sent, and gives the monotonic time at which it has arrived."""

    agent: str
    environment: dict[str, str]
    expect: Callable[[str, str], Awaitable[float]]
    between: Callable[[], float] = float
    """Seconds between two requests of all."""


@dataclass(frozen=True)
class Office:
    """A run that is going on, in ``folder``."""

    process: asyncio.subprocess.Process
    folder: Path
    route: Route

    @property
    def requests(self) -> Path:
        return _state(self.folder) / "runs" / RUN / "requests"

    async def team(self) -> list[str]:
        """The names of the teammates, once the run has begun."""
        output = self.folder / "output"
        while not (lines := output.read_text(encoding="utf-8").split("\n"))[1:]:
            if self.process.returncode is not None:
                raise self.broken("the run did not begin")
            await asyncio.sleep(BEGUN_SECONDS)
        return list(json.loads(lines[0])["settings"]["team"])

    async def send(self, name: str, text: str) -> float:
        """Send ``text``; gives the seconds until it arrived."""
        arrived = self.route.expect(name, text)
        began = time.monotonic()
        await asyncio.to_thread(leave, self.requests, Write(to=name, text=text))
        try:
            return await asyncio.wait_for(arrived, ARRIVES) - began
        except TimeoutError:
            raise self.broken(f"a message to {name} did not arrive within {ARRIVES:g} s") from None

    def broken(self, what: str) -> SetupError:
        """An error with what the run said last."""
        said = (self.folder / "errors").read_text(encoding="utf-8", errors="replace")[-2_000:]
        return SetupError(f"This measures nothing: {what}. {said}".strip())


@asynccontextmanager
async def _office(post: Post, folder: Path, route: Route) -> AsyncIterator[Office]:
    repo, plan = folder / "repo", folder / "plan.md"
    repo.mkdir(parents=True)
    (repo / "README.md").write_text("# A place to work\n", encoding="utf-8")
    await make_repository(repo, "base")
    heads = [f"### t{number}: Work until you are stopped\n" for number in range(1, post.teammates + 1)]
    plan.write_text(f"# Post\n\n## Tasks\n\n{chr(10).join(heads)}", encoding="utf-8")
    words = ["run", str(plan), "--repo", str(repo), "--agent", route.agent, "--no-gates", "--yes", "--json"]
    words += ["--team", str(post.teammates), "--run-id", RUN]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    own = {"WORKBENCH_WORKTREE_ROOT": str(folder / "worktrees")}
    with (folder / "output").open("wb") as output, (folder / "errors").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workbench", *words, cwd=folder, env=kept | own | route.environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=errors,
        )  # fmt: skip
    office = Office(process, folder, route)
    try:
        yield office
    finally:
        await _ended(office)


async def _ended(office: Office) -> None:
    """Stop the run; nothing of it is wanted any more."""
    leave(office.requests, Stop())
    try:
        await asyncio.wait_for(office.process.wait(), ENDS)
    except TimeoutError:
        office.process.kill()  # its keeper ends what it had started
        await office.process.wait()


# -- who gets it -------------------------------------------------------------------------------------


@asynccontextmanager
async def _claude(folder: Path) -> AsyncIterator[Route]:
    from workbench.rehearsal.script import Script
    from workbench.rehearsal.server import serve

    # A tool that starts no process: a message that is there waits for the end of whatever tool is in use.
    step = [{"wait": THINKS}, {"use": {"tool": "Read", "input": {"file_path": str(folder / "plan.md")}}}]
    script = Script.model_validate({"default": {"steps": step * STEPS}})
    awaited: dict[str, asyncio.Future[float]] = {}
    times: list[float] = []

    def look(asked: Asked) -> None:
        times.append(asked.at)
        for text in [text for text in awaited if any(text in told for told in asked.heard.told)]:
            awaited.pop(text).set_result(asked.at)

    def expect(_: str, text: str) -> Awaitable[float]:
        awaited[text] = asyncio.get_running_loop().create_future()
        return awaited[text]

    def between() -> float:
        return (times[-1] - times[0]) / len(times)

    async with serve(script, log=look) as rehearsal:
        yield Route("claude", rehearsal.env(), expect, between)


@asynccontextmanager
async def _command(folder: Path) -> AsyncIterator[Route]:
    async def expect(name: str, text: str) -> float:
        while True:
            for place in (folder / "worktrees").glob(f"*/{RUN}/team/{name}/.workbench"):
                if any(text in file.read_text(encoding="utf-8") for file in _letters(place)):
                    return time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)

    yield Route("command:exec sleep 3600", {}, expect)


def _letters(place: Path) -> list[Path]:
    """The inbox and the brief, the newest letter first; what is being written is not there yet."""
    inbox = sorted((place / "inbox").glob("*.md"), reverse=True)
    return [*inbox[:2], *place.glob("brief.md")]
