"""The gates that were run on a task, and what they said."""

from __future__ import annotations

from workbench.core.history import GateRun
from workbench.core.lists import some
from workbench.core.report import duration
from workbench.core.watched import Watched
from workbench.tui.presenting.prose import Line, clean, labelled, lines_of, parted
from workbench.tui.presenting.table import Cell, Column, Row
from workbench.tui.presenting.times import time_of_day

GATES = (
    Column("", 8),
    Column("gate", 16, flex=3),
    Column("on", 9),
    Column("began", 8, rank=1),
    Column("took", 11, right=True),
    Column("said", 10, flex=1, rank=2),
    Column("commit", 10, rank=3),
)
NO_GATES = "no gate has run on this task: what they say of its work and of its merge stands here"


def checks(watched: Watched, name: str, now: float) -> list[Row]:
    """A row for each gate on a task, the latest run first."""
    runs = watched.history.checks_of(name)
    return [_gate(watched, run, it, now) for run in reversed(runs) for it in range(len(gates_in(run)))]


def gates_in(run: GateRun) -> tuple[str, ...]:
    """The gates of a run in their order: those with a verdict, then those that have none."""
    known = [verdict.gate for verdict in run.verdicts]
    return (*known, *(gate for gate in run.gates if gate not in known))


def gate_at(key: str, watched: Watched, name: str) -> tuple[GateRun, str] | None:
    """The run and the gate that a row of ``checks`` stands for; None when they are not remembered."""
    begun, _, place = key.partition("#")
    for run in watched.history.checks_of(name):
        if _begun(run) == begun:
            gates = gates_in(run)
            return (run, gates[int(place)]) if int(place) < len(gates) else None
    return None


def _begun(run: GateRun) -> str:
    return f"{run.commit}@{run.start}"


def _gate(watched: Watched, run: GateRun, place: int, now: float) -> Row:
    state = watched.state
    gate = gates_in(run)[place]
    verdict = run.verdicts[place] if place < len(run.verdicts) else None
    took, notes = "", []
    mark: Cell
    if verdict is not None:
        mark = Cell("✓ green", "good") if verdict.green else Cell("✗ red", "bad")
        took = duration(verdict.seconds)
        if verdict.quarantined:
            notes.append(f"excused: {some(verdict.quarantined, 2)}")
        elif verdict.failing:
            notes.append(f"{len(verdict.failing)} failing")
        flaky = sum(times for (of, _), times in state.flaky.items() if of == gate)
        if flaky:
            notes.append(f"flaked {flaky} times")
    elif run.end is None:
        mark = Cell("● runs", "busy") if place == 0 else Cell("● or next", "busy")
        took = duration(max(0.0, now - run.start)) if place == 0 else ""
    else:
        mark = Cell("- not run", "faint")
    return Row(
        f"{_begun(run)}#{place}",
        (
            mark,
            Cell(clean(gate)),
            Cell("its work" if run.alone else "its merge"),
            Cell(time_of_day(run.start), "faint"),
            Cell(took),
            Cell(clean("; ".join(notes)), "warn"),
            Cell(run.commit[:10]),
        ),
    )


def gate_output(run: GateRun, gate: str) -> list[Line]:
    """What a gate said, as its verdict has it."""
    for verdict in run.verdicts:
        if verdict.gate == gate:
            failing = [labelled("failing", Cell(clean(test), "bad")) for test in verdict.failing]
            excused = [labelled("excused", Cell(clean(test), "warn")) for test in verdict.quarantined]
            said = lines_of(verdict.output)
            return parted([[*failing, *excused], said])
    return []
