"""The attempts at a task as bars on the time axis of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from workbench.core.history import History
from workbench.core.state import TaskState, TaskStatus
from workbench.core.watched import Watched
from workbench.tui.presenting.table import Cell, Tone

Kind = Literal["work", "live", "failed", "cut", "queued", "landed", "undone"]

GLYPHS: dict[Kind, tuple[str, Tone]] = {
    "work": ("█", "busy"),
    "live": ("▒", "busy"),
    "failed": ("✗", "bad"),
    "cut": ("░", "faint"),
    "queued": ("─", "plain"),
    "landed": ("✓", "good"),
    "undone": ("↶", "warn"),
}
"""How each kind is drawn: by its glyph, and by its tone besides. The later ones are drawn over the others."""

LEGEND = "█ delivered  ▒ at work  ✗ failed  ░ cut short  ─ queued  ✓ landed"

LENGTHS = (15, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 2_700, 3_600, 5_400, 7_200, 10_800, 14_400, 21_600,
    28_800, 43_200)  # fmt: skip
"""Seconds that an axis shows; whole days after these."""

WAITING = frozenset({TaskStatus.DELIVERED, TaskStatus.LANDING})


@dataclass(frozen=True, slots=True)
class Bar:
    """From ``start`` to ``end``, in seconds that the run was at work before."""

    start: float
    end: float
    kind: Kind


@dataclass(frozen=True, slots=True)
class Strip(Cell):
    """Bars on an axis of ``length`` seconds, with a line at ``now``; nothing of it moves while only time goes
    by, but that line and what lasts until now."""

    bars: tuple[Bar, ...] = ()
    length: float = 60.0
    now: float = 0.0

    def pieces(self, width: int, *, right: bool = False) -> Sequence[tuple[str, Tone]]:
        """See Cell."""
        drawn: list[tuple[str, Tone]] = [(" ", "plain")] * width
        scale = width / self.length

        def column(at: float) -> int:
            return max(0, min(width - 1, int(at * scale)))

        drawn[column(self.now)] = ("│", "faint")
        for bar in self.bars:
            first, last = column(bar.start), column(bar.end)
            drawn[first : last + 1] = [GLYPHS[bar.kind]] * (last - first + 1)
        return [
            ("".join(glyph for glyph, _ in group), tone)
            for tone, group in groupby(drawn, key=lambda glyph: glyph[1])
        ]


def axis(watched: Watched, now: float) -> float:
    """How many seconds the axis of a run shows: round, so that it seldom changes; all of it, and no more,
    once the run is over."""
    state = watched.state
    seconds = watched.history.course.at_work(state.started_at, _until(watched, now))
    if state.finished and not watched.live:
        return max(1.0, seconds)
    return next((float(it) for it in LENGTHS if it > seconds), 86_400.0 * (1 + seconds // 86_400))


def length_in_words(seconds: float) -> str:
    """What stands above an axis."""
    if seconds < 120:
        return f"0-{seconds:.0f} s"
    if seconds < 7_200:
        return f"0-{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"0-{seconds / 3_600:.3g} h"
    return f"0-{seconds / 86_400:.3g} d"


def strip(watched: Watched, task: TaskState, now: float, length: float) -> Strip:
    """What a task's attempts came to, in the time that the run was at work; ``length`` is ``axis``."""
    history, began = watched.history, watched.state.started_at
    until = _until(watched, now)
    here = float(int(history.course.at_work(began, until)))
    bars: list[Bar] = []
    end = here
    if task.status in WAITING or task.status in (TaskStatus.LANDED, TaskStatus.UNDONE):
        since = history.course.at_work(began, task.delivered_at or began)
        if task.landed_at is not None and task.status not in WAITING:
            end = history.course.at_work(began, task.landed_at)
        bars.append(Bar(since, end, "queued"))
    bars += _attempts(history, task, began, until, here)
    if task.landed_at is not None and task.status not in WAITING:
        bars.append(Bar(end, end, "landed" if task.status is TaskStatus.LANDED else "undone"))
    return Strip("", "plain", tuple(bars), length, here)


def _attempts(history: History, task: TaskState, began: float, until: float, here: float) -> list[Bar]:
    bars = []
    for number in range(1, task.attempt + 1):
        if (span := history.spans.get((task.spec.id, number))) is None:
            continue
        start = history.course.at_work(began, span.start)
        kind: Kind = "work" if span.good else "failed" if span.good is False else "cut"
        if span.end is None:
            bars.append(Bar(start, here, "live"))
        else:
            bars.append(Bar(start, history.course.at_work(began, min(span.end, until)), kind))
    return bars


def _until(watched: Watched, now: float) -> float:
    state = watched.state
    if watched.live:
        return max(now, state.at)
    return state.ended_at if state.ended_at is not None else state.at
