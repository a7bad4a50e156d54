"""The merge queue as rows: gates that run, the landing under way, and what waits behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workbench.core.history import GateRun
from workbench.core.merge import queued
from workbench.core.state import Landing, Phase, RunState, Step
from workbench.core.story.words import short
from workbench.core.watched import Watched
from workbench.tui.presenting.table import Cell, Column, Made, Row
from workbench.tui.presenting.times import span

COLUMNS = (
    Column("step", 10),
    Column("task", 12, flex=1),
    Column("how it stands", 18, flex=4),
    Column("commit", 10, rank=2),
    Column("time", 7, right=True, rank=1),
)


@dataclass(frozen=True, slots=True)
class Line:
    """What is in the queue: of each of these the row is made when it is seen."""

    gates: list[GateRun]
    landing: list[str]
    waiting: list[str]

    @property
    def tally(self) -> str:
        """How much there is, in words; "empty" for nothing."""
        said = [
            f"{len(self.landing)} landing" if self.landing else "",
            f"{len(self.waiting)} queued" if self.waiting else "",
            f"{len(self.gates)} gate run{'s' if len(self.gates) > 1 else ''}" if self.gates else "",
        ]
        return " · ".join(filter(None, said)) or "empty"


def in_line(watched: Watched) -> Line:
    """What is in the queue of a run, and the gates that run just now."""
    state = watched.state
    gates = [run for run in watched.history.checks if _runs(watched, run)]
    landing = list(state.landing.tasks) if state.landing is not None else []
    return Line(gates, landing, queued(state))


def queue_rows(watched: Watched, line: Line, now: float, matches: Callable[..., bool] | None) -> Made:
    """Gates that run, then the tasks of the landing in its order, then those that wait in theirs."""
    state = watched.state
    runs = {f"gate {run.task} {run.commit}": run for run in line.gates}
    keys = [*runs, *(f"landing {it}" for it in line.landing), *(f"queued {it}" for it in line.waiting)]
    if matches is not None:
        keys = [key for key in keys if matches(key)]
    places = {name: place for place, name in enumerate(line.waiting, 1)}

    def row(key: str) -> Row:
        what, task, *_ = key.split(" ")
        if what == "gate":
            return _gate(key, runs[key], now)
        if what == "landing":
            return _landing(key, state, task)
        return _waiting(key, state, task, places[task], now)

    return Made(keys, row)


def latest_gate(line: Line, key: str) -> GateRun | None:
    """Of the gates that run, those of the row of ``key``, or those that began last; None where none runs."""
    named = (run for run in line.gates if f"gate {run.task} {run.commit}" == key)
    return next(named, line.gates[-1] if line.gates else None)


def last_words(outputs: Mapping[str, str]) -> str:
    """The last line that the gates of a run have printed, by the gate and in their order."""
    for gate, output in reversed(list(outputs.items())):
        if line := next((it.strip() for it in reversed(output.splitlines()) if it.strip()), ""):
            return f"{short(gate, 30)} │ {line}"
    return ""


def task_of(key: str) -> str:
    """The task that the row of ``key`` is about."""
    return key.split(" ")[1] if key else ""


def _runs(watched: Watched, run: GateRun) -> bool:
    state = watched.state
    if run.end is not None or not watched.live:
        return False
    if run.alone:
        task = state.tasks.get(run.task)
        attempt = state.attempts.get((run.task, task.attempt)) if task is not None else None
        return attempt is not None and attempt.phase is Phase.COLLECTED
    landing = state.landing
    return landing is not None and landing.prefix(run.commit) in landing.checking


def _gate(key: str, run: GateRun, now: float) -> Row:
    on = "alone" if run.alone else "merged"
    return Row(
        key,
        (
            Cell("◐ gates", "busy"),
            Cell(run.task),
            Cell(f"{on}: {', '.join(run.gates)}"),
            Cell(run.commit[:10], "faint"),
            Cell(span(now - run.start)),
        ),
    )


def _landing(key: str, state: RunState, task: str) -> Row:
    landing = state.landing
    steps = landing.steps if landing is not None else []
    place = next((it for it, step in enumerate(steps, 1) if step.task == task), 0)
    if landing is None or not place:
        return Row(key, (Cell("◆ landing", "busy"), Cell(task), Cell("is being merged"), Cell(""), Cell("")))
    step = steps[place - 1]
    said = _proof(landing, place)
    merged = f"{step.rung}: " if step.rung else ""
    cells = (
        Cell("◆ landing", "busy"),
        Cell(task),
        Cell(merged + said.text, said.tone),
        _commit(step),
        Cell(""),
    )
    return Row(key, cells)


def _commit(step: Step) -> Cell:
    return Cell(step.commit[:10], "faint")


def _proof(landing: Landing, prefix: int) -> Cell:
    """What is known of the batch up to a step."""
    search = landing.search
    if search is None:
        return Cell("merged, the batch is built")
    if prefix <= search.green:
        return Cell("✓ green", "good")
    if search.red is not None and search.red and prefix >= search.red:
        return Cell(
            "✗ red" if prefix == search.red else "behind a red one", "bad" if prefix == search.red else "warn"
        )
    if prefix in search.doubts:
        return Cell("red once, looked at again", "warn")
    if any(prefix <= it for it in landing.checking):
        return Cell("gates run" if prefix in landing.checking else "in the batch", "busy")
    return Cell("waits for gates")


def _waiting(key: str, state: RunState, task: str, place: int, now: float) -> Row:
    there = state.tasks.get(task)
    since = state.queue.get(task)
    thrown = f", after {', '.join(there.thrown)} was red" if there is not None and there.thrown else ""
    foreseen = len(state.foreseen.get(task, ()))
    expects = f", conflicts foreseen with {foreseen}" if foreseen else ""
    commit = there.commit if there is not None and there.commit else ""
    return Row(
        key,
        (
            Cell("◇ queued"),
            Cell(task),
            Cell(f"number {place}{expects}{thrown}", "warn" if thrown or expects else "plain"),
            Cell(commit[:10], "faint"),
            Cell(span(now - since) if since is not None else ""),
        ),
    )
