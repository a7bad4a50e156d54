"""What a person can do about a run at which nobody works, in a sentence with the command. Pure."""

from __future__ import annotations

import shlex

from workbench.core.state import RunState, TaskStatus
from workbench.core.story.team import again, before
from workbench.core.story.words import short


def onward(state: RunState, *, live: bool) -> str:
    """How a run ended, or that it does not go on, and what to do next; empty while there is nothing to do."""
    if not state.seq or (live and not state.finished):
        return ""
    run, reason = state.run, short(state.reason).rstrip(".")
    match state.outcome:
        case None:
            return f"Nobody is at work on this run: `workbench resume {run}` goes on with it."
        case "landed":
            onto = state.target or "a branch of yours"
            return f"Every task landed. `workbench land {run}` brings the work to {onto}."
        case "stopped":
            how = f"{before(run, state.reason)}`{again(run, state.reason)}` goes on."
            return f"Stopped{': ' + reason if reason else ''}. {how}"
        case "refused":
            return f"Refused: {reason}."
        case _:
            return f"{_left(state)}. {_retry(state)}`workbench report {run}` tells all."


def _left(state: RunState) -> str:
    landed = sum(task.status is TaskStatus.LANDED for task in state.tasks.values())
    return f"Over: {landed} of {len(state.tasks)} tasks landed"


def _retry(state: RunState) -> str:
    given_up = (TaskStatus.FAILED, TaskStatus.BLOCKED)
    name = next((name for name, task in state.tasks.items() if task.status in given_up), None)
    if name is None:
        return ""
    return f"`workbench retry {shlex.quote(name)}`, then `workbench resume {state.run}`, tries {name} again. "
