"""Where work collided, for a person at a terminal: the Markdown of a report has it file by file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workbench.core.report.values import ConflictReport, SemanticReport
from workbench.core.story.words import shown

MOST = 8
SETTLED = "Conflicts, by what settled them"
SEMANTIC = "Semantic conflicts: green alone, merged without a conflict, and red together"


def settled(conflicts: Iterable[ConflictReport]) -> Iterator[tuple[str, str]]:
    """What settled conflicts, and of which tasks, in the order in which it was first needed."""
    by: dict[str, list[str]] = {}
    for it in conflicts:
        red = f" (red before: {', '.join(it.thrown)})" if it.thrown else ""
        by.setdefault(it.settler, []).append(it.task + red)
    for rung, tasks in by.items():
        yield rung, shown(tasks, MOST)


def semantic(found: Iterable[SemanticReport]) -> Iterator[tuple[str, str]]:
    """Each semantic conflict: the two sides, and the failing tests or else the gate, with how it ended."""
    for it in found:
        what = shown(it.tests) or f"`{it.gate}`"
        yield f"{it.task} {it.among} {shown(it.others)}", f"{what} ({it.status} in the end)"
