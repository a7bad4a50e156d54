"""The graph of a plan: what waits for what.

Every function takes the tasks in plan order and is linear in tasks and dependencies (``order`` has a
logarithm for its heap). ``problems`` takes anything; the others take tasks in which it found nothing,
except that dependencies on ids that are not among the tasks count as satisfied.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from workbench.core.guesses import Guesses
from workbench.core.models import Task
from workbench.errors import Problem

CYCLE_SHOWN = 60
"""Cycles longer than this are named with a gap in the middle."""

DRAW_WIDTH = 96
DRAW_DEPTH = 16
DRAW_NAMED = 4


def problems(tasks: Sequence[Task], after_lines: Mapping[str, int] | None = None) -> list[Problem]:
    """What keeps these tasks from being a plan: ids given twice, dependencies on unknown ids, on
    itself or named twice, and cycles. One cycle is named for each tangle of tasks, the shortest
    through the tangle's first task; mending it may show another.

    Each stands at the line of its task or, for dependencies, at that of ``after_lines`` by id.
    """
    where = {task.id: task.line for task in tasks} | dict(after_lines or {})
    first: dict[str, Task] = {}
    found: list[Problem] = []
    for task in tasks:
        earlier = first.setdefault(task.id, task)
        if earlier is not task:
            found.append(
                Problem(
                    task.line,
                    f'the id "{task.id}" is used twice'
                    + (f" (see line {earlier.line})" if earlier.line else ""),
                    "Give one of the two another id.",
                )
            )
    guesses = Guesses(list(first), "Name the id of a task of this plan, or remove it.")
    for task in first.values():
        found.extend(_edge_problems(task, where[task.id], first, guesses))
    cycles = _cycles(_after(list(first.values())))
    found.extend(_cycle_problem(cycle, where[cycle[0]]) for cycle in cycles)
    return sorted(found, key=lambda problem: problem.line)


def order(tasks: Sequence[Task]) -> list[str]:
    """All ids so that each stands behind what it waits for, otherwise in plan order.

    Raises ValueError when there is a cycle.
    """
    place = {task.id: index for index, task in enumerate(tasks)}
    below = dependents(tasks)
    waiting = {id_: len(before) for id_, before in _after(tasks).items()}
    heap = [place[id_] for id_, count in waiting.items() if count == 0]
    heapq.heapify(heap)
    result: list[str] = []
    while heap:
        id_ = tasks[heapq.heappop(heap)].id
        result.append(id_)
        for next_ in below[id_]:
            waiting[next_] -= 1
            if waiting[next_] == 0:
                heapq.heappush(heap, place[next_])
    if len(result) != len(place):
        raise ValueError("the tasks wait for each other in a circle")
    return result


def followers(tasks: Sequence[Task]) -> dict[str, int]:
    """For each task how many others wait for it, those that wait for them included.

    Unlike the other functions it takes a bit for each pair of tasks.
    """
    below, place = dependents(tasks), {task.id: index for index, task in enumerate(tasks)}
    reached: dict[str, int] = {}
    for id_ in reversed(order(tasks)):
        reached[id_] = 0
        for next_ in below[id_]:
            reached[id_] |= reached[next_] | 1 << place[next_]
    return {id_: bits.bit_count() for id_, bits in reached.items()}


def ranks(tasks: Sequence[Task]) -> dict[str, int]:
    """For each task the length of the longest chain of tasks that wait for it, 0 where none does.

    What has the highest rank is best started first: the most has to follow it.
    """
    below = dependents(tasks)
    rank: dict[str, int] = {}
    for id_ in reversed(order(tasks)):
        rank[id_] = max((rank[next_] + 1 for next_ in below[id_]), default=0)
    return {task.id: rank[task.id] for task in tasks}


def dependents(tasks: Sequence[Task]) -> dict[str, tuple[str, ...]]:
    """For each task the ids of those that wait for it directly, in plan order."""
    below: dict[str, list[str]] = {task.id: [] for task in tasks}
    for id_, before in _after(tasks).items():
        for dependency in before:
            below[dependency].append(id_)
    return {id_: tuple(ids) for id_, ids in below.items()}


def width(tasks: Sequence[Task]) -> int:
    """How many tasks could run at once: the size of the largest level, 0 for no tasks.

    Tasks of one level (equally many steps from the start) never wait for each other, so this many
    can truly run at once; an uneven plan may reach a little more, which costs more to find out.
    """
    sizes: dict[int, int] = {}
    for level in _levels(tasks).values():
        sizes[level] = sizes.get(level, 0) + 1
    return max(sizes.values(), default=0)


def draw(tasks: Sequence[Task]) -> str:
    """The graph as plain text, every task once::

        schema
        ├─ auth → login (+ styles)
        └─ search
        styles

    Rightwards and downwards stand what waits. A task with several dependencies stands below the
    one furthest from the start and names the others after ``+``. Branches deeper than
    ``DRAW_DEPTH`` go on at the left margin behind ``…``. No newline at the end.
    """
    parents = _parents(tasks)
    children: dict[str, list[str]] = {task.id: [] for task in tasks}
    roots: deque[tuple[str, bool]] = deque()
    for id_ in order(tasks):
        parent = parents[id_]
        if parent is None:
            roots.append((id_, False))
        else:
            children[parent].append(id_)
    after = _after(tasks)
    labels = {id_: _label(id_, parent, after[id_]) for id_, parent in parents.items()}
    lines: list[str] = []
    while roots:
        root, continued = roots.popleft()
        lines.extend(_tree(root, continued, children, labels, roots))
    return "\n".join(lines)


# -- finding problems ----------------------------------------------------------------------------


def _edge_problems(task: Task, line: int, known: Mapping[str, Task], guesses: Guesses) -> Iterator[Problem]:
    named: set[str] = set()
    for id_ in task.after:
        if id_ in named:
            yield Problem(line, f'"{task.id}" names "{id_}" twice in "after"', "Name it once.")
        elif id_ == task.id:
            loop = f'"{task.id}" waits for itself: {id_} -> {id_}'
            yield Problem(line, loop, 'Remove its own id from "after".')
        elif id_ not in known:
            unknown = f'"{task.id}" waits for "{id_}", which is no task of this plan'
            yield Problem(line, unknown, guesses.hint(id_))
        named.add(id_)


def _cycle_problem(cycle: list[str], line: int) -> Problem:
    names = [*cycle, cycle[0]]
    if len(names) > CYCLE_SHOWN:
        half = CYCLE_SHOWN // 2
        names = [*names[:half], f"({len(names) - 2 * half} more)", *names[-half:]]
    return Problem(
        line,
        f"tasks wait for each other in a circle: {' -> '.join(names)}",
        'The arrow reads "waits for"; remove one of these from an "after" list.',
    )


def _cycles(after: Mapping[str, tuple[str, ...]]) -> list[list[str]]:
    """One cycle for each strongly connected component of more than one task."""
    place = {id_: index for index, id_ in enumerate(after)}
    cycles = []
    for component in _components(after):
        start = min(component, key=place.__getitem__)
        cycles.append(_shortest_cycle(start, set(component), after))
    return cycles


def _components(after: Mapping[str, tuple[str, ...]]) -> Iterator[list[str]]:
    """Strongly connected components of more than one task: Tarjan's algorithm with a stack of its
    own, because a chain in a plan may be longer than Python's."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: dict[str, None] = {}  # visited and not yet in a component, in order of visit
    for root in after:
        work = [root] if root not in index else []
        edges: dict[str, Iterator[str]] = {}
        while work:
            id_ = work[-1]
            if id_ not in index:
                index[id_] = low[id_] = len(index)
                open_[id_] = None
                edges[id_] = iter(after[id_])
            for next_ in edges[id_]:
                if next_ not in index:
                    work.append(next_)
                    break
                if next_ in open_:
                    low[id_] = min(low[id_], index[next_])
            else:
                work.pop()
                if work:
                    low[work[-1]] = min(low[work[-1]], low[id_])
                if low[id_] == index[id_]:
                    component = _take_back_to(id_, open_)
                    if len(component) > 1:
                        yield component


def _take_back_to(id_: str, open_: dict[str, None]) -> list[str]:
    taken = [open_.popitem()[0]]
    while taken[-1] != id_:
        taken.append(open_.popitem()[0])
    return taken


def _shortest_cycle(start: str, inside: set[str], after: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The ids along a shortest way from ``start`` back to it, ``start`` once at the front."""
    came: dict[str, str] = {}
    queue = deque([start])
    while queue:
        id_ = queue.popleft()
        for next_ in after[id_]:
            if next_ == start:
                path = [id_]
                while path[-1] != start:
                    path.append(came[path[-1]])
                return path[::-1]
            if next_ in inside and next_ not in came:
                came[next_] = id_
                queue.append(next_)
    raise AssertionError("a strongly connected component has a cycle through each of its tasks")


# -- shape -------------------------------------------------------------------------------------------


def _after(tasks: Sequence[Task]) -> dict[str, tuple[str, ...]]:
    """What each task waits for among the tasks, each once and itself not."""
    known = {task.id for task in tasks}
    return {
        task.id: tuple(dict.fromkeys(id_ for id_ in task.after if id_ in known and id_ != task.id))
        for task in tasks
    }


def _levels(tasks: Sequence[Task]) -> dict[str, int]:
    """For each task the length of the longest chain before it, in an order fit for building on."""
    after = _after(tasks)
    level: dict[str, int] = {}
    for id_ in order(tasks):
        level[id_] = max((level[before] + 1 for before in after[id_]), default=0)
    return level


def _parents(tasks: Sequence[Task]) -> dict[str, str | None]:
    """Below which task each one is drawn: its dependency furthest from the start."""
    level = _levels(tasks)
    return {
        id_: max(before, key=level.__getitem__) if before else None for id_, before in _after(tasks).items()
    }


def _label(id_: str, parent: str | None, after: tuple[str, ...]) -> str:
    others = [other for other in after if other != parent]
    if not others:
        return id_
    named = others[:DRAW_NAMED]
    if len(others) > DRAW_NAMED:
        named.append(f"{len(others) - DRAW_NAMED} more")
    return f"{id_} (+ {', '.join(named)})"


def _tree(
    root: str,
    continued: bool,
    children: Mapping[str, list[str]],
    labels: Mapping[str, str],
    roots: deque[tuple[str, bool]],
) -> Iterator[str]:
    """The lines of one tree; branches that are too deep are put in front of ``roots`` instead.

    A stack entry is a task, what stands before its line, before the lines below it, its depth.
    """
    stack = [(root, "… " if continued else "", "", 0)]
    deep: list[tuple[str, bool]] = []
    while stack:
        id_, lead, indent, depth = stack.pop()
        line = lead + (id_ if continued and not depth else labels[id_])
        while len(children[id_]) == 1:  # a chain needs no branches
            id_ = children[id_][0]
            if len(line) + len(labels[id_]) + 3 > DRAW_WIDTH:
                yield line
                line = f"{indent}→ {labels[id_]}"
            else:
                line += f" → {labels[id_]}"
        below = children[id_]
        if below and depth >= DRAW_DEPTH:
            deep.append((id_, True))
            line += " …"
            below = []
        yield line
        last = len(below) - 1
        for place in range(last, -1, -1):
            tick, bar = ("└─ ", "   ") if place == last else ("├─ ", "│  ")
            stack.append((below[place], indent + tick, indent + bar, depth + 1))
    roots.extendleft(reversed(deep))
