"""The graph of a plan as a tree with a line for each task, and the state of each where there is a run."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.core import graph
from workbench.core.models import Task
from workbench.core.state import TaskState, TaskStatus
from workbench.tui.presenting.table import Cell, Column, Row, Tone

DEEPEST = 24
"""Cells of indentation, at most: what is deeper in the graph stands behind ``…``."""

NAMED = 3
"""Further tasks that one waits for that are named."""

COLUMNS = (Column("task", 16, flex=3), Column("state", 12), Column("title", 20, flex=2, rank=1))
PLAIN_COLUMNS = (Column("task", 16, flex=3), Column("title", 20, flex=2, rank=1))
"""Without a run there is no state to show."""

GLYPHS: Mapping[TaskStatus, tuple[str, Tone]] = {
    TaskStatus.PENDING: ("·", "faint"),
    TaskStatus.HELD: ("‖", "warn"),
    TaskStatus.READY: ("○", "plain"),
    TaskStatus.RUNNING: ("●", "busy"),
    TaskStatus.DELIVERED: ("◇", "accent"),
    TaskStatus.LANDING: ("◆", "accent"),
    TaskStatus.LANDED: ("✓", "good"),
    TaskStatus.UNDONE: ("↶", "warn"),
    TaskStatus.CONFLICTED: ("≠", "warn"),
    TaskStatus.REJECTED: ("↺", "warn"),
    TaskStatus.BLOCKED: ("■", "bad"),
    TaskStatus.FAILED: ("✗", "bad"),
    TaskStatus.SKIPPED: ("-", "faint"),
}


@dataclass(frozen=True, slots=True)
class Node:
    """One task's line: what stands before its name, and what it waits for besides the task above it."""

    id: str
    title: str
    lead: str
    others: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The line."""
        if not self.others:
            return f"{self.lead}{self.id}"
        more = f", {len(self.others) - NAMED} more" if len(self.others) > NAMED else ""
        return f"{self.lead}{self.id} (+ {', '.join(self.others[:NAMED])}{more})"


def drawn(tasks: Sequence[Task]) -> list[Node]:
    """Every task once, below the one furthest from the start that it waits for; what waits stands below and
    to the right. Tasks that no plan could have, a circle among them, raise ValueError."""
    titles = {task.id: task.title for task in tasks}
    after = {task.id: [it for it in dict.fromkeys(task.after) if it in titles] for task in tasks}
    level: dict[str, int] = {}
    below: dict[str | None, list[str]] = {None: []}
    above: dict[str, str | None] = {}
    for name in graph.order(tasks):
        level[name] = max((level[it] + 1 for it in after[name]), default=0)
        parent = max(after[name], key=level.__getitem__, default=None)
        above[name] = parent
        below[name] = []
        below[parent].append(name)
    found: list[Node] = []
    stack = [(name, "", "", "") for name in reversed(below[None])]
    while stack:
        name, dots, indent, tick = stack.pop()
        others = tuple(it for it in after[name] if it != above[name])
        found.append(Node(name, titles[name], f"{dots}{indent}{tick}", others))
        children = below[name]
        inner = indent + {"": "", "├─": "│ ", "└─": "  "}[tick]
        for place in range(len(children) - 1, -1, -1):
            deep = len(inner) > DEEPEST
            last = place == len(children) - 1
            stack.append((children[place], "…" if deep else "", inner[-DEEPEST:], "└─" if last else "├─"))
    return found


@dataclass(slots=True)
class Drawing:
    """Lines as rows, each made once for each state it comes to: they are asked for all the time."""

    nodes: Sequence[Node] = ()
    _made: dict[tuple[str, TaskStatus | None], Row] = field(default_factory=dict)

    def rows(self, tasks: Mapping[str, TaskState], names: Container[str] | None = None) -> list[Row]:
        """The lines, those of ``names`` if it is given; with the state of each task of a run, without where
        ``tasks`` is empty."""
        found: list[Row] = []
        made = self._made
        for node in self.nodes:
            if names is not None and node.id not in names:
                continue
            task = tasks.get(node.id)
            status = task.status if task is not None else None
            row = made.get((node.id, status))
            if row is None:
                row = made[node.id, status] = Row(node.id, _cells(node, status, plain=not tasks))
            found.append(row)
        return found


def _cells(node: Node, status: TaskStatus | None, *, plain: bool) -> tuple[Cell, ...]:
    title = Cell(node.title, "faint")
    if plain:
        return Cell(node.text), title
    if status is None:
        return Cell(node.text), Cell(""), title
    glyph, tone = GLYPHS[status]
    return Cell(node.text), Cell(f"{glyph} {status}", tone), title
