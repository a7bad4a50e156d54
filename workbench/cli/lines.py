"""A run told in lines of text: in a pipe, or with a table below them on a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from workbench.cli.printed import Printed
from workbench.core.events import Record
from workbench.core.report import duration, elapsed
from workbench.core.state import RunState, TaskStatus
from workbench.core.story.mail import to_answer
from workbench.core.story.story import Story
from workbench.core.story.team import counts, resting, rows
from workbench.core.story.words import Line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

STYLES = {"plain": "", "good": "green", "bad": "red", "warn": "yellow", "faint": "dim"}


class PlainLines(Printed):
    """One line for each thing worth telling, with the seconds since the display began."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._story = Story()

    def show(self, state: RunState, record: Record) -> None:
        if said := self._story.line(state, record.event):
            seconds = time.monotonic() - self._began
            print(f"{seconds:7.1f}s  {said.who:<8} {_indented(said.what)}", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * 19)


class LiveTable(Printed):
    """The team as a table that stays at the foot of the terminal, with the story above it.

    ``clock`` tells the seconds that stand before each line, from any beginning. One that goes on from another
    display has from it when that ``began``, and its ``story``.
    """

    def __init__(
        self,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        began: float | None = None,
        story: Story | None = None,
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = console or Console(stderr=True, highlight=False)
        self._clock = clock
        self._shown = clock()
        self._began = self._shown if began is None else began
        self._state: RunState | None = None
        self._story = story or Story()
        self._live = Live(
            console=self._console, refresh_per_second=8, get_renderable=self.foot, transient=True
        )

    def stand(self, state: RunState, since: float) -> None:
        """The run as it stands ``since`` then, by the clock; without a line about it."""
        self._state, self._shown = state, since

    def show(self, state: RunState, record: Record) -> None:
        self.stand(state, self._clock())
        if said := self._story.line(state, record.event):
            self._tell(said)

    def _tell(self, said: Line) -> None:
        from rich.text import Text

        seconds = self._clock() - self._began
        text = Text().append(f"{seconds:6.1f}s ", style="dim")
        text.append(
            f"{said.who:<8} ",
            style="bold cyan" if said.who not in ("run", "merge", "gate", "probe") else "bold",
        )
        text.append(_indented(said.what), style=STYLES[said.tone])
        self._live.console.print(text, soft_wrap=True)

    def foot(self) -> RenderableType:
        """The team and the counts as they stand; nothing before the first record and after the last."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        state = self._state
        if state is None or state.finished:
            return Text("")
        table = Table.grid(padding=(0, 2))
        for row in rows(state):
            bar = ProgressBar(total=100, completed=row.percent, width=16)
            table.add_row(
                Text(row.teammate, "bold cyan"), row.task, bar if row.task else "", Text(row.doing, "dim")
            )
        landed = sum(task.status is TaskStatus.LANDED for task in state.tasks.values())
        head = Text()
        head.append(f"{landed}/{len(state.tasks)} landed", "bold green" if landed else "bold")
        spent = f"  ${state.cost_usd:.2f}" if state.cost_usd and not state.settings.scripted else ""
        seconds = elapsed(state) + self._clock() - self._shown  # it goes on while nothing happens
        head.append(f"  {duration(seconds)}{spent}  {counts(state)}", "dim")
        if why := resting(state):
            head.append(f"  {why}", "yellow")
        if asked := to_answer(state):
            head.append(f"  {asked}", "bold yellow")
        names = ", ".join(state.landing.tasks) if state.landing else ""
        landing = Text(f"landing {names}", "yellow") if names else Text("")
        return Group(Text(""), head, table, landing)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # the terminal was closed: there is nothing to leave as it was
            self._live.__exit__(kind, error, trace)
