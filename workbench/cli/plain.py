"""watch --plain: a run told line by line, and commands that are typed line by line. Nothing moves, nothing is
drawn, so that it can be read aloud, or piped."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING

from workbench.cli.asking import meant, words
from workbench.cli.mailbox import lines as inbox_lines
from workbench.cli.printable import printable
from workbench.composition.requesting import ask
from workbench.core.inbox import inbox
from workbench.core.models import TEXT_LIMIT
from workbench.core.requests import Pause, Request, Retry, Skip, Stop, Unpause, Write
from workbench.core.story import spoken
from workbench.core.story.onward import onward
from workbench.core.watched import Watched
from workbench.errors import IllegalEvent, UsageError, WorkbenchError

if TYPE_CHECKING:
    from workbench.composition.place import Place
    from workbench.composition.watching import Piece, Source

HELP = """\
help: this list.
status: how far the run is.
team: who does what.
tasks: every task in a sentence.
task ID: one task, and what it is about.
inbox: what waits for you.
answer ID yes, answer ID no, answer ID TEXT: answer what was asked.
send TO TEXT: write to a teammate, to lead, or to all.
retry TASK: try a task again. skip TASK: leave a task out.
pause: start nothing new. go on: start again.
stop: stop the run; what the teammates have is kept.
quit: close this; the run goes on."""

QUIET_SECONDS = 0.3
"""Off a terminal, commands that are on their way when the run ends come within this."""


async def tell(place: Place | None, source: Source | None) -> int:
    """Tell the run until the person quits; off a terminal, until the run ends. Gives 0.

    Raises UsageError when there is no run.
    """
    if source is None:
        raise UsageError("No run was started in this repository yet.", "`workbench run PLAN` starts one.")
    typed = Typed()
    return await Telling(place, source, typed).go(stay=sys.stdin.isatty() and sys.stdout.isatty())


class Typed:
    """Lines from stdin, read by a thread that nobody waits for; ``None`` after the last."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="typed", daemon=True).start()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        def put(line: str | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.lines.put_nowait, line)

        try:
            for raw in sys.stdin.buffer:
                put(raw.decode("utf-8", "replace"))
        except (OSError, ValueError):  # the terminal was closed
            pass
        finally:
            put(None)


class Telling:
    """One run, told through ``say``. ``typed`` is where commands come from."""

    def __init__(
        self,
        place: Place | None,
        source: Source,
        typed: Typed,
        say: Callable[[str], None] = lambda line: print(line, flush=True),
    ) -> None:
        self._place = place
        self._source = source
        self._typed = typed
        self._print = say
        self.watched = Watched(source.run)
        self._told = 0
        self._summed_up = self._lost = False
        self._begun, self._ended = asyncio.Event(), asyncio.Event()

    async def go(self, *, stay: bool) -> int:
        """Follow and obey. Without ``stay``, until the run ends, and quitting is not expected."""
        following = asyncio.ensure_future(self._follow())
        obeying = asyncio.ensure_future(self._obey(stay=stay))
        until = {following, obeying} if stay else {following, obeying, asyncio.ensure_future(self._over())}
        try:
            done, _ = await asyncio.wait(until, return_when=asyncio.FIRST_COMPLETED)
            for it in done:
                it.result()
        finally:
            for it in until:
                it.cancel()
            await asyncio.wait(until)
        return 0

    # -- following ------------------------------------------------------------------------------

    async def _follow(self) -> None:
        async with aclosing(self._source.pieces()) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                self.take(piece)
                await asyncio.sleep(0)

    def take(self, piece: Piece) -> None:
        """One piece of the log: what came is told, once what came before was summed up."""
        watched = self.watched
        if piece.anew:
            self.watched = watched = Watched(self._source.run)
            self._told, self._lost = 0, False
            self._say(["The log was set back. It is told again from here."])
        live, trouble = watched.live, watched.trouble
        said = piece.trouble
        for record in () if self._lost else piece.records:
            try:
                watched.take(record)
            except IllegalEvent as error:
                said, self._lost = f"This log cannot be followed: {error}", True
                break
            if self._summed_up and watched.history.told > self._told:
                line = watched.history.feed[-1]
                self._say(spoken.told(line.who, line.what))
            self._told = watched.history.told
        said = said or (trouble if self._lost else "")
        watched.stands(live=piece.live, trouble=said, caught_up=piece.caught_up, last=piece.last)
        if said and said != trouble:
            self._say([f"Trouble: {said}"])
        elif trouble and not said:
            self._say(["The log can be read again."])
        if not self._summed_up and watched.state.seq and (piece.caught_up or said):
            self._summed_up = True
            self._say([*self._status(), "Type help for what you can do."])
        elif self._summed_up and live and not piece.live:
            self._say([onward(watched.state, live=False)])
        if said or piece.caught_up:
            self._begun.set()
        if said or (piece.caught_up and not piece.live):
            self._ended.set()
        else:
            self._ended.clear()

    async def _over(self) -> None:
        """Until nothing more comes: the run is over, or nobody is at work on it."""
        while True:
            await self._ended.wait()
            if self._typed.lines.empty():
                await asyncio.sleep(QUIET_SECONDS)
                if self._ended.is_set() and self._typed.lines.empty():
                    return
            else:
                await asyncio.sleep(0.01)

    # -- obeying --------------------------------------------------------------------------------

    async def _obey(self, *, stay: bool) -> None:
        while (line := await self._typed.lines.get()) is not None:
            if line.split()[:1] in (["quit"], ["q"], ["exit"]):
                break
            if line.strip():
                await self._begun.wait()  # what there is to say about the run comes first
                await self.obey(line)
        else:
            if not stay:  # no more commands come, and the run is told to its end
                await asyncio.Event().wait()
        if self.watched.live:
            self._say(["Closed. The run goes on."])

    async def obey(self, line: str) -> None:
        """Do what one line asks for, and say what came of it."""
        name, *rest = line.split()
        try:
            said = await self._done(name.casefold(), rest, line.strip())
        except (WorkbenchError, OSError) as error:
            hint = error.hint if isinstance(error, WorkbenchError) else ""
            said = [f"Not done: {error}", *([f"Next: {hint}"] if hint else [])]
        self._say(said)

    async def _done(self, name: str, rest: list[str], line: str) -> list[str]:
        watched = self.watched
        match name, rest:
            case "help" | "?", _:
                return HELP.splitlines()
            case "status", []:
                return self._status()
            case "team", []:
                return spoken.team(watched.state)
            case "tasks", []:
                return spoken.tasks(watched.state)
            case "task", [task]:
                if task not in watched.state.tasks:
                    return [f"There is no task {task}. Type tasks to hear them all."]
                return spoken.task(watched.state, task)
            case "inbox", []:
                found = inbox(watched.state, watched.history.sent)
                return [it for it in inbox_lines(found, time.time()) if it]
            case _:
                return await self._asked(self._request(name, rest, line))

    def _request(self, name: str, rest: list[str], line: str) -> Request:
        match name, rest:
            case "answer", [message, _, *_]:
                text = _text(line, 2)
                return meant(self.watched.state.mail.get(message[:16]), message[:16], rest[1:], text)
            case "send", [to, _, *_]:
                return Write(to=to[:64], text=_text(line, 2))
            case "retry", [task]:
                return Retry(task=task[:64])
            case "skip", [task]:
                return Skip(task=task[:64])
            case "pause", []:
                return Pause()
            case ("go", ["on"]) | ("resume", []):
                return Unpause()
            case "stop", []:
                return Stop()
            case _:
                raise UsageError(f"{line!r} is no command here.", "Type help for those that there are.")

    async def _asked(self, request: Request) -> list[str]:
        if self._place is None:
            return ["This is a recording: nothing can be asked of it."]
        run = self.watched.run
        made = await ask(self._place, run, request)
        if made.event is None:
            return [f"Run {run} does not go on: this is kept until `workbench resume {run}`."]
        return [f"Done: {words(run, made.event)}."]

    def _status(self) -> list[str]:
        return spoken.status(self.watched.state, live=self.watched.live, now=time.time())

    def _say(self, lines: Iterable[str]) -> None:
        for line in lines:
            if line:
                self._print(printable(line))


def _text(line: str, skipped: int) -> str:
    """What stands in a line behind so many words, as it was typed."""
    text = line.split(None, skipped)[-1]
    if len(text) > TEXT_LIMIT:
        raise UsageError(f"A message has at most {TEXT_LIMIT} characters; this has {len(text)}.")
    return text
