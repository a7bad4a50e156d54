"""The team and its tasks as they stand, in words: rows of a table, counts, and why nothing starts."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.mail import PERSON as TO_PERSON
from workbench.core.mailing import UNANSWERED, blocking
from workbench.core.models import BUDGET_SPENT
from workbench.core.state import Phase, RunState, TaskStatus
from workbench.core.story.words import clock_time, short


def resting(state: RunState) -> str:
    """Why nothing new starts just now, and until when; empty when nothing holds the team back."""
    pace, at = state.pace, state.at
    if state.paused:
        return "paused by a person; `workbench resume` lets it go on"
    if pace.pause is not None and pace.pause.hold.holds(at):
        what = "usage limit" if pace.pause.limit == "usage" else "rate limit"
        return f"paused until {clock_time(pace.pause.hold.until, at)}: {what}"
    if pace.circuit is not None and not pace.circuit.holds(at):
        return "the agent kept failing; one attempt is the trial"
    if pace.circuit is not None:
        return f"the agent keeps failing; next trial at {clock_time(pace.circuit.until, at)}"
    cap = pace.cap_at(at)
    if cap is not None and cap < len(state.teammates):
        return f"slowed by rate limits to {cap} at once"
    if pace.room is not None and pace.room < len(state.teammates):
        return f"memory holds {pace.room} at once"
    return ""


def again(run: str, reason: str) -> str:
    """The command that goes on with a run that was stopped for ``reason``, and nothing but the command."""
    return f"workbench resume {run}" + (" --budget-usd X" if reason == BUDGET_SPENT else "")


def before(run: str, reason: str) -> str:
    """What a person does before ``again`` is of use, as the beginning of a sentence; empty when nothing."""
    if reason.startswith(UNANSWERED):
        return f"`workbench inbox {run}` shows what is asked, and how to answer; then "
    return "With an X above what was spent, " if reason == BUDGET_SPENT else ""


def afresh(run: str, reason: str) -> str:
    """How to go on with a run that was stopped for ``reason``: the command, or a sentence where that is
    not all there is to do."""
    first, command = before(run, reason), again(run, reason)
    return f"{first}`{command}` goes on" if first else command


@dataclass(frozen=True, slots=True)
class Row:
    """One teammate in a table: name, task, percent, and what it is doing right now."""

    teammate: str
    task: str
    percent: int
    doing: str


_PHASES = {
    Phase.COLLECTED: "waits for its gates",
    Phase.CHECKED: "its gates ran",
    Phase.TURN_OVER: "its turn ended",
}


def rows(state: RunState) -> list[Row]:
    """The team as it stands, in its own order, and the lead while it is there; teammates that never worked
    are left out."""
    shown: list[Row] = []
    for teammate in state.teammates.values():
        if teammate.task is None:
            if teammate.worktree and not teammate.left:
                shown.append(Row(teammate.name, "", 0, "idle"))
            continue
        attempt = state.attempts[teammate.task, state.tasks[teammate.task].attempt]
        doing = attempt.doing or attempt.note or _PHASES.get(attempt.phase, str(attempt.phase))
        if state.asks and (ask := blocking(state, attempt)) is not None:
            doing = f"waits for {'you' if ask.to == TO_PERSON else ask.to} ({ask.message.id})"
        here = f"{teammate.worktree}/"  # paths are long, and most of each is where its worktree stands
        doing = doing.replace(here, "").removeprefix("mcp__workbench__")
        shown.append(Row(teammate.name, teammate.task, attempt.percent, short(doing, 60)))
    if state.lead.up:
        doing = state.lead.doing.removeprefix("mcp__workbench__")
        shown.append(Row("lead", "", 0, short(doing, 60) or "waits"))
    return shown


def counts(state: RunState) -> str:
    """How many tasks stand where: ``3 landed · 2 running · 1 queued``, in the order they travel."""
    found = dict.fromkeys(TaskStatus, 0)
    for task in state.tasks.values():
        found[task.status] += 1
    return " · ".join(f"{found[status]} {status}" for status in TaskStatus if found[status])
