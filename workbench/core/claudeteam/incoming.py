"""A plan from the tasks of a team of Claude Code's. Pure.

All of it is data of others: it becomes text of a plan, which a person reads and approves before anything
is done with it. Tasks that are completed are left out, as are dependencies on what is not there. Members
and what is in inboxes are told and not taken: a plan's text goes into every brief, and what one agent once
wrote to another is no instruction to all. Commands (gates) are never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.core.claudeteam.outgoing import MARK, TEAM_LEAD
from workbench.core.claudeteam.text import line, visible
from workbench.core.models import Plan, Task
from workbench.core.plan import rules
from workbench.core.plan.draft import Draft, Head, build
from workbench.core.plan.parse import parse
from workbench.core.plan.writing import render, without_lines
from workbench.errors import PlanError, UsageError

LONGEST_TITLE = 200
"""Characters of a subject that make the title; all of a longer one stands in the body."""

SHOWN = 8
"""Things of one kind that a remark names."""

TASK_NUMBER = r"^[A-Za-z0-9_-]{1,64}$"


class ClaudeTask(BaseModel):
    """One task file, by the schema that Claude Code reads it with; what else is in it is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)

    id: str = Field(pattern=TASK_NUMBER)
    subject: str
    description: str = ""
    owner: str | None = None
    status: Literal["pending", "in_progress", "completed"]
    blocks: list[str] = []
    blockedBy: list[str] = []  # noqa: N815 - Claude Code's name
    metadata: dict[str, Any] | None = None

    @property
    def ours(self) -> Mapping[str, Any]:
        """What we wrote into it when it was exported; nothing when it was not, or is not what we write."""
        found = (self.metadata or {}).get(MARK)
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of a team: ``tasks`` as JSON by file name, ``config`` and ``inboxes`` where there are
    any; ``odd`` says which files were passed over, and why."""

    name: str
    tasks: Mapping[str, object]
    config: Mapping[str, Any] = field(default_factory=dict)
    inboxes: Mapping[str, Sequence[object]] = field(default_factory=dict)
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """The plan, its text, and what a person should know of what was not taken as it stood."""

    plan: Plan
    text: str
    remarks: tuple[str, ...]


def plan_of(found: Found) -> Imported:
    """The plan that a team's tasks make. Raises UsageError when nothing is left to do, and when they
    make no plan: they wait for each other in a circle, or are too much."""
    remarks = [f"not taken: {odd}" for odd in found.odd]
    tasks = sorted(_read(found.tasks, remarks), key=_place)
    todo = [task for task in tasks if task.status != "completed"]
    if not todo:
        what = "every task of it is completed" if tasks else "it has no tasks"
        raise UsageError(f"There is nothing to import of the team {found.name}: {what}.")
    _tell_completed(tasks, remarks)
    ids = _ids(todo)
    waits = _waits(tasks, ids, remarks)
    drafts = [_draft(task, ids, waits[task.id]) for task in todo]
    _tell_team(found, todo, remarks)
    try:
        plan, text = _written(build(_head(found), drafts, [], ""))
    except PlanError as error:
        said = "; ".join(problem.sentence for problem in error.problems[:SHOWN])
        raise UsageError(
            f"The tasks of the team {found.name} make no plan: {said}.", "Mend them in Claude Code first."
        ) from None
    return Imported(plan, text, tuple(remarks))


# -- reading -----------------------------------------------------------------------------------------


def _read(files: Mapping[str, object], remarks: list[str]) -> Iterable[ClaudeTask]:
    for name, data in files.items():
        try:
            task = ClaudeTask.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "it"
            remarks.append(f"not taken: {line(name, 80)} is no task: {line(where, 80)}: {first['msg']}")
            continue
        if f"{task.id}.json" != name:
            remarks.append(f"not taken: {line(name, 80)} says that it is task {task.id}")
            continue
        yield task


def _place(task: ClaudeTask) -> tuple[int, int, str]:
    number = task.id.isascii() and task.id.isdecimal()
    return (0, int(task.id), "") if number else (1, 0, task.id)


def _ids(tasks: Sequence[ClaudeTask]) -> dict[str, str]:
    """An id here for each: the one it had when we wrote it, or one made of its subject."""
    taken: set[str] = set()
    ids: dict[str, str] = {}
    for task in tasks:
        was = task.ours.get("task")
        known = isinstance(was, str) and not list(rules.id_problems(was, 0))
        wanted = was if known else rules.slug(task.subject) or f"task-{task.id.lower().strip('-_')}"
        if list(rules.id_problems(str(wanted), 0)):
            wanted = "task"
        ids[task.id] = _unused(str(wanted), taken)
        taken.add(ids[task.id])
    return ids


def _unused(wanted: str, taken: set[str]) -> str:
    id_, number = wanted, 1
    while id_ in taken:
        number += 1
        id_ = f"{wanted[:58]}-{number}"
    return id_


def _waits(
    tasks: Sequence[ClaudeTask], ids: Mapping[str, str], remarks: list[str]
) -> dict[str, tuple[str, ...]]:
    """What each task that is left waits for; one side of a dependency is enough."""
    known = {task.id for task in tasks}
    named = {task.id: dict.fromkeys(task.blockedBy) for task in tasks}
    for task in tasks:
        for other in task.blocks:
            if other in named:
                named[other].setdefault(task.id)
    lost = sorted({line(other, 40) for waits in named.values() for other in waits if other not in known})
    if lost:
        remarks.append(f"dependencies on tasks that are not there were dropped: {_some(lost)}")
    return {task.id: tuple(ids[other] for other in named[task.id] if other in ids) for task in tasks}


# -- the plan ----------------------------------------------------------------------------------------


def _draft(task: ClaudeTask, ids: Mapping[str, str], after: tuple[str, ...]) -> Draft:
    subject = line(task.subject)
    title = line(task.subject, LONGEST_TITLE) or f"Task {task.id}"
    body = visible(task.description).strip("\n")
    if subject and title != subject:
        body = f"{subject}\n\n{body}".strip()
    if task.owner and not task.ours:
        was = ", in progress" if task.status == "in_progress" else ""
        body = f"{body}\n\n(In Claude Code's team this was {line(task.owner, 64)}'s{was}.)".strip()
    draft = Draft(id=ids[task.id], title=title, body=body, after=after)
    _restore(draft, task.ours)
    return draft


def _restore(draft: Draft, ours: Mapping[str, Any]) -> None:
    """Give a task back what it had here, as far as that is what a plan may say."""
    files = ours.get("files")
    if isinstance(files, list) and all(isinstance(glob, str) for glob in files):
        draft.files = tuple(
            glob for glob in files if not list(rules.glob_problems(glob, 0)) and glob == line(glob)
        )
    role = ours.get("role")
    if isinstance(role, str) and role and not list(rules.role_problems(role, 0)):
        draft.role = role
    priority = ours.get("priority")
    if type(priority) is int and abs(priority) < 10**9:
        draft.priority = priority


def _head(found: Found) -> Head:
    said = found.config.get("description")
    title = line(said, LONGEST_TITLE) if isinstance(said, str) else ""
    return Head(title=title or f"Tasks of the team {line(found.name, 80)}")


def _written(plan: Plan) -> tuple[Plan, str]:
    """The plan with its text, such that the text gives the plan: a title that Markdown would read otherwise
    is made plain."""
    text = render(plan)
    if without_lines(parse(text)) != without_lines(plan):
        tasks = tuple(task.model_copy(update={"title": _plain(task)}) for task in plan.tasks)
        plan = plan.model_copy(update={"tasks": tasks, "title": _words(plan.title) or "Imported tasks"})
        text = render(plan)
        parse(text)
    return plan, text


def _plain(task: Task) -> str:
    return _words(task.title) or f"Task {task.id}"


def _words(title: str) -> str:
    return " ".join(re.sub(r"[^\w ,.()'/-]+", " ", title).split()).strip(" -")


# -- remarks -----------------------------------------------------------------------------------------


def _tell_completed(tasks: Sequence[ClaudeTask], remarks: list[str]) -> None:
    done = [f"{task.id} {line(task.subject, 40)}".strip() for task in tasks if task.status == "completed"]
    if done:
        remarks.append(f"left out, for they are completed: {_some(done)}")


def _tell_team(found: Found, todo: Sequence[ClaudeTask], remarks: list[str]) -> None:
    owned = [f"{task.id} ({line(task.owner, 40)})" for task in todo if task.owner]
    if owned:
        remarks.append(f"had owners there, who are not asked: {_some(owned)}")
    listed = found.config.get("members")
    members = [one.get("name") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    names = [line(name, 40) for name in members if isinstance(name, str) and name != TEAM_LEAD]
    if names:
        remarks.append(f"its members are not taken; a run has a team of its own: {_some(names)}")
    letters = {name: len(entries) for name, entries in found.inboxes.items() if entries}
    if letters:
        said = [f"{line(name, 40)} {count}" for name, count in letters.items()]
        remarks.append(f"messages stay where they are: {_some(said)}")


def _some(things: Sequence[str]) -> str:
    more = f" and {len(things) - SHOWN} more" if len(things) > SHOWN else ""
    return ", ".join(things[:SHOWN]) + more
