"""What holds a team back just now, as values; ``core.pacing`` says what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field

FASTER_SECONDS = 60.0
"""After each of these without a rate limit, one attempt more may run at once."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A span of time, in Unix seconds, in which something is held back. Before it began counts as after
    it: a clock that was set back must not hold anybody up for hours."""

    since: float
    until: float

    def holds(self, at: float) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing starts: a usage limit, or a rate limit that outlived the agent's own patience. ``resets`` says
    that its end is when the limit is lifted."""

    hold: Hold
    limit: str
    reason: str
    resets: bool = False


@dataclass(slots=True)
class Pace:
    """What holds the team back just now.

    ``cap`` is how many attempts may run at once since ``slowed_at``; ``room`` how many fit into memory.
    ``failures`` counts those of the agent itself in a row, and ``broken`` is what the last of them said;
    ``circuit`` is there while it is open, and ``trial`` the attempt that may close it. ``pauses`` counts
    pauses of unknown length in a row; ``warned`` are the budgets (a task's id, or empty for the run's) that
    were said to run out.
    """

    pause: Pause | None = None
    pauses: int = 0
    cap: int | None = None
    slowed_at: float = 0.0
    room: int | None = None
    failures: int = 0
    broken: str = ""
    circuit: Hold | None = None
    trial: tuple[str, int] | None = None
    warned: set[str] = field(default_factory=set)

    def cap_at(self, at: float) -> int | None:
        """How many attempts may run at once by now: one more for each quiet minute."""
        if self.cap is None:
            return None
        return self.cap + int(max(0.0, at - self.slowed_at) / FASTER_SECONDS)
