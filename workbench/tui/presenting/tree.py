"""The tasks of a run as a tree: each under the last of what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from workbench.core.graph import order
from workbench.core.mail import PERSON
from workbench.core.mailing import blocking
from workbench.core.models import Task
from workbench.core.state import OVER, AttemptState, Phase, RunState, TaskState, TaskStatus
from workbench.core.watched import Watched
from workbench.tui.presenting.gantt import LEGEND, axis, length_in_words, strip
from workbench.tui.presenting.table import Cell, Column, Made, Parts, Row, Tone

T = TaskStatus
STATES: dict[TaskStatus, Cell] = {
    T.PENDING: Cell("· pending", "faint"),
    T.HELD: Cell("‖ held", "warn"),
    T.READY: Cell("○ ready"),
    T.RUNNING: Cell("● running", "busy"),
    T.DELIVERED: Cell("◇ delivered"),
    T.LANDING: Cell("◆ landing", "busy"),
    T.LANDED: Cell("✓ landed", "good"),
    T.UNDONE: Cell("↶ undone", "warn"),
    T.CONFLICTED: Cell("≠ conflicted", "warn"),
    T.REJECTED: Cell("✗ rejected", "warn"),
    T.BLOCKED: Cell("! blocked", "bad"),
    T.FAILED: Cell("✗ failed", "bad"),
    T.SKIPPED: Cell("∅ skipped", "faint"),
}
DEEPEST = 8
"""Levels that are drawn as such; what is deeper begins with …"""

NAMED = 3
"""So many other prerequisites are named."""


@dataclass(frozen=True, slots=True)
class Node:
    """A task in the tree: ``guide`` are the branches before it, ``below`` counts all tasks under it, and
    ``others`` are what it waits for besides the one it stands under."""

    id: str
    guide: str
    below: int
    others: tuple[str, ...]


class Tree:
    """The tree of a plan; made anew only when the plan was changed."""

    def __init__(self) -> None:
        self._of: object = None
        self.nodes: tuple[Node, ...] = ()
        """All of them, each before what stands under it; side by side in the order of the plan."""
        self.by_id: dict[str, Node] = {}

    def follow(self, state: RunState) -> bool:
        """Be the tree of the plan as it stands; whether that is another than before."""
        if state.plan is self._of:
            return False
        self._of = state.plan
        self.nodes = planted(state.plan.tasks) if state.plan is not None else ()
        self.by_id = {node.id: node for node in self.nodes}
        return True

    def unfolded(self, folded: Collection[str]) -> list[str]:
        """The tasks that are seen when what stands under ``folded`` is not."""
        seen, place = [], 0
        while place < len(self.nodes):
            node = self.nodes[place]
            seen.append(node.id)
            place += 1 + (node.below if node.id in folded else 0)
        return seen


def planted(tasks: Sequence[Task]) -> tuple[Node, ...]:
    """The nodes of the tree, in the order in which they are shown."""
    after = {task.id: tuple(dict.fromkeys(task.after)) for task in tasks}
    level: dict[str, int] = {}
    for id_ in order(tasks):
        level[id_] = max((level[it] + 1 for it in after[id_] if it in level), default=0)
    under = {id_: max((it for it in before if it in level), key=level.__getitem__, default="")
             for id_, before in after.items()}  # fmt: skip
    children: dict[str, list[str]] = {}
    for id_, parent in under.items():
        children.setdefault(parent, []).append(id_)
    below: dict[str, int] = {}
    for id_ in sorted(level, key=level.__getitem__, reverse=True):
        below[id_] = sum(1 + below[it] for it in children.get(id_, ()))
    nodes: list[Node] = []
    stack = [(id_, "", "", 0) for id_ in reversed(children.get("", []))]
    while stack:
        id_, lead, indent, depth = stack.pop()
        guide = lead if depth <= DEEPEST else "…" + lead[-2 * DEEPEST + 1 :]
        others = tuple(it for it in after[id_] if it != under[id_])
        nodes.append(Node(id_, guide, below[id_], others))
        inside = children.get(id_, [])
        for place in range(len(inside) - 1, -1, -1):
            tick, bar = ("└ ", "  ") if place == len(inside) - 1 else ("├ ", "│ ")
            stack.append((inside[place], indent + tick, indent + bar, depth + 1))
    return tuple(nodes)


def columns(watched: Watched, now: float, *, legend: bool) -> tuple[Column, ...]:
    """The columns of the tree; ``legend`` says above the bars what they mean."""
    above = length_in_words(axis(watched, now))
    return (
        Column("task", 16, flex=2),
        Column("state", 12),
        Column("teammate", 9),
        Column("title", 22, flex=1, rank=2),
        Column(f"{above}  {LEGEND}" if legend else above, 16, flex=4),
    )


def tree_rows(
    watched: Watched, tree: Tree, folded: Collection[str], now: float, matches: Callable[..., bool] | None
) -> Made:
    """A row for each task that is seen. With ``matches`` those are the tasks that it wants, wherever in the
    tree they stand, and nothing is folded."""
    state, length = watched.state, axis(watched, now)
    if matches is None:
        keys = tree.unfolded(folded)
    else:
        keys = [
            node.id
            for node in tree.nodes
            if (task := state.tasks.get(node.id)) and _wanted(state, task, matches)
        ]

    def row(id_: str) -> Row:
        task, node = state.tasks.get(id_), tree.by_id[id_]
        if task is None:  # the plan is changed just now
            return Row(id_, (Cell(id_), Cell(""), Cell(""), Cell(""), Cell("")))
        attempt = state.attempts.get((id_, task.attempt))
        return Row(
            id_,
            (
                _named(node, bare=matches is not None, folded=matches is None and id_ in folded),
                standing(state, task, attempt),
                Cell(attempt.teammate if attempt is not None else "", "plain"),
                Cell(task.spec.title, "faint" if task.status in OVER else "plain"),
                strip(watched, task, now, length),
            ),
        )

    return Made(keys, row)


def standing(state: RunState, task: TaskState, attempt: AttemptState | None) -> Cell:
    """Where a task is, as a glyph and a word: of one that runs, what holds it up."""
    if task.status is not T.RUNNING or attempt is None:
        return STATES[task.status]
    if (ask := blocking(state, attempt)) is not None:
        return Cell("? needs you", "warn") if ask.to == PERSON else Cell(f"… asks {ask.to}", "busy")
    if attempt.phase is Phase.COLLECTED:
        return Cell("◐ gates", "busy")
    return Cell("◌ planning", "busy") if attempt.planning else STATES[T.RUNNING]


def tally(state: RunState) -> str:
    """How many of the tasks landed: ``5/12``."""
    landed = sum(task.status is T.LANDED for task in state.tasks.values())
    return f"{landed}/{len(state.tasks)}"


def _wanted(state: RunState, task: TaskState, matches: Callable[..., bool]) -> bool:
    attempt = state.attempts.get((task.spec.id, task.attempt))
    return matches(task.spec.id, task.spec.title, task.status, attempt.teammate if attempt else "")


def _named(node: Node, *, bare: bool, folded: bool) -> Parts:
    parts: list[tuple[str, Tone]] = [("" if bare else node.guide, "faint"), (node.id, "plain")]
    if folded and node.below:
        parts.append((f" ▸ {node.below} more", "accent"))
    if node.others:
        more = len(node.others) - NAMED
        named = ", ".join(node.others[:NAMED]) + (f" and {more} more" if more > 0 else "")
        parts.append((f" + {named}", "faint"))
    return Parts("".join(text for text, _ in parts), "plain", tuple(parts))
