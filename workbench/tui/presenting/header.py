"""The line that stands above every screen: how far the run is, what it costs, what holds it back."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.inbox import for_person
from workbench.core.money import dollars
from workbench.core.report import duration, elapsed
from workbench.core.state import OVER, TaskStatus
from workbench.core.story.onward import onward
from workbench.core.story.team import resting
from workbench.core.watched import Watched
from workbench.tui.presenting.table import Cell

EXPECTED = 2
"""Landed tasks before a guess at the end is worth anything."""


@dataclass(frozen=True, slots=True)
class Head:
    """``percent`` of the tasks have landed; ``cells`` follow each other on the line, the most needed first;
    ``notice`` is a second line, if there is something to say."""

    run: str
    percent: int
    cells: tuple[Cell, ...]
    notice: Cell | None


def head(watched: Watched, now: float) -> Head:
    """The header of a run at ``now``."""
    state = watched.state
    landed = sum(task.status is TaskStatus.LANDED for task in state.tasks.values())
    total = len(state.tasks)
    cells = [_standing(watched), Cell(f"{landed}/{total} landed", "good" if landed else "plain")]
    if asks := len(for_person(state)):
        cells.append(Cell(f"✉ {asks} for you", "warn"))
    if total:
        cells.append(Cell(duration(max(0.0, elapsed(state) + (now - state.at if watched.live else 0.0)))))
    if left := remaining(watched, now):
        cells.append(Cell(left, "faint"))
    cells.append(_spent(watched))
    return Head(
        state.run,
        100 * landed // total if total else 0,
        tuple(it for it in cells if it.text),
        _notice(watched),
    )


def _standing(watched: Watched) -> Cell:
    state = watched.state
    if state.finished:
        return Cell(f"■ {state.outcome}", "good" if state.outcome == "landed" else "bad")
    if watched.live:
        if state.stopping:
            return Cell("◌ stopping", "warn")
        return Cell("‖ paused", "warn") if state.paused else Cell("● live", "good")
    return Cell("○ not running", "warn") if state.seq else Cell("")


def _spent(watched: Watched) -> Cell:
    state = watched.state
    if state.settings.scripted:
        return Cell("scripted model", "warn")
    budget = state.settings.budget_usd
    if not state.cost_usd and budget is None:
        return Cell("")
    if budget is None:
        return Cell(dollars(state.cost_usd))
    tone = "bad" if state.cost_usd >= budget else "warn" if state.cost_usd >= 0.8 * budget else "plain"
    return Cell(f"{dollars(state.cost_usd)} of {dollars(budget)}", tone)  # type: ignore[arg-type]


def remaining(watched: Watched, now: float) -> str:
    """How much longer, by how fast tasks landed so far; empty while that means nothing."""
    state = watched.state
    over = sum(task.status in OVER for task in state.tasks.values())
    landed = len(state.standing)
    open_ = len(state.tasks) - over
    if state.finished or not open_ or landed < EXPECTED:
        return ""
    each = (state.standing[-1].at - state.started_at) / landed
    since = max(0.0, now - state.standing[-1].at)
    return f"~{duration(max(each, open_ * each - since))} left"


def _notice(watched: Watched) -> Cell | None:
    if watched.trouble:
        return Cell(watched.trouble, "bad")
    if not watched.caught_up and watched.last:
        return Cell(f"reading the log: {watched.state.seq:,} of {watched.last:,} events", "faint")
    state = watched.state
    if said := onward(state, live=watched.live):
        return Cell(said, "good" if state.outcome == "landed" else "warn")
    if why := resting(state):
        return Cell(why, "warn")
    return None
