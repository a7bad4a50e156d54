"""A run as a team of Claude Code's: its config, its tasks and its inboxes. Pure.

What Claude Code has no field for (the task's id here, its files, its role, where it stands) goes into the
metadata of the task, which Claude Code keeps. Gates do not: they are commands, and an import takes none from
files that others can write. Nor does the contract, which has no place there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workbench.core.claudeteam.text import visible
from workbench.core.mail import LEAD, PERSON, Message
from workbench.core.mailing import recipients, working
from workbench.core.state import AttemptState, RunState, TaskState, TaskStatus

TEAM_LEAD = "team-lead"
"""What Claude Code calls the one that leads, whatever the team."""

MARK = "workbench"
"""The key under which we keep what is ours, in the config and in the metadata of tasks."""

GENERAL = "general-purpose"
"""Claude Code's type of agent for whoever has no role."""

COMPLETED, IN_PROGRESS, PENDING = "completed", "in_progress", "pending"

AT_WORK = frozenset({
    TaskStatus.RUNNING, TaskStatus.DELIVERED, TaskStatus.LANDING, TaskStatus.CONFLICTED, TaskStatus.REJECTED,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Team:
    """The files of a team: ``config`` is config.json, ``tasks`` are by their id, ``inboxes`` by the name of
    whose they are."""

    name: str
    config: dict[str, Any]
    tasks: dict[str, dict[str, Any]]
    inboxes: dict[str, list[dict[str, Any]]]


def team_name(run: str) -> str:
    """The team that a run is written as. A run's id has only small letters, digits and dashes, so that every
    way in which Claude Code makes a folder's name of it gives the same."""
    return f"workbench-{run}"


def team_of(state: RunState, repository: str, sent: Mapping[str, float]) -> Team:
    """The run as a team. ``repository`` is the path of its working tree, ``sent`` tells when each message was
    sent (Unix seconds)."""
    name = team_name(state.run)
    ours = {"run": state.run, "repository": repository}
    tasks = list(state.tasks.values())
    numbers = {task.spec.id: str(number) for number, task in enumerate(tasks, 1)}
    config = {
        "name": name,
        "description": state.plan.title if state.plan is not None else state.run,
        "createdAt": _milliseconds(state.started_at),
        "leadAgentId": f"{TEAM_LEAD}@{name}",
        "members": _members(state, name, repository),
        MARK: ours,
    }
    return Team(
        name,
        config,
        {numbers[task.spec.id]: _task(state, task, numbers, ours) for task in tasks},
        {_called(member): _inbox(state, member, sent) for member in (LEAD, *state.teammates)},
    )


# -- members -----------------------------------------------------------------------------------------


def _members(state: RunState, team: str, repository: str) -> list[dict[str, Any]]:
    lead = _member(TEAM_LEAD, team, TEAM_LEAD, repository, state)
    mates = []
    for mate in state.teammates.values():
        role = state.task(mate.task).spec.role if mate.task else ""
        one = _member(mate.name, team, role or GENERAL, mate.worktree or repository, state)
        known = state.roles.get(role)
        model = (known.model if known is not None else None) or state.settings.model
        mates.append(one | ({"model": model} if model else {}))
    return [lead, *mates]


def _member(name: str, team: str, kind: str, cwd: str, state: RunState) -> dict[str, Any]:
    return {
        "agentId": f"{name}@{team}",
        "name": name,
        "agentType": kind,
        "joinedAt": _milliseconds(state.started_at),
        "tmuxPaneId": "",  # it has no pane: workbench runs it
        "cwd": cwd,
        "subscriptions": [],
        "backendType": "in-process",
    }


# -- tasks -------------------------------------------------------------------------------------------


def _task(
    state: RunState, task: TaskState, numbers: Mapping[str, str], ours: Mapping[str, str]
) -> dict[str, Any]:
    spec = task.spec
    found: dict[str, Any] = {
        "id": numbers[spec.id],
        "subject": spec.title,
        "description": spec.body,
        "status": _status(task),
        "blocks": [numbers[other] for other in state.dependents.get(spec.id, ())],
        "blockedBy": [numbers[other] for other in spec.after],
        "metadata": {
            MARK: {
                **ours,
                "task": spec.id,
                "status": task.status.value,
                "files": list(spec.files),
                "role": spec.role,
                "priority": spec.priority,
            }
        },
    }
    attempt = state.attempts.get((spec.id, task.attempt))
    if attempt is not None and found["status"] != PENDING:
        found["owner"] = attempt.teammate
    return found


def _status(task: TaskState) -> str:
    if task.status is TaskStatus.LANDED:
        return COMPLETED
    return IN_PROGRESS if task.status in AT_WORK else PENDING


# -- mail --------------------------------------------------------------------------------------------


def _inbox(state: RunState, member: str, sent: Mapping[str, float]) -> list[dict[str, Any]]:
    """What a member was sent, oldest first. What was to the person is with the lead's: that is where a person
    sits in a team of Claude Code's."""
    mine = {LEAD, PERSON} if member == LEAD else {member}
    unread = _unread(state, member)
    return [
        _entry(letter, sent.get(letter.id, state.started_at), read=letter.id not in unread)
        for letter in state.mail.values()
        if mine.intersection(recipients(state, letter.sender, letter.to))
    ]


def _unread(state: RunState, member: str) -> set[str]:
    if member == LEAD:
        return {*state.for_lead, *(ask.message.id for ask in state.asks.values() if ask.to in (LEAD, PERSON))}
    attempt: AttemptState | None = working(state, member)
    return {*state.teammates[member].unread, *(attempt.told if attempt is not None else ())}


def _entry(letter: Message, at: float, *, read: bool) -> dict[str, Any]:
    """A letter. Its head keeps the text from being one of the JSON frames by which Claude Code's own teams
    ask for permissions and shutdowns."""
    answers = f" to {letter.reply_to}" if letter.reply_to else ""
    decided = f": {letter.decision}" if letter.decision else ""
    return {
        "from": _called(letter.sender),
        "text": f"[{letter.id} {letter.kind}{answers}{decided}] {visible(letter.text)}",
        "summary": f"{letter.kind} from {_called(letter.sender)}",
        "timestamp": datetime.fromtimestamp(at, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "read": read,
    }


def _called(member: str) -> str:
    return TEAM_LEAD if member == LEAD else member


def _milliseconds(at: float) -> int:
    return round(at * 1000)
