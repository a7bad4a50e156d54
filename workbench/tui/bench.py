"""What a screen may ask of the application, whichever screen it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.composition.place import Place
    from workbench.core.requests import Request
    from workbench.core.watched import Watched


class Bench(Protocol):
    """The application, as screens see it."""

    @property
    def watched(self) -> Watched:
        """The run that is watched; one without a name and without events while there is none."""
        ...

    @property
    def place(self) -> Place | None:
        """The repository; None where a recording is watched, of which nothing can be asked."""
        ...

    @property
    def now(self) -> float:
        """The time by which a run is shown (Unix seconds): the clock's while it is going on, that of its
        latest record otherwise."""
        ...

    def ask(self, request: Request, done: str) -> None:
        """Ask this of the run, in the background; a notice says ``done``, or why it was refused."""
        ...

    def say(self, text: str, *, bad: bool = False) -> None:
        """A notice that goes away by itself."""
        ...

    def watch_run(self, run: str) -> None:
        """Watch another run of the repository, and show its team."""
        ...

    def open_task(self, task: str) -> None:
        """The screen of a task."""
        ...

    def open_plan(self, path: Path) -> None:
        """The plan screen on a plan file, above the screen that is seen."""
        ...

    def open_teammate(self, name: str) -> None:
        """The screen of a teammate."""
        ...

    def write_to(self, to: str, reply_to: str = "") -> None:
        """Let the person write to a member of the team, the lead, or ``all``."""
        ...
