"""A run as somebody watches it: its state, what a viewer remembers, and whether it is going on."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.core.apply import apply
from workbench.core.events import Record
from workbench.core.history import History
from workbench.core.state import RunState


@dataclass(slots=True)
class Watched:
    """Folded from the pieces that a source gives. ``live`` says whether a process is at work on the run,
    ``trouble`` why its log cannot be read just now; until ``caught_up`` the state is one of the past.
    ``changes`` counts up with everything that could be shown anew."""

    run: str
    state: RunState = field(default_factory=RunState)
    history: History = field(default_factory=History)
    live: bool = False
    trouble: str = ""
    caught_up: bool = False
    last: int = 0
    """The number of the newest record that is known of, taken or not."""
    changes: int = 0
    reached: bool = False
    """Whether all that was there in the beginning has been taken: a state of before was long ago."""

    def __post_init__(self) -> None:
        self.state.run = self.run

    def take(self, record: Record) -> None:
        """One more record, in order. Raises IllegalEvent for one that cannot follow."""
        apply(self.state, record)
        self.history.take(self.state, record)
        self.changes += 1

    def stands(self, *, live: bool, trouble: str, caught_up: bool, last: int) -> None:
        """What is known of the run beside its records."""
        now = (live, trouble, caught_up, last)
        if now != (self.live, self.trouble, self.caught_up, self.last):
            self.live, self.trouble, self.caught_up, self.last = now
            self.changes += 1
        self.reached = self.reached or caught_up or bool(trouble)

    @property
    def now(self) -> float:
        """When the newest record was made (Unix seconds)."""
        return self.state.at
