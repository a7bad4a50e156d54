"""The landings of a run as a graph, newest first: merges on one line, and where each one's work began."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.core.history import GateRun
from workbench.core.models import Verdict
from workbench.core.report import duration
from workbench.core.state import Landed, RunState, Undone
from workbench.core.story import clock_time
from workbench.core.watched import Watched
from workbench.tui.presenting.facts import Fact
from workbench.tui.presenting.prose import clean
from workbench.tui.presenting.table import Cell, Column, Row, Tone
from workbench.tui.presenting.times import time_of_day

LANES = 4
"""Branches that are drawn beside the line at once; a merge for which there is no room is drawn without its
own."""

LANDINGS = (
    Column("", 1 + 2 * LANES),
    Column("commit", 8),
    Column("task", 14, flex=3),
    Column("teammate", 10, rank=1),
    Column("at", 8, rank=3),
    Column("files", 5, right=True, rank=2),
    Column("", 12, flex=2),
)
NO_LANDINGS = "nothing has landed yet: each task whose merge is green stands here, the newest first"


@dataclass(frozen=True, slots=True)
class Node:
    """A commit of the integration branch: a landing, its reversal, or the base where neither is given. From
    ``start`` on, the work that it merges went its own way."""

    commit: str
    landing: Landed | None = None
    undone: Undone | None = None
    start: str = ""


def nodes(state: RunState) -> list[Node]:
    """The integration branch from its tip down to the base."""
    undone = list(state.undone)
    found: list[Node] = [Node(state.base)] if state.base else []
    place = 0
    for number, it in enumerate(state.landings, 1):
        attempt = state.attempts.get((it.task, it.attempt))
        found.append(Node(it.commit, landing=it, start=attempt.start if attempt is not None else ""))
        while place < len(undone) and undone[place].after == number:
            found.append(Node(undone[place].reversal.commit, undone=undone[place]))
            place += 1
    found.reverse()
    return found


def lanes(line: Sequence[Node]) -> Iterator[str]:
    """The graph beside each node: ``●`` merges, ``↺`` takes off again, ``○`` is where the run began. A branch
    leaves its merge with ``╮`` and ends with ``╯`` where its work began."""
    there = {node.commit for node in line}
    open_: list[str] = [""] * LANES
    """Where the branch in each lane began; "" for a lane that is free."""
    for node in line:
        closing = tuple(bool(start) and start == node.commit for start in open_)
        opening = -1
        if node.start in there and node.start != node.commit and "" in open_:
            opening = open_.index("")
        yield _drawn(_sign(node), tuple(map(bool, open_)), closing, opening)
        open_ = ["" if ends else start for start, ends in zip(open_, closing, strict=True)]
        if opening >= 0:
            open_[opening] = node.start


def _sign(node: Node) -> str:
    if node.undone is not None:
        return "↺"
    if node.landing is None:
        return "○"
    return "✗" if node.landing.undone else "●"


@lru_cache(maxsize=4_096)
def _drawn(sign: str, open_: tuple[bool, ...], closing: tuple[bool, ...], opening: int) -> str:
    joined = max([opening, *(it for it, ends in enumerate(closing) if ends)])
    parts = [sign]
    for it, taken in enumerate(open_):
        across = "─" if it <= joined else " "
        if it == opening:
            mark = "╮" if it == joined else "┬"
        elif closing[it]:
            mark = "╯" if it == joined else "┴"
        elif taken:
            mark = "┼" if it < joined else "│"
        else:
            mark = across
        parts.append(across + mark)
    return "".join(parts)


class Graph:
    """The rows of a run's landings, made anew only when there are others, and then only those that differ."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._rows: tuple[Row, ...] = ()
        self._known: dict[tuple[str, str], Row] = {}

    def rows(self, state: RunState) -> tuple[Row, ...]:
        """A row for each node."""
        of = (state.run, id(state), state.base, len(state.landings), len(state.undone))
        if of != self._of:
            known = self._known if of[:3] == self._of[:3] and of[-1] == self._of[-1] else {}
            self._of, self._known = of, {}
            line = nodes(state)
            for node, graph in zip(line, lanes(line), strict=True):
                key = (node.commit, graph)
                self._known[key] = known.get(key) or _row(state, node, graph)
            self._rows = tuple(self._known.values())
        return self._rows


def unconnected(row: Row) -> Row:
    """The row without its lanes, for where its neighbours are left out."""
    sign = row.cells[0]
    return Row(row.key, (Cell(sign.text[:1], sign.tone), *row.cells[1:]))


def words(row: Row) -> str:
    """The text of a row that a filter looks into."""
    return " ".join(cell.text for cell in row.cells[1:])


def _row(state: RunState, node: Node, graph: str) -> Row:
    if node.undone is not None:
        it = node.undone
        said = f"reverts {it.reversal.landing[:8]}"
        cells = (
            Cell(graph, "warn"), Cell(node.commit[:8], "warn"), Cell(it.reversal.task), Cell("a person"),
            Cell(time_of_day(it.at), "faint"), Cell(""), Cell(said, "warn"),
        )  # fmt: skip
        return Row(f"u{node.commit}", cells)
    if node.landing is None:
        began = time_of_day(state.started_at)
        cells = (
            Cell(graph, "faint"), Cell(node.commit[:8], "faint"), Cell("the base", "faint"), Cell(""),
            Cell(began, "faint"), Cell(""), Cell("where the run began", "faint"),
        )  # fmt: skip
        return Row("base", cells)
    landing = node.landing
    gone = bool(landing.undone)
    tone: Tone = "faint" if gone else "strong"
    plain: Tone = "faint" if gone else "plain"
    notes = [f"undone by {landing.undone[:8]}"] if gone else []
    if landing.rung:
        notes.append(f"conflict settled by {landing.rung}")
    attempt = state.attempts.get((landing.task, landing.attempt))
    if attempt is not None and attempt.why == "conflict":
        notes.append("conflict fixed up")
    elif attempt is not None and attempt.why == "rejected":
        notes.append("repaired")
    cells = (
        Cell(graph, "faint" if gone else "good"), Cell(landing.commit[:8], "faint" if gone else "accent"),
        Cell(landing.task, tone), Cell(landing.teammate, plain),
        Cell(time_of_day(landing.at), "faint"), Cell(str(len(landing.files)), plain),
        Cell("; ".join(notes), "warn" if gone else "plain"),
    )  # fmt: skip
    return Row(landing.commit, cells)


def landing_at(state: RunState, key: str) -> Landed | None:
    """The landing that a row stands for: for a reversal, the one that it took off."""
    if key.startswith("u"):
        key = next((it.reversal.landing for it in state.undone if it.reversal.commit == key[1:]), "")
    return next((it for it in reversed(state.landings) if it.commit == key), None)


# -- one landing -------------------------------------------------------------------------------------


def proof(watched: Watched, landing: Landed) -> tuple[GateRun, Landed] | None:
    """The gates that were green for a landing: on its own merge, or on a later one of the same batch; None
    when they are not remembered."""
    state = watched.state
    green = {run.commit: run for run in watched.history.checks if not run.alone and run.green}
    try:
        place = state.landings.index(landing)
    except ValueError:
        return None
    parent = landing.parent
    for it in state.landings[place : place + state.settings.batch]:
        if it.parent != parent:
            return None
        if (run := green.get(it.commit)) is not None:
            return run, it
        parent = it.commit
    return None


def facts(watched: Watched, landing: Landed) -> list[Fact]:
    """A landing at a glance."""
    state = watched.state
    task = state.tasks.get(landing.task)
    title = clean(task.spec.title) if task is not None else ""
    found = [
        Fact("", (Cell(landing.task, "strong"), Cell(f"  {title}"))),
        Fact("landed as", (Cell(landing.commit[:10], "accent"),), line=True),
        Fact("on", (Cell(landing.parent[:10]),)),
        Fact("by", (Cell(f"{landing.teammate}, attempt {landing.attempt}"),)),
        Fact("at", (Cell(clock_time(landing.at, state.at)),)),
        Fact("files", (Cell(str(len(landing.files))),)),
    ]
    if landing.rung:
        said = f"{landing.rung} settled the conflict in {clean(', '.join(landing.resolved))}"
        found.append(Fact("", (Cell(said, "warn"),), line=True))
    if landing.undone:
        found.append(Fact("", (Cell(f"↺ undone by {landing.undone[:10]}", "warn"),), line=True))
    proven = proof(watched, landing)
    if proven is None:
        gated = not state.settings.no_gates
        none = "its verdicts are not remembered here" if gated else "no gates were run"
        found.append(Fact("gates", (Cell(none, "faint"),), line=True))
        return found
    run, of = proven
    cells: list[Cell] = []
    for verdict in run.verdicts:
        cells += [Cell(", ")] if cells else []
        cells.append(_verdict(verdict))
    if not cells:
        cells.append(Cell("✓ known to be green", "good"))
    if of is not landing:
        cells.append(Cell(f", on the batch up to {of.task}", "faint"))
    found.append(Fact("gates", tuple(cells), line=True))
    return found


def _verdict(verdict: Verdict) -> Cell:
    excused = f", {len(verdict.quarantined)} excused" if verdict.quarantined else ""
    return Cell(f"✓ {clean(verdict.gate)} ({duration(verdict.seconds)}{excused})", "good")
