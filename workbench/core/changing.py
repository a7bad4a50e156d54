"""What comes of a change to the plan of a run, by where its tasks stand. Pure.

A task that waits for its next attempt may be changed in any way; one that was never begun may be dropped.
What is at work goes on by what it was told, and what is in the queue or has landed is a fact: there a change
is refused, each with its reason, and the rest of the proposal is not held up by it. What is left must be a
plan again, or all of it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from workbench.core import graph
from workbench.core.changes import TEXTS, PlanChange, description, fixed, with_change
from workbench.core.mail import MessageKind
from workbench.core.models import TEXT_LIMIT, Plan, Task
from workbench.core.state import Ask, RunState, TaskStatus

OWN = "plan.md of the run"
"""The source of what is proposed in the file that workbench itself writes."""

WAITING = frozenset({TaskStatus.PENDING, TaskStatus.READY, TaskStatus.HELD})
"""Where a task may be changed."""

OVER = frozenset({TaskStatus.BLOCKED, TaskStatus.FAILED})


def applicable(state: RunState, change: PlanChange) -> tuple[PlanChange, tuple[str, ...]]:
    """What of ``change`` can be done now, and a sentence for each part that cannot."""
    assert state.plan is not None, "only a run that was started has a plan to change"
    added, changed, dropped, refused = [], [], [], []
    for task in chain(change.added, change.changed):
        standing = state.tasks.get(task.id)
        if task in change.changed and standing is None:
            refused.append(f"{task.id} cannot be changed: it is no task of the plan any more.")
        elif why := _unfit(state, task) or (_busy(state, task.id) if standing is not None else ""):
            refused.append(why)
        elif standing is None:
            added.append(task)
        elif standing.spec != task:
            changed.append(task)
    for name in change.dropped:
        if name not in state.tasks:
            continue
        if why := _begun(state, name):
            refused.append(why)
        else:
            dropped.append(name)
    texts = {name: text for name in TEXTS if (text := getattr(change, name)) is not None}
    fit = PlanChange(added=tuple(added), changed=tuple(changed), dropped=tuple(dropped), **texts)
    if problems := graph.problems(with_change(state.plan, fit).tasks):
        return PlanChange(), (*refused, *(f"{problem.sentence}." for problem in problems))
    if not with_change(state.plan, fit).tasks:
        return PlanChange(), (*refused, "A plan has at least one task.")
    return fit, tuple(refused)


def _unfit(state: RunState, task: Task) -> str:
    """Why this run could not take such a task on, whatever stands in the plan."""
    if task.role and task.role not in state.roles:
        known = ", ".join(state.roles) or "none"
        return f"{task.id} cannot have the role {task.role!r}: this run was started with {known}."
    if not (task.gates or state.settings.gates or state.settings.no_gates):
        return f"{task.id} has no gate, and neither has the run: nothing would tell good work from broken."
    return ""


def _busy(state: RunState, name: str) -> str:
    status = state.tasks[name].status
    if status in WAITING:
        return ""
    if status is TaskStatus.RUNNING:
        who = state.attempt(name, state.tasks[name].attempt).teammate
        return f"{name} cannot be changed while it is at work: write to {who}, or add a task that follows it."
    if status is TaskStatus.SKIPPED:
        return f"{name} cannot be changed: it was left out. Have it tried again first."
    if status in OVER:
        return f"{name} cannot be changed: it was given up. Add a task of another id in its place."
    return f"{name} cannot be changed: it is {status} already. Add a task that follows it."


def _begun(state: RunState, name: str) -> str:
    task = state.tasks[name]
    if task.status in WAITING and not task.attempt:
        return ""
    what = "was begun" if task.status in WAITING else f"is {task.status}"
    return f"{name} cannot be dropped: it {what}."


def open_change(state: RunState) -> Ask | None:
    """The proposed change that waits for a person, if there is one."""
    return next((ask for ask in state.asks.values() if ask.message.kind is MessageKind.CHANGE), None)


def base_of(state: RunState, source: str) -> Plan:
    """The plan that somebody made another of who asks by ``source``: for the user's own file what it is known
    to have said, for all else the plan as it stands."""
    assert state.plan is not None, "only a run that was started has a plan to change"
    if source and source == state.plan_file:
        return state.said.get(source) or state.approved or state.plan
    return state.plan


def question(state: RunState, source: str, change: PlanChange, said: Plan) -> str:
    """What the person is asked."""
    assert state.plan is not None, "only a run that was started has a plan to change"
    fit, refused = applicable(state, change)
    specs = {name: task.spec for name, task in state.tasks.items()}
    lines: Iterator[str] = chain(
        [f"Shall the plan of this run change? {source or 'A request'} says:", ""],
        description(fit, specs, state.plan),
        ["", "Not possible now:"] if refused else [],
        (f"  {sentence}" for sentence in refused),
        remarks(state, source, said),
    )
    text = "\n".join(lines)
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 40].rpartition("\n")[0] + "\n… and more"


def remarks(state: RunState, source: str, said: Plan) -> list[str]:
    """What is said of settings that are those of the run's start."""
    if not (names := fixed(base_of(state, source), said)):
        return []
    return [f"Not taken up: {', '.join(names)} of the front matter, which count when a run is started."]
