"""What a screen may ask of the application, whichever screen it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.composition.place import Place
    from workbench.core.mail import Decision
    from workbench.core.requests import Request
    from workbench.core.watched import Watched

Outcome = Literal["sent", "taken", "kept", "refused"]
"""How far a request came: on its way, taken by the run, kept until that goes on, or for nothing."""

Told = Callable[[Outcome], None]


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

    def ask(self, request: Request, done: str, told: Told | None = None) -> None:
        """Ask this of the run, in the background; a notice says ``done``, or why it was refused. ``told`` is
        called with what came of it."""
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
        """Let the person write to a member of the team, the lead, or ``all``; without ``to`` they choose."""
        ...

    def answer(self, message: str, decision: Decision = "", told: Told | None = None) -> None:
        """Let the person put an answer to what is open into words; ``told`` as for ``ask``."""
        ...
