"""Runs of a repository, plans to approve and what doctor finds, as rows and words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from workbench.core.cleaning import Standing
from workbench.core.money import dollars
from workbench.core.report import duration
from workbench.core.story.words import clock_time
from workbench.tui.presenting.table import Cell, Column, Row, Tone

if TYPE_CHECKING:
    from workbench.composition.overview import PlanSummary, RunSummary
    from workbench.doctor import Finding

RUN_COLUMNS = (
    Column("standing", 12),
    Column("run", 18, flex=2),
    Column("landed", 7, right=True),
    Column("begun", 16, rank=2),
    Column("took", 12, rank=3),
    Column("cost", 8, right=True, rank=1),
    Column("for", 10, flex=1, rank=4),
    Column("why", 24, flex=4, rank=5),
)
PLAN_COLUMNS = (
    Column("standing", 12),
    Column("plan", 24, flex=2),
    Column("tasks", 7, right=True),
    Column("title", 20, flex=3, rank=1),
)
FINDING_COLUMNS = (Column("", 7), Column("what", 12), Column("found", 30, flex=1))

NO_RUN = "No run yet. `workbench run plan.md` starts one; `workbench demo` shows one."
NO_PLAN = "No plan waits. `workbench plan GOAL` drafts one; they are looked for in ./, plans/, docs/plans/."
NOT_IN_A_RECORDING = "Not in a recording: it has no repository to look at."

_FIRST = (Standing.LIVE, Standing.RESUMABLE)
_LEVELS: dict[str, tuple[int, str, Tone]] = {
    "fail": (0, "✗ fail", "bad"),
    "warn": (1, "! warn", "warn"),
    "ok": (2, "✓ ok", "good"),
}


def ordered(runs: Iterable[RunSummary]) -> list[RunSummary]:
    """The run that goes on first, then those that can be resumed, then the others; ``runs`` come with the
    latest first, and stay so otherwise."""
    return sorted(runs, key=lambda it: _FIRST.index(it.standing) if it.standing in _FIRST else len(_FIRST))


def run_rows(runs: Sequence[RunSummary], now: float) -> list[Row]:
    """The runs as rows, in the order they come."""
    return [Row(it.run, _run(it, now)) for it in runs]


def _run(it: RunSummary, now: float) -> tuple[Cell, ...]:
    if not it.read:
        return (standing(it), Cell(it.run), *(Cell("") for _ in RUN_COLUMNS[2:]))
    every = it.total and it.landed == it.total
    why = it.trouble or it.reason or (it.title if it.standing is Standing.LIVE else "")
    return (
        standing(it),
        Cell(it.run, "strong" if it.standing in _FIRST else "plain"),
        Cell(f"{it.landed}/{it.total}", "good" if every else "plain"),
        Cell(clock_time(it.started_at, now) if it.started_at else "", "faint"),
        Cell(duration(it.seconds), "faint"),
        Cell("scripted", "warn") if it.scripted else Cell(dollars(it.cost_usd) if it.cost_usd else ""),
        Cell(_branch(it.target), "faint"),
        Cell(why, "bad" if it.trouble else "faint"),
    )


def standing(it: RunSummary) -> Cell:
    """How a run stands, in a word."""
    if it.standing is Standing.LIVE:
        return Cell("● live", "good")
    if not it.read:
        return Cell("… reading", "faint")
    match it.standing:
        case Standing.RESUMABLE:
            return Cell("◐ resumable", "warn")
        case Standing.INCOMPLETE:
            return Cell("■ incomplete", "bad")
        case Standing.DAMAGED:
            return Cell("✗ damaged", "bad")
        case _:
            return Cell("✓ landed", "good") if it.outcome == "landed" else Cell(f"✗ {it.outcome}", "bad")


def run_detail(it: RunSummary, now: float) -> list[Cell]:
    """What a row has no room for."""
    if not it.read:
        return [Cell(f"{it.run}: its log is being read", "faint")]
    begun = f"begun {clock_time(it.started_at, now)}, {duration(it.seconds)} at work" if it.started_at else ""
    model = "the model was scripted" if it.scripted else dollars(it.cost_usd) if it.cost_usd else ""
    branch = _branch(it.target)
    said = [f"{it.landed} of {it.total} tasks landed", begun, model, f"for {branch}" if branch else ""]
    lines = [Cell(it.title or it.run, "strong"), Cell(" · ".join(filter(None, said)))]
    if why := it.trouble or it.reason:
        lines.append(Cell(why, "bad" if it.trouble else "warn"))
    return lines


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def resuming(it: RunSummary) -> str:
    """The command that goes on with a run; "" where there is nothing to go on with."""
    can = it.standing in (Standing.RESUMABLE, Standing.DAMAGED)
    return f"workbench resume {it.run}" if can else ""


def plan_rows(plans: Sequence[PlanSummary]) -> list[Row]:
    """Plans that wait for approval, and those that are approved and were not run yet."""
    return [Row(str(it.path), _plan(it)) for it in plans if offered(it)]


def offered(it: PlanSummary) -> bool:
    """Whether there is anything to be done about a plan: approving, mending or running it."""
    return not (it.approved and it.used)


def _plan(it: PlanSummary) -> tuple[Cell, ...]:
    if it.problems:
        count = f"{it.problems} problem{'s' * (it.problems > 1)}"
        return Cell("✗ problems", "bad"), Cell(it.shown), Cell(""), Cell(count, "bad")
    stands = Cell("✓ approved", "good") if it.approved else Cell("○ to approve", "warn")
    return stands, Cell(it.shown, "strong"), Cell(str(it.tasks)), Cell(it.title, "faint")


def plan_detail(it: PlanSummary) -> list[Cell]:
    """What is to be done about a plan."""
    if it.problems:
        return [Cell(it.shown, "strong"), Cell("It cannot be run yet: enter shows each problem at its line.")]
    lines = [Cell(it.title, "strong"), Cell(f"{it.shown}: {it.tasks} task{'s' * (it.tasks != 1)}")]
    if it.approved:
        return [*lines, Cell(f"Approved, not run yet: workbench run {it.shown}", "accent")]
    again = "Changed since it was run: not approved as it is." if it.used else "Not approved."
    return [*lines, Cell(f"{again} Enter opens it; A approves it there.")]


def finding_rows(findings: Sequence[Finding]) -> list[Row]:
    """Doctor's findings, what stops a run first."""
    found = sorted(findings, key=lambda it: _LEVELS[it.level][0])
    return [
        Row(
            it.name,
            (
                Cell(_LEVELS[it.level][1], _LEVELS[it.level][2]),
                Cell(it.name, "faint" if it.level == "ok" else "strong"),
                Cell(it.sentence, "faint" if it.level == "ok" else "plain"),
            ),
        )
        for it in found
    ]


def finding_detail(it: Finding) -> list[Cell]:
    """A finding whole, with what to do about it."""
    lines = [Cell(it.sentence, _LEVELS[it.level][2] if it.level != "ok" else "plain")]
    return [*lines, Cell(it.hint, "accent")] if it.hint and it.level != "ok" else lines


def health(findings: Sequence[Finding]) -> Cell:
    """Doctor's word in short."""
    fails, warns = (sum(it.level == level for it in findings) for level in ("fail", "warn"))
    if fails:
        return Cell(f"{fails} in the way of a run", "bad")
    if warns:
        return Cell(f"ready, {warns} to know of", "warn")
    return Cell("ready", "good")
