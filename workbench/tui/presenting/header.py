"""The line that stands above every screen: how far the run is, what it costs, what holds it back."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len

from workbench.core.inbox import for_person
from workbench.core.money import dollars
from workbench.core.report import elapsed
from workbench.core.state import OVER, RunState, TaskStatus
from workbench.core.story.onward import onward
from workbench.core.story.team import resting
from workbench.core.watched import Watched
from workbench.tui.presenting.table import Cell, Tone, fitted
from workbench.tui.presenting.times import roughly, span

EXPECTED = 2
"""Landed tasks of the process at work before a guess at the end is worth anything."""

NEARLY = 0.9
"""A budget is told as nearly spent from this share on."""

BARS = (12, 6)
NAMES = (40, 20, 12)
GAP = 2

GIVEN_UP = frozenset({TaskStatus.FAILED, TaskStatus.BLOCKED})


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that the header says, and in fewer words where there is little room."""

    text: str
    tone: Tone = "plain"
    brief: str = ""

    def words(self, *, brief: bool) -> str:
        """Its text, the short one if that is asked for and there is one."""
        return self.brief if brief and self.brief else self.text


@dataclass(frozen=True, slots=True)
class Head:
    """``percent`` of the tasks have landed; ``items`` follow each other on the line, the most needed first;
    ``notice`` is a second line, if there is something to say."""

    run: str
    percent: int
    items: tuple[Item, ...]
    notice: Cell | None


def head(watched: Watched, now: float) -> Head:
    """The header of a run at ``now``."""
    state = watched.state
    landed = sum(task.status is TaskStatus.LANDED for task in state.tasks.values())
    total = len(state.tasks)
    items = [_standing(watched, now)]
    if total:
        items.append(Item(f"{landed}/{total} landed", "good" if landed else "plain", f"{landed}/{total}"))
    items += [_asks(state), _given_up(state), _alarms(state), _spent(state)]
    if left := remaining(watched, now):
        items.append(Item(f"~{left} left", "plain", f"~{left}"))
    if total:
        items.append(Item(f"{_so_far(watched, now)} so far", "faint", _so_far(watched, now)))
    percent = 100 * landed // total if total else 0
    return Head(state.run, percent, tuple(it for it in items if it.text), _notice(watched, now))


def line(head: Head, room: int) -> tuple[Cell, ...]:
    """The first line in ``room`` cells: name, the two parts of the bar, and the items. The words become
    fewer, then what is needed least is left out; nothing is cut in half but the name."""
    name = head.run or "workbench"
    for bar, longest, brief in ((BARS[0], NAMES[0], False), (BARS[1], NAMES[1], True)):
        size = min(cell_len(name), longest) + GAP + bar
        if size + sum(GAP + cell_len(it.words(brief=brief)) for it in head.items) <= room:
            return _line(head, room, bar, longest, brief=brief)
    return _line(head, room, BARS[1], NAMES[2 if room < 60 else 1], brief=True)


def _line(head: Head, room: int, bar: int, longest: int, *, brief: bool) -> tuple[Cell, ...]:
    name = head.run or "workbench"
    name = fitted(name, min(cell_len(name), longest, max(1, room)))
    done = bar * head.percent // 100
    cells = [Cell(name, "strong"), Cell("━" * done, "good"), Cell("─" * (bar - done), "faint")]
    room -= cell_len(name) + GAP + bar
    for item in head.items:
        words = item.words(brief=brief)
        if (size := GAP + cell_len(words)) <= room:
            cells.append(Cell(words, item.tone))
            room -= size
    return tuple(cells)


def _standing(watched: Watched, now: float) -> Item:
    state = watched.state
    if state.finished:
        return Item(f"■ {state.outcome}", "good" if state.outcome == "landed" else "bad")
    if not watched.live:
        return Item("○ not running", "warn", "○ off") if state.seq else Item("")
    if state.stopping:
        return Item("◌ stopping", "warn")
    if state.paused:
        return Item("‖ paused", "warn")
    pause = state.pace.pause
    if pause is not None and pause.hold.holds(now):
        return Item(f"‖ {pause.limit} limit {span(pause.hold.until - now)}", "warn", "‖ limit")
    if state.pace.circuit is not None:
        return Item("‖ agent fails", "warn")
    if (cap := state.pace.cap_at(now)) is not None and cap < len(state.teammates):
        return Item(f"● slowed to {cap}", "warn")
    return Item("● live", "good")


def _asks(state: RunState) -> Item:
    asks = len(for_person(state))
    return Item(f"✉ {asks} for you", "warn", f"✉ {asks}") if asks else Item("")


def _given_up(state: RunState) -> Item:
    lost = sum(task.status in GIVEN_UP for task in state.tasks.values())
    return Item(f"✗ {lost} given up", "bad", f"✗ {lost}") if lost else Item("")


def _alarms(state: RunState) -> Item:
    count = len(state.alarms)
    return Item(f"! {count} alarm{'s' if count > 1 else ''}", "bad", f"! {count}") if count else Item("")


def _spent(state: RunState) -> Item:
    if state.settings.scripted:
        return Item("scripted model", "warn", "scripted")
    budget, cost = state.settings.budget_usd, state.cost_usd
    if not cost and budget is None:
        return Item("")
    if budget is None:
        return Item(dollars(cost))
    tone: Tone = "bad" if cost >= budget else "warn" if cost >= NEARLY * budget else "plain"
    return Item(f"{dollars(cost)} of {dollars(budget)}", tone, f"{dollars(cost)}/{dollars(budget)}")


def _so_far(watched: Watched, now: float) -> str:
    state = watched.state
    return span(max(0.0, elapsed(state) + (now - state.at if watched.live else 0.0)))


def remaining(watched: Watched, now: float) -> str:
    """How much longer, by how fast tasks landed in the process at work while nothing held it back; never
    less than the longest chain of what is open takes. Empty while that means nothing: before the second
    landing, and while the run is held back, is stopping or is not going on."""
    state, course = watched.state, watched.history.course
    if not watched.live or state.finished or state.stopping or course.resting is not None:
        return ""
    left = [task for task in state.tasks.values() if task.status not in OVER]
    if not left or course.landed < EXPECTED:
        return ""
    by_rate = len(left) * course.unhindered(state, now) / course.landed
    return roughly(max(by_rate, (1 + max(task.rank for task in left)) * _one(state)))


def _one(state: RunState) -> float:
    """Seconds from the start of an attempt that was delivered to its landing, on average of the latest."""
    latest = state.landings[-20:]
    took = [
        landing.at - attempt.started_at
        for landing in latest
        if (attempt := state.attempts.get((landing.task, landing.attempt))) is not None
        and attempt.started_at >= state.resumed_at
    ]
    return sum(took) / len(took) if took else 0.0


def _notice(watched: Watched, now: float) -> Cell | None:
    if watched.trouble:
        return Cell(watched.trouble, "bad")
    if not watched.caught_up and watched.last:
        return Cell(f"reading the log: {watched.state.seq:,} of {watched.last:,} events", "faint")
    state = watched.state
    if said := onward(state, live=watched.live):
        return Cell(said, "good" if state.outcome == "landed" else "warn")
    if state.paused and watched.live:
        return Cell(
            "Paused by a person: what is at work goes on, nothing new starts. p lets it go on.", "warn"
        )
    if watched.live and (why := resting(state)):
        return Cell(why[:1].upper() + why[1:] + ".", "warn")
    return None
