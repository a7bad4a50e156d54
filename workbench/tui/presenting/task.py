"""One task in rows and words: what it is, who tried it, what stood in its way, what it changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from workbench.core.lists import some
from workbench.core.mail import PERSON as TO_PERSON
from workbench.core.mailing import blocking
from workbench.core.money import dollars
from workbench.core.plain import UNPRINTABLE
from workbench.core.state import RunState, TaskState, TaskStatus
from workbench.core.story import clock_time, short
from workbench.core.watched import Watched
from workbench.tui.presenting.facts import Fact
from workbench.tui.presenting.prose import Line, clean, heading, hunks, labelled, lines_of, parted
from workbench.tui.presenting.standing import named, standing, word
from workbench.tui.presenting.table import Cell, Column, Row, Tone

T = TaskStatus
GIVEN_UP = frozenset({T.FAILED, T.BLOCKED, T.UNDONE})
"""Where `workbench resolve` brings in what a person made."""

NAMED = 6
"""Neighbours that the head names; the others are on their tab."""

# -- head --------------------------------------------------------------------------------------------


def facts(watched: Watched, name: str) -> list[Fact]:
    """What is to be known of a task at a glance."""
    state = watched.state
    task = state.tasks.get(name)
    if task is None:
        return [
            Fact("", (Cell(name, "strong"),)),
            Fact("", (Cell("no task of the plan any more: it was dropped", "warn"),), line=True),
        ]
    spec = task.spec
    found = [Fact("", (Cell(name, "strong"), Cell(f"  {clean(spec.title)}"))), _stands(state, task)]
    if who := _who(state, task):
        found.append(who)
    if why := _why(state, task):
        found.append(Fact("", (Cell(short(why, 400), "warn"),), line=True))
    if spec.after:
        found.append(_neighbours(state, "after", spec.after, line=True))
    if followers := state.dependents.get(name, ()):
        found.append(_neighbours(state, f"before {len(followers)}:", followers))
    found += _fields(state, task)
    return found


def _stands(state: RunState, task: TaskState) -> Fact:
    name = task.spec.id
    cells = [standing(task.status)]
    if task.status is T.LANDED and task.landed:
        cells.append(Cell(f" as {task.landed[:10]}"))
    elif task.status is T.LANDING and task.attempt:
        cells.append(Cell(", its merge is checked"))
    elif task.status is T.DELIVERED and name in state.queue:
        cells.append(Cell(f" since {clock_time(state.queue[name], state.at)}"))
    return Fact("", tuple(cells), line=True)


def _who(state: RunState, task: TaskState) -> Fact | None:
    attempt = state.attempts.get((task.spec.id, task.attempt))
    if attempt is None:
        return Fact("", (Cell("nobody has begun it", "faint"),)) if task.status not in _DONE else None
    words = f"{attempt.teammate}, attempt {task.attempt}"
    if attempt.live:
        words += f", {attempt.percent}%"
        if (ask := blocking(state, attempt)) is not None:
            words += f", waits for {'you' if ask.to == TO_PERSON else ask.to} ({ask.message.id})"
        elif doing := attempt.doing or attempt.note:
            words += f": {short(doing, 60)}"
    return Fact("by", (Cell(words),))


_DONE = frozenset({T.LANDED, T.SKIPPED, T.UNDONE})


def _why(state: RunState, task: TaskState) -> str:
    """Why it does not go on, where it does not."""
    if task.reason and task.status in (T.HELD, T.BLOCKED, T.FAILED, T.SKIPPED, T.UNDONE):
        return task.reason
    if task.status is T.CONFLICTED:
        return f"conflicts with {some(task.others) or 'what landed'} in {some(task.conflicts)}"
    if task.status is T.REJECTED:
        return f"red together with {some(task.others) or 'what landed'}"
    if task.later is not None and task.later.holds(state.at):
        return f"not before {clock_time(task.later.until, state.at)}, after its agent broke"
    return ""


def _neighbours(state: RunState, label: str, names: Iterable[str], *, line: bool = False) -> Fact:
    names = tuple(names)
    cells: list[Cell] = []
    for name in names[:NAMED]:
        cells += [Cell(", ")] if cells else []
        cells.append(named(state, name))
    if len(names) > NAMED:
        cells.append(Cell(f" and {len(names) - NAMED} more"))
    return Fact(label, tuple(cells), line=line)


def _fields(state: RunState, task: TaskState) -> list[Fact]:
    spec, name = task.spec, task.spec.id
    gates = state.gates_of(name)
    spent, budget = state.cost_of(name), state.budget_of(name)
    cost = dollars(spent) + (f" of {dollars(budget)}" if budget is not None else "")
    tone: Tone = "bad" if budget is not None and spent >= budget else "plain"
    found = [
        Fact("files", (Cell(clean(", ".join(spec.files)) or "any"),), line=True),
        Fact("gates", (Cell(clean("; ".join(gates)) or "none"),)),
    ]
    if spent or budget is not None:
        found.append(Fact("cost", (Cell(cost, tone),)))
    if spec.priority:
        found.append(Fact("priority", (Cell(str(spec.priority)),)))
    if spec.role:
        found.append(Fact("role", (Cell(clean(spec.role)),)))
    if spec.plan_by:
        done = "approved" if task.approved else f"for the {spec.plan_by} to approve"
        found.append(Fact("plans first", (Cell(done),)))
    return found


# -- brief -------------------------------------------------------------------------------------------

LONGEST = 60_000
"""Characters of a brief that are drawn as Markdown."""


def brief(state: RunState, name: str) -> str:
    """Title, body and the contract that all share, as Markdown without control characters."""
    task = state.tasks.get(name)
    if task is None:
        return ""
    parts = [f"# {_escaped(task.spec.title)}", task.spec.body or "*This task has no text besides its title.*"]
    if task.approved:
        parts += ["## The approved plan for it", task.approved]
    if state.plan is not None and state.plan.contract:
        parts += ["## Contract, shared by all tasks", state.plan.contract]
    if task.status in GIVEN_UP:
        parts += [f"To bring in work of your own: `{resolve_command(state, name)}`"]
    text = UNPRINTABLE.sub("", "\n\n".join(parts))
    return (
        text
        if len(text) <= LONGEST
        else f"{text[:LONGEST]}\n\n*… and {len(text) - LONGEST:,} characters more*"
    )


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_[]<>#!|" else char for char in " ".join(text.split()))


def resolve_command(state: RunState, name: str) -> str:
    """What to type to bring in work for a task that was given up."""
    return f"workbench resolve {name}" + (f" --run {state.run}" if state.run else "")


# -- evidence ----------------------------------------------------------------------------------------

NO_EVIDENCE = "nothing stands against this task: red gates and conflicts would be shown here"


def evidence(state: RunState, name: str) -> list[Line]:
    """Everything that was found against a task."""
    task = state.tasks.get(name)
    if task is None:
        return []
    said: list[Line] = []
    if task.reason:
        said.append(labelled("why", Cell(clean(" ".join(task.reason.split())), "warn")))
    if task.others:
        cells = [Cell(", ".join(task.others), "strong")]
        said.append(labelled("together with", *cells))
    if task.conflicts:
        said += [labelled("conflict in", Cell(clean(path))) for path in task.conflicts]
    if task.thrown:
        said.append(labelled("red so far", Cell(f"what {some(task.thrown)} made of the conflict")))
    said += [labelled("failing", Cell(clean(test), "bad")) for test in task.failing]
    semantic: list[Line] = []
    for it in state.semantics:
        if name == it.task or name in it.others:
            sure = "certain" if it.certain else "probable"
            words = f"{it.task} is red together with {some(it.others)} ({sure}), by `{clean(it.gate)}`"
            semantic.append(labelled("semantic", Cell(words, "warn")))
    attempt = state.attempts.get((name, task.attempt))
    blocked = attempt.blocked if attempt is not None else ""
    return parted(
        [
            said,
            semantic,
            [heading("It says that it cannot go on"), *lines_of(blocked)] if blocked else [],
            [heading("Evidence"), *hunks(task.evidence)] if task.evidence else [],
        ]
    )


# -- diff --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two commits, and what it is in words."""

    old: str
    new: str
    words: str


NO_DIFF = "nothing was delivered yet: its diff stands here once its work is green alone"


def change(state: RunState, name: str) -> Change | None:
    """What a task changed: its landing where it has one, otherwise what it delivered or left last."""
    task = state.tasks.get(name)
    if task is None:
        return None
    if task.status is T.LANDED:
        for landing in reversed(state.landings):
            if landing.task == name:
                return Change(landing.parent, landing.commit, f"landed as {landing.commit[:10]}")
    if task.commit and (attempt := state.attempts.get((name, task.delivered_by))) is not None:
        return Change(attempt.start, task.commit, f"delivered as {task.commit[:10]}, not on the branch")
    for number in range(task.attempt, 0, -1):
        attempt = state.attempts.get((name, number))
        if attempt is not None and attempt.commit:
            words = f"attempt {number} left {attempt.commit[:10]}, which was not delivered"
            return Change(attempt.start, attempt.commit, words)
    return None


# -- around ------------------------------------------------------------------------------------------

AROUND = (
    Column("", 8),
    Column("task", 14, flex=1),
    Column("stands", 12),
    Column("title", 16, flex=3, rank=1),
    Column("by", 10, rank=2),
)
NO_AROUND = "this task waits for nothing, and nothing waits for it"


def around(state: RunState, name: str) -> list[Row]:
    """What a task waits for, and what waits for it."""
    task = state.tasks.get(name)
    if task is None:
        return []
    before = [_neighbour(state, it, "after") for it in task.spec.after]
    return before + [_neighbour(state, it, "before") for it in state.dependents.get(name, ())]


def _neighbour(state: RunState, name: str, how: str) -> Row:
    there = state.tasks.get(name)
    if there is None:
        return Row(name, (Cell(how, "faint"), Cell(name), Cell("dropped", "faint"), Cell(""), Cell("")))
    attempt = state.attempts.get((name, there.attempt))
    by = attempt.teammate if attempt is not None else ""
    return _standing_row(name, how, there.status, there.spec.title, by)


@lru_cache(maxsize=8_192)
def _standing_row(name: str, how: str, status: TaskStatus, title: str, by: str) -> Row:
    return Row(
        name, (Cell(how, "faint"), Cell(name, "strong"), standing(status), Cell(clean(title)), Cell(by))
    )


# -- what a key would do -----------------------------------------------------------------------------


def skipping(state: RunState, name: str) -> list[Line]:
    """What follows when a task is left out."""
    task = state.tasks[name]
    waiting = [it for it in state.dependents.get(name, ()) if name in state.tasks[it].unmet]
    free = [it for it in waiting if state.tasks[it].unmet == {name}]
    still = [it for it in waiting if it not in free]
    lines: list[Line] = [(Cell(f"{name} is {word(task.status)}; it is left out of the run.", "plain"),)]
    if free:
        lines.append((Cell(f"Goes on without it: {some(free)}.", "warn"),))
    if still:
        lines.append((Cell(f"Waits for others still: {some(still)}.", "plain"),))
    if not waiting:
        lines.append((Cell("Nothing waits for it.", "faint"),))
    kept = "What was made for it is kept." if task.attempt else ""
    lines.append((Cell(f"{kept} `r` takes it up again later.".strip(), "faint"),))
    return lines


TEAMMATES = (
    Column("teammate", 12, flex=1),
    Column("role", 10, rank=2),
    Column("is at", 14, flex=1),
    Column("landed", 6, right=True, rank=1),
)
NO_TEAMMATES = "there is nobody to give it to: `workbench team add` makes the team larger"


def candidates(state: RunState, name: str) -> list[Row]:
    """The teammates that a task could be given to."""
    attempt = state.attempts.get((name, state.tasks[name].attempt)) if name in state.tasks else None
    found: list[Row] = []
    for it in state.teammates.values():
        if it.left or it.leaving:
            continue
        at = "is free" if it.task is None else it.task
        last = attempt is not None and attempt.teammate == it.name
        found.append(
            Row(
                it.name,
                (
                    Cell(it.name + (" (tried it last)" if last else ""), "strong"),
                    Cell(it.role),
                    Cell(at, "faint" if it.task is None else "busy"),
                    Cell(str(it.landed)),
                ),
            )
        )
    return found
