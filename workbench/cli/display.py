"""Words on a terminal, in a pipe, or as JSON. Progress goes to stderr; stdout is for data."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from workbench.core.events import Record, as_json
from workbench.core.state import RunState

if TYPE_CHECKING:
    from rich.console import Console


class Display(Protocol):
    """Shows a run as it goes; a context manager that leaves the terminal as it found it."""

    def show(self, state: RunState, record: Record) -> None:
        """One record; ``state`` already includes it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class JsonLines:
    """Every record as a line of JSON on stdout, flushed, and nothing else there."""

    def show(self, state: RunState, record: Record) -> None:
        print(as_json(state.run, record), flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def open_display(*, json: bool, headless: bool) -> Display:
    """The display that fits: JSON on request, a live table on a terminal, plain lines otherwise."""
    if json:
        return JsonLines()
    from workbench.cli.lines import LiveTable, PlainLines

    if headless or not sys.stderr.isatty():
        return PlainLines()
    return LiveTable()


def console() -> Console:
    """Where results go: stdout, coloured only on a terminal and never against NO_COLOR."""
    from rich.console import Console

    return Console(highlight=False)
