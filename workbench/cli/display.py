"""Words on a terminal, in a pipe, or as JSON. Progress goes to stderr; stdout is for data."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from workbench.cli.outcome import explain
from workbench.cli.printed import Printed
from workbench.core.events import Record, as_json
from workbench.core.state import RunState

if TYPE_CHECKING:
    from rich.console import Console


class Display(Protocol):
    """Shows a run as it goes; a context manager that leaves the terminal as it found it."""

    def show(self, state: RunState, record: Record) -> None:
        """One record; ``state`` already includes it."""
        ...

    def say(self, sentence: str, hint: str = "") -> None:
        """What a person should know besides, and what to do next: on stderr, when it does no harm there."""
        ...

    async def closed(self) -> None:
        """The run is over and holds nothing any more: comes back when the person has seen enough of it."""
        ...

    def close(self) -> None:
        """The person does not look at it any longer, whether they want to or not."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class JsonLines(Printed):
    """Every record as a line of JSON on stdout, flushed, and nothing else there."""

    def show(self, state: RunState, record: Record) -> None:
        print(as_json(state.run, record), flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def open_display(*, json: bool, headless: bool, plain: bool = False, viewed: Path | None = None) -> Display:
    """The display that fits: JSON on request; where stderr is no terminal, or ``plain`` or a dumb terminal
    asks for it, lines; otherwise a live table, or the viewer on the run of the repository ``viewed``."""
    if json:
        return JsonLines()
    from workbench.cli.lines import LiveTable, PlainLines
    from workbench.cli.terminal import is_dumb, is_ours

    if plain or not sys.stderr.isatty() or is_dumb():
        return PlainLines()
    if headless or viewed is None or not is_ours():
        return LiveTable()
    from workbench.cli import viewer

    if viewer.is_there():
        return viewer.Viewer(viewed)
    explain("Textual is not installed, so there is no viewer", "pip install textual, or use --headless")
    return LiveTable()


def console() -> Console:
    """Where results go: stdout, coloured only on a terminal and never against NO_COLOR."""
    from rich.console import Console

    return Console(highlight=False)
