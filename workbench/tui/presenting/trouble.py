"""What stood in the way of merges: conflicts, textual and semantic, and flakes."""

from __future__ import annotations

from functools import lru_cache

from workbench.core.clashes import OPEN
from workbench.core.flakes import excused_failures, flakes, percent
from workbench.core.lists import some
from workbench.core.state import RunState, Semantic
from workbench.core.story import short
from workbench.core.watched import Watched
from workbench.tui.presenting.prose import Line, clean, heading, hunks, labelled, lines_of, parted
from workbench.tui.presenting.standing import standing
from workbench.tui.presenting.table import Cell, Column, Row, Tone
from workbench.tui.presenting.times import time_of_day

CONFLICTS = (
    Column("stands", 12),
    Column("task", 14, flex=2),
    Column("with", 14, flex=2),
    Column("in", 16, flex=3, rank=2),
    Column("by", 12, flex=1, rank=1),
    Column("at", 8, rank=3),
)
NO_CONFLICTS = "no conflict was foreseen or found: both sides of each, and what settled it, stand here"

_STANDS: dict[str, tuple[str, Tone]] = {
    "foreseen": ("◌ foreseen", "warn"),
    "cleared": ("✓ cleared", "faint"),
    "found": ("≠ found", "warn"),
    "aside": ("· aside", "warn"),
    "sent back": ("↩ sent back", "warn"),
    "at work": ("● at work", "busy"),
    "given up": ("✗ given up", "bad"),
    "settled": ("✓ settled", "good"),
}


def conflicts(watched: Watched) -> list[Row]:
    """The conflicts that are remembered: those that are open before the others, the newest first."""
    found = sorted(watched.history.clashes.newest(), key=lambda it: it.standing not in OPEN)
    return [_clash(it.number, it.standing, it.task, it.others, it.paths, it.by, it.at) for it in found]


@lru_cache(maxsize=2_048)
def _clash(
    number: int, stands: str, task: str, others: tuple[str, ...], paths: tuple[str, ...], by: str, at: float
) -> Row:
    words, tone = _STANDS[stands]
    return Row(
        str(number),
        (
            Cell(words, tone),
            Cell(task, "strong"),
            Cell(some(others, 3)),
            Cell(clean(some(paths, 3))),
            Cell(by),
            Cell(time_of_day(at), "faint"),
        ),
    )


def conflict(watched: Watched, key: str) -> list[Line]:
    """A conflict in full: both sides, where, what was tried, and the hunks."""
    it = watched.history.clashes.found.get(int(key)) if key.isdigit() else None
    if it is None:
        return []
    state = watched.state
    words, tone = _STANDS[it.standing]
    head = [labelled("stands", Cell(words, tone), Cell(f", by {it.by}" if it.by else ""))]
    head += [_side(state, it.task)]
    head += [_side(state, other) for other in it.others[:8]]
    head += [labelled("in", Cell(clean(path))) for path in it.paths[:20]]
    if it.thrown:
        head.append(labelled("thrown away", Cell(f"what {some(it.thrown)} made of it was red", "warn")))
    return parted([head, hunks(it.hunks) or ((Cell("its hunks were not recorded", "faint"),),)])


def _side(state: RunState, name: str) -> Line:
    task = state.tasks.get(name)
    if task is None:
        return labelled("side", Cell(name, "strong"))
    title = Cell(f"  {clean(task.spec.title)}  ")
    return labelled("side", Cell(name, "strong"), title, standing(task.status))


# -- semantic conflicts ------------------------------------------------------------------------------

SEMANTICS = (
    Column("", 10),
    Column("task", 14, flex=1),
    Column("red with", 14, flex=2),
    Column("gate", 14, flex=2, rank=2),
    Column("tests", 14, flex=3, rank=1),
)
NO_SEMANTICS = "no semantic conflict: work that is green alone and red together would stand here"


def semantics(state: RunState) -> list[Row]:
    """Semantic conflicts, the newest first."""
    numbered = list(enumerate(state.semantics))
    return [_semantic(number, it) for number, it in reversed(numbered)]


def _semantic(number: int, it: Semantic) -> Row:
    sure = Cell("! certain", "bad") if it.certain else Cell("? probable", "warn")
    return Row(
        str(number),
        (
            sure,
            Cell(it.task, "strong"),
            Cell(some(it.others, 4)),
            Cell(clean(it.gate)),
            Cell(clean(some(it.tests, 3)) or "none named"),
        ),
    )


def semantic(state: RunState, key: str) -> list[Line]:
    """A semantic conflict in full."""
    number = int(key) if key.isdigit() else -1
    if not 0 <= number < len(state.semantics):
        return []
    it = state.semantics[number]
    sure = "certain: nobody else was in it" if it.certain else "probable: one of several that may be meant"
    head = [
        labelled("how sure", Cell(sure, "bad" if it.certain else "warn")),
        _side(state, it.task),
        *(_side(state, other) for other in it.others[:8]),
        labelled("gate", Cell(clean(it.gate))),
        *(labelled("failing", Cell(clean(test), "bad")) for test in it.tests),
    ]
    said = lines_of(it.evidence)
    return parted([head, [heading("Evidence"), *said] if said else []])


# -- flakes ------------------------------------------------------------------------------------------

FLAKES = (
    Column("", 9),
    Column("test", 20, flex=3),
    Column("gate", 14, flex=2, rank=1),
    Column("times", 6, right=True),
    Column("of runs", 7, right=True, rank=2),
    Column("rate", 5, right=True),
)
NO_FLAKES = "no flake was seen: a test that is red and then green on the same tree would stand here"


def unreliable(state: RunState) -> list[Row]:
    """Flakes, and failures that the quarantine excused, the worst first."""
    found = []
    for kind, tone, them in (("flaky", "warn", flakes(state)), ("excused", "faint", excused_failures(state))):
        for it in them:
            cells = (
                Cell("~ flaky" if kind == "flaky" else "- excused", "warn" if tone == "warn" else "faint"),
                Cell(short(it.test, 300) or "(the gate itself)", "strong"),
                Cell(clean(it.gate)),
                Cell(str(it.times)),
                Cell(str(it.runs)),
                Cell(percent(it.rate)),
            )
            found.append(Row(f"{kind} {it.gate} {it.test}", cells))
    return found


def flake(row: Row) -> list[Line]:
    """A flake in full."""
    kind, test, gate, times, runs, rate = (cell.text for cell in row.cells)
    how = "red, then green on the same tree" if "flaky" in kind else "failed, and excused by `quarantine`"
    return [
        labelled("test", Cell(test, "strong")),
        labelled("gate", Cell(gate)),
        labelled("how often", Cell(f"{times} times in {runs} runs of the gate ({rate}), at least")),
        labelled("what", Cell(how)),
    ]
