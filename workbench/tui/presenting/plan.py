"""A plan's diagnostics, what is to be said of it in a line, and an open change of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.core.changes import description, gist
from workbench.core.changing import open_change
from workbench.core.state import RunState
from workbench.tui.presenting.table import Cell, Column, Row, Tone

if TYPE_CHECKING:
    from workbench.composition.checking import Checked

COLUMNS = (Column("", 8), Column("line", 5, right=True), Column("what", 30, flex=1))
NOTHING = "Nothing to be said against it."


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing about a plan, at its 1-based ``line`` (0 for the whole file)."""

    level: str
    line: int
    sentence: str
    hint: str = ""
    task: str = ""


def diagnostics(found: Checked) -> list[Diagnostic]:
    """All that a check found: what keeps the plan from being run, then what could be better at it."""
    return list(_all(found))


def _all(found: Checked) -> Iterator[Diagnostic]:
    for problem in found.problems:
        yield Diagnostic("error", problem.line, problem.sentence, problem.hint)
    if not found.structured and found.plan is not None:
        yield Diagnostic(
            "note",
            0,
            "this plan has no tasks section; its own structure would split it as the graph shows",
            "`workbench run` splits it (by Claude, if that is the agent) and writes it beside this.",
        )
    for finding in found.findings:
        # A plan that only warns can be run: what costs a team most is called so, and is no error.
        level = "costly" if finding.severity == "error" else "warn"
        yield Diagnostic(level, finding.line, finding.sentence, finding.hint, finding.task)
    for remark in found.remarks:
        yield Diagnostic("note", 0, remark)


_MARKS: dict[str, tuple[str, Tone]] = {
    "error": ("✗ error", "bad"),
    "costly": ("! costly", "bad"),
    "warn": ("! warn", "warn"),
    "note": ("· note", "faint"),
}


def marks(found: Sequence[Diagnostic]) -> dict[int, Tone]:
    """The tone of each line that something is said about."""
    return {it.line: _MARKS[it.level][1] for it in reversed(found) if it.line}


def row(place: int, it: Diagnostic) -> Row:
    """A diagnostic as a row; its key is its place among all."""
    return Row(
        str(place), (Cell(*_MARKS[it.level]), Cell(str(it.line) if it.line else ""), Cell(it.sentence))
    )


def detail(it: Diagnostic) -> list[Cell]:
    """A diagnostic whole, with the way out."""
    lines = [Cell(it.sentence, _MARKS[it.level][1] if it.level != "note" else "plain")]
    return [*lines, Cell(it.hint, "accent")] if it.hint else lines


def approvable(found: Checked) -> str:
    """Why a plan cannot be approved; "" when it can."""
    if found.problems:
        return f"It has {len(found.problems)} problem{'s' * (len(found.problems) > 1)}: mend those first."
    if not found.structured:
        return "It has no tasks section, so there is nothing to approve yet: `workbench run` splits it."
    if found.approved is None:
        return "There is no repository to approve it in."
    return "It is approved already." if found.approved else ""


def of_file(shown: str, found: Checked) -> Cell:
    """Where a plan file stands, in a line."""
    if found.problems:
        return Cell(f"✗ {shown}: it cannot be run as it is; e edits it", "bad")
    if found.plan is None or not found.structured:
        return Cell(f"· {shown}: no structured plan", "warn")
    count = f"{len(found.plan.tasks)} task{'s' * (len(found.plan.tasks) != 1)}"
    if found.approved:
        return Cell(f"✓ {shown}: {count}, approved; workbench run {shown}", "good")
    return Cell(f"○ {shown}: {count}, not approved; A approves exactly this text", "warn")


def of_run(state: RunState) -> Cell:
    """What is to be said of the plan of a run: a change that somebody has to answer, or where it is from."""
    if state.proposed is not None:
        source = state.proposed.source or "a request"
        ask = open_change(state)
        where = f", {ask.message.id} in the inbox (4) answers it" if ask is not None else ""
        return Cell(f"? {source} proposes: {gist(state.proposed.change)}. v shows it{where}", "warn")
    if state.plan is None:
        return Cell("")
    changed = state.approved is not None and state.approved != state.plan
    since = "changed since it was approved" if changed else "as it was approved"
    return Cell(f"{state.plan_path or 'the plan'}: {since}, {state.plan_sha256[:12]}", "faint")


def change_lines(state: RunState) -> list[Cell]:
    """What an open change does, line by line; empty when there is none."""
    if state.proposed is None or state.plan is None:
        return []
    standing = {name: task.spec for name, task in state.tasks.items()}
    lines = description(state.proposed.change, standing, state.plan)
    return [Cell(line, _CHANGE.get(line.lstrip()[:1], "plain")) for line in lines]


_CHANGE: dict[str, Tone] = {"+": "good", "-": "bad", "~": "warn", "@": "faint"}


def asked(found: Checked) -> list[Cell]:
    """What somebody reads before they approve a plan."""
    plan = found.plan
    assert plan is not None
    costly = sum(it.severity == "error" for it in found.findings)
    warned = len(found.findings) - costly
    lines = [
        Cell(f"{plan.title}: {len(plan.tasks)} task{'s' * (len(plan.tasks) != 1)}"),
        Cell(f"sha256 {found.sha256[:16]}", "faint"),
    ]
    counts = [f"{count} {what}" for count, what in ((costly, "costly"), (warned, "other")) if count]
    if counts:
        lines.append(Cell(f"Warnings: {' and '.join(counts)}; they stop no run, tab shows them", "warn"))
    commands = [f"gate: {it}" for it in plan.gates] + [f"setup: {it}" for it in plan.setup]
    commands += [f"gate of {task.id}: {it}" for task in plan.tasks for it in task.gates]
    if commands:
        lines.append(Cell("Commands that a run of it starts:"))
        lines += [Cell(f"  {it}", "accent") for it in commands]
    return lines
