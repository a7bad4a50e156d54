"""The lead of a run, as a value: one session that answers what teammates ask. Pure.

It is called when the first message for it comes, hears them one by one in the order of their sending, and
stays until the run is over. When it fails it is called again, later each time; when it keeps failing it is
``out``, and what it was asked goes to the person.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.core.models import Usage
from workbench.core.pace import Hold

MOST_FAILURES = 3
"""Failures in a row after which the lead is not called again in this process."""


@dataclass(slots=True)
class LeadState:
    """Where the lead stands. ``life`` counts its processes; ``up`` while there is one, ``ready`` once it
    listens. ``told`` are messages that its session was given and has not taken up as far as is known,
    ``heard`` those it has, ``taken_up`` those of them whose turn is not over. ``reminded`` are questions that
    it was told of a second time, ``silent`` those to which it then said nothing either. ``usage`` is that of
    the process at work, ``spent`` of all before.
    """

    life: int = 0
    up: bool = False
    ready: bool = False
    session: str | None = None
    told: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    taken_up: list[str] = field(default_factory=list)
    reminded: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    usage: Usage = field(default_factory=Usage)
    spent: Usage = field(default_factory=Usage)
    doing: str = ""
    error: str = ""
    login: bool = False
    limit: str = ""
    resets_at: float | None = None
    failures: int = 0
    denied: int = 0
    later: Hold | None = None
    out: str = ""
    """Why it is not called any more."""

    def begin_anew(self) -> None:
        """Another process of the run tries again what failed in the one before."""
        self.failures, self.later, self.out = 0, None, ""
