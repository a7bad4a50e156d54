"""When a run was at work, folded from its records: what an honest guess at its end is made from. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.core import events as e
from workbench.core.state import RunState


@dataclass(slots=True)
class Course:
    """``lulls`` are the spans between two processes of the run, in order (Unix seconds). ``landed`` are the
    landings of the process at work while nothing held the team back, and ``rested`` the seconds that
    something did, up to ``resting`` if that is set: since then something does."""

    lulls: list[tuple[float, float]] = field(default_factory=list)
    landed: int = 0
    rested: float = 0.0
    resting: float | None = None
    _last: float = 0.0

    def take(self, state: RunState, record: e.Record) -> None:
        """One more record; ``state`` already includes it."""
        at = record.at
        match record.event:
            case e.RunResumed():
                self.lulls.append((self._last, at))
                self.landed, self.rested, self.resting = 0, 0.0, None
            case e.TaskLanded():
                self.landed += self.resting is None
            case _:
                pass
        if not state.finished or isinstance(record.event, e.RunFinished):
            self._last = at  # what stands in the log behind the end is nobody's work
        pace = state.pace
        held = state.paused or pace.pause is not None or pace.circuit is not None
        if held and self.resting is None:
            self.resting = at
        elif not held and self.resting is not None:
            self.rested += at - self.resting
            self.resting = None

    def at_work(self, start: float, at: float) -> float:
        """Seconds from ``start`` to ``at`` without the time between processes."""
        away = 0.0
        for left, back in self.lulls:
            if left >= at:
                break
            away += max(0.0, min(back, at) - max(left, start))
        return max(0.0, at - start - away)

    def unhindered(self, state: RunState, at: float) -> float:
        """Seconds that the process at work had up to ``at`` while nothing held the team back."""
        held = self.rested + (at - self.resting if self.resting is not None else 0.0)
        return max(0.0, at - state.resumed_at - held)
