"""The merges of a run in rows and words: what is being landed, what waits, and what stood in the way."""

from __future__ import annotations

from workbench.core.history import GateRun
from workbench.core.lists import some
from workbench.core.merge import queued
from workbench.core.state import Landing, RunState
from workbench.core.watched import Watched
from workbench.tui.presenting.facts import Fact
from workbench.tui.presenting.prose import clean
from workbench.tui.presenting.table import Cell, Column, Row, Tone
from workbench.tui.presenting.times import time_of_day

# -- queue -------------------------------------------------------------------------------------------

QUEUE = (
    Column("", 3, right=True),
    Column("task", 14, flex=2),
    Column("stands", 22, flex=1),
    Column("candidate", 10, rank=1),
    Column("by", 10, rank=2),
    Column("since", 8, rank=3),
    Column("", 16, flex=3, rank=4),
)
NO_QUEUE = "nothing waits to be merged: a task stands here once its work is green alone"


def queue(watched: Watched) -> list[Row]:
    """The landing under way, step by step, and what is merged after it, in order."""
    state = watched.state
    rows = []
    if state.landing is not None:
        rows += [
            _step(state, state.landing, name, place) for place, name in enumerate(state.landing.tasks, 1)
        ]
    rows += [_waiting(state, name, place) for place, name in enumerate(queued(state), 1)]
    return rows


def _step(state: RunState, landing: Landing, name: str, place: int) -> Row:
    prefix = next((number for number, it in enumerate(landing.steps, 1) if it.task == name), None)
    step = landing.steps[prefix - 1] if prefix is not None else None
    words, tone = _gated(landing, prefix)
    notes = []
    if step is not None and step.rung:
        notes.append(f"conflict in {some(step.resolved, 2)} settled by {step.rung}")
    if step is not None:
        notes.append(f"{len(step.files)} file{'s' if len(step.files) != 1 else ''}")
    return Row(
        name,
        (
            Cell("▶" if place == 1 else "│", "busy"),
            Cell(name, "strong"),
            Cell(words, tone),
            Cell(step.commit[:10] if step is not None else "", "accent"),
            Cell(_author(state, name)),
            Cell(_since(state.tasks[name].delivered_at), "faint"),
            Cell(clean("; ".join(notes)), "warn" if step is not None and step.rung else "faint"),
        ),
    )


def _gated(landing: Landing, prefix: int | None) -> tuple[str, Tone]:
    """What is known of the batch up to a step: its own merge and all before it."""
    search = landing.search
    if prefix is None:
        return ("· is merged next", "faint") if search is None else ("· steps aside", "warn")
    if search is None:
        return "◆ merged, not gated", "busy"
    if prefix in landing.checking:
        return "● gates run up to here", "busy"
    if prefix <= search.green:
        return "✓ green up to here", "good"
    if search.red is not None and prefix >= search.red:
        return ("✗ red from here on", "bad") if prefix == search.red else ("· behind what is red", "warn")
    if prefix in search.doubts:
        return "? red once, run again", "warn"
    later = any(prefix < it for it in landing.checking)
    return ("◌ gated with the batch", "busy") if later else ("· waits for its gates", "faint")


def _waiting(state: RunState, name: str, place: int) -> Row:
    task = state.tasks[name]
    notes = []
    if task.thrown:
        notes.append(f"red so far: what {some(task.thrown, 2)} made of its conflict")
    if others := state.foreseen.get(name):
        notes.append(f"conflicts with {some(list(others), 2)} so far")
    return Row(
        name,
        (
            Cell(str(place)),
            Cell(name, "strong"),
            Cell("◇ queued", "plain"),
            Cell((task.commit or "")[:10], "faint"),
            Cell(_author(state, name)),
            Cell(_since(state.queue[name]), "faint"),
            Cell("; ".join(notes), "warn"),
        ),
    )


def _author(state: RunState, name: str) -> str:
    attempt = state.attempts.get((name, state.tasks[name].delivered_by))
    return attempt.teammate if attempt is not None else ""


def _since(at: float | None) -> str:
    return time_of_day(at) if at is not None else ""


def facts(watched: Watched) -> list[Fact]:
    """How the merging goes, in a line or two."""
    state = watched.state
    standing_ = len(state.standing)
    found = [Fact("", (Cell(f"{standing_} landed", "good" if standing_ else "plain"),))]
    if state.undone:
        found.append(Fact("", (Cell(f"{len(state.undone)} undone", "warn"),)))
    if state.landing is not None:
        found.append(Fact("", (Cell(f"◆ {len(state.landing.tasks)} in the landing under way", "busy"),)))
    found.append(Fact("", (Cell(f"{len(state.queue)} queued"),)))
    found.append(Fact("", (Cell(f"batches of {state.batch}", "faint"),)))
    if state.gate_runs:
        found.append(Fact("", (Cell(f"{state.gate_runs} gate runs", "faint"),)))
    if state.integration:
        branch = state.integration.removeprefix("refs/heads/")
        tip = f" at {state.published[:10]}" if state.published else ""
        found.append(Fact("branch", (Cell(clean(branch), "accent"), Cell(tip)), line=True))
    return found


def running(watched: Watched) -> GateRun | None:
    """The gates that run on a candidate now: the latest to have begun."""
    found = (run for run in reversed(watched.history.checks) if not run.alone and run.end is None)
    return next(found, None) if watched.state.landing is not None else None


def latest(watched: Watched) -> GateRun | None:
    """The gates on a candidate that ended last."""
    found = (run for run in reversed(watched.history.checks) if not run.alone and run.end is not None)
    return next(found, None)


def gates_of(run: GateRun | None) -> tuple[str, ...]:
    """The gates whose output is shown for a run: all while they run, afterwards the one that was red, or the
    last."""
    if run is None:
        return ()
    if run.end is None:
        return run.gates
    red = next((verdict.gate for verdict in run.verdicts if not verdict.green), None)
    return (red,) if red is not None else tuple(verdict.gate for verdict in run.verdicts[-1:])


def gate_head(run: GateRun | None) -> list[Fact]:
    """Which gates those are."""
    if run is None:
        return [Fact("", (Cell("gates of the candidate", "faint"),))]
    gates = Cell(clean("; ".join(gates_of(run) or run.gates)), "strong")
    how = (
        Cell("● running", "busy")
        if run.end is None
        else Cell("✓ green", "good")
        if run.green
        else Cell("✗ red", "bad")
    )
    on = Fact("on the merge of", (Cell(run.task), Cell(f" {run.commit[:10]}", "accent")))
    return [Fact("", (how,)), on, Fact("", (gates,), line=True)]


def land_command(state: RunState) -> str:
    """What to type to bring what has landed to the branch that the run was started from."""
    return f"workbench land {state.run}"
