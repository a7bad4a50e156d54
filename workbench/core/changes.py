"""What is to be different in the plan of a run that goes on, as a value; ``core.changing`` says what comes of
it."""

# Annotations are not postponed here: see core.models.

import difflib
from collections.abc import Iterator, Mapping

from workbench.core.models import Plan, Task, Value

TEXTS = ("title", "context", "contract")
"""What a plan says besides its tasks that may change."""

FIXED = ("team", "gates", "setup", "budget_usd", "model", "base", "lead")
"""What the front matter says counts for how a run is started: it is not taken up by one that goes on."""

BODY_LINES = 40
"""Lines of a new body, or of how one differs, that a description shows."""

SHOWN = 200
"""Tasks of one kind that a description names."""


class PlanChange(Value):
    """Tasks ``added``, tasks ``changed`` as they are to be, ids of those ``dropped``; and the plan's other
    text where it is to be another, None where it stays."""

    added: tuple[Task, ...] = ()
    changed: tuple[Task, ...] = ()
    dropped: tuple[str, ...] = ()
    title: str | None = None
    context: str | None = None
    contract: str | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is to be different."""
        texts = any(getattr(self, name) is not None for name in TEXTS)
        return not (self.added or self.changed or self.dropped or texts)


def placeless(task: Task) -> Task:
    """The task without the line that it stood on."""
    return task.model_copy(update={"line": 0}) if task.line else task


def difference(base: Plan, said: Plan, standing: Plan) -> PlanChange:
    """What somebody wants who made ``said`` of ``base``, for a plan that is by now ``standing``: what they
    did not touch stays as it stands."""
    was, now, stands = (_by_id(plan) for plan in (base, said, standing))
    touched = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    there = [name for name in touched if name in now]
    return PlanChange(
        added=tuple(now[name] for name in there if name not in stands),
        changed=tuple(now[name] for name in there if name in stands and now[name] != stands[name]),
        dropped=tuple(name for name in touched if name not in now and name in stands),
        **{
            name: text
            for name in TEXTS
            if (text := getattr(said, name)) not in (getattr(base, name), getattr(standing, name))
        },
    )


def with_change(plan: Plan, change: PlanChange) -> Plan:
    """The plan as it is after ``change``; what is new stands at its end."""
    changed = _by_id(change.changed)
    tasks = [changed.get(task.id, task) for task in plan.tasks if task.id not in change.dropped]
    texts = {name: text for name in TEXTS if (text := getattr(change, name)) is not None}
    return plan.model_copy(update={"tasks": (*tasks, *change.added), **texts})


def _by_id(tasks: Plan | tuple[Task, ...]) -> dict[str, Task]:
    found = tasks.tasks if isinstance(tasks, Plan) else tasks
    return {task.id: placeless(task) for task in found}


def fixed(base: Plan, said: Plan) -> tuple[str, ...]:
    """Which settings of the front matter differ, that nothing comes of."""
    return tuple(name for name in FIXED if getattr(base, name) != getattr(said, name))


# -- in words ----------------------------------------------------------------------------------------


def gist(change: PlanChange) -> str:
    """The change in one line: ``adds c; changes b; drops d; new contract``."""
    parts = [
        f"{what} {_names(names)}"
        for what, names in (
            ("adds", [task.id for task in change.added]),
            ("changes", [task.id for task in change.changed]),
            ("drops", list(change.dropped)),
        )
        if names
    ]
    parts += [f"new {name}" for name in TEXTS if getattr(change, name) is not None]
    return "; ".join(parts) or "changes nothing"


def _names(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def description(change: PlanChange, standing: Mapping[str, Task], plan: Plan) -> Iterator[str]:
    """The change line by line, for whoever is to approve it: every new text, and how each that is changed
    differs. Where a text is too long to be shown whole, that is said."""
    for task in change.added[:SHOWN]:
        yield f"+ {task.id}: {task.title}"
        yield from (f"    {name}: {value}" for name, value in _fields(task).items())
        yield from _cut([f"    | {line}" for line in task.body.splitlines()])
    for task in change.changed[:SHOWN]:
        yield f"~ {task.id}: {task.title}"
        if before := standing.get(task.id):
            yield from _differs(before, task)
    yield from (f"- {name}" for name in change.dropped[:SHOWN])
    for name in TEXTS:
        if (text := getattr(change, name)) is not None:
            yield f"~ {name}"
            yield from _cut(_lines(getattr(plan, name), text))


def _fields(task: Task) -> dict[str, str]:
    given = {
        "after": ", ".join(task.after),
        "files": ", ".join(task.files),
        "gate": "; ".join(task.gates),
        "role": task.role,
        "plan": task.plan_by,
        "priority": str(task.priority or ""),
        "attempts": str(task.attempts or ""),
        "budget": f"{task.budget_usd:.2f} USD" if task.budget_usd else "",
    }
    return {name: value for name, value in given.items() if value}


def _differs(before: Task, now: Task) -> Iterator[str]:
    if before.title != now.title:
        yield f"    title: {now.title} (was: {before.title})"
    was, fields = _fields(before), _fields(now)
    for name in {**was, **fields}:
        if was.get(name) != fields.get(name):
            yield f"    {name}: {fields.get(name, 'none')} (was: {was.get(name, 'none')})"
    if before.body != now.body:
        yield from _cut(_lines(before.body, now.body))


def _lines(before: str, now: str) -> list[str]:
    found = list(difflib.unified_diff(before.splitlines(), now.splitlines(), n=1, lineterm=""))
    return [f"    {line}" for line in found[2:]]


def _cut(lines: list[str]) -> Iterator[str]:
    yield from lines[:BODY_LINES]
    if len(lines) > BODY_LINES:
        yield f"    … {len(lines) - BODY_LINES} lines more: read them in the plan before you answer"
