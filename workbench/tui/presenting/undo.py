"""What an undo would take off the branch, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.core.lists import some
from workbench.core.models import Reversal
from workbench.tui.presenting.prose import Line, clean
from workbench.tui.presenting.table import Cell

SHOWN = 40
"""Landings that are named one by one."""


def going(reversals: Sequence[Reversal], why: Mapping[str, str], gates: Sequence[str]) -> list[Line]:
    """The landings that go, each with the reason, and what has to be green without them."""
    lines: list[Line] = []
    for it in reversals[:SHOWN]:
        because = "" if why[it.task] == "named" else f"  {why[it.task]}"
        cells = (Cell("↺ ", "warn"), Cell(it.task, "strong"), Cell(f"  landed as {it.landing[:10]}"))
        lines.append((*cells, Cell(because, "warn")))
    if len(reversals) > SHOWN:
        lines.append((Cell(f"  and {len(reversals) - SHOWN} more"),))
    lines.append(())
    if gates:
        lines.append((Cell(f"Before anything moves, these run on what stays: {clean(some(gates, 4))}."),))
    else:
        lines.append((Cell("No gate is left to run: nothing proves what the branch will hold.", "warn"),))
    lines.append((Cell("The branch gets a commit that reverts each; nothing is lost.", "faint"),))
    return lines


def done(
    reversals: Sequence[Reversal],
    held: Sequence[str],
    behind: Sequence[str],
    target: str,
    there: Sequence[str],
) -> str:
    """What came of an undo, for a notice."""
    said = [f"undone: {some([it.task for it in reversals])}"]
    if held:
        said.append(f"held, for they wait for it: {some(held)}")
    if there:
        said.append(f"{target} has {some(there)} already: `workbench land` brings the revert there, too")
    if behind:
        said.append(f"the files in {some(behind, 2)} are as they were: bring that checkout up to the branch")
    return "\n".join(said)
