"""The time that a run may take in one go, as on a runner: why it is stopped then. Pure."""

from __future__ import annotations

import datetime

from workbench.core.state import RunState, TaskStatus

PASSED = "its deadline has come"
LIMIT = "its deadline comes before the limit is lifted"
"""How the reasons of such stops begin; they are told by that."""


def passed(minutes: float) -> str:
    """Why a run is stopped whose time is over."""
    return f"{PASSED}, after {minutes:g} minutes"


def outlasted(until: float) -> str:
    """Why a run is stopped early that would only wait: ``until`` is when it may go on (Unix seconds)."""
    return f"{LIMIT}, at {iso(until)}"


def iso(at: float) -> str:
    """A moment, in UTC, to the second after it."""
    moment = datetime.datetime.fromtimestamp(-(-at // 1), datetime.UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def by_deadline(state: RunState) -> bool:
    """Whether the run was stopped for its deadline, and nothing else."""
    return state.outcome == "stopped" and state.reason.startswith((PASSED, LIMIT))


def in_order(state: RunState) -> bool:
    """Whether nothing that the run tried so far is given up."""
    given_up = (TaskStatus.FAILED, TaskStatus.BLOCKED)
    return not any(task.status in given_up for task in state.tasks.values())


def only_waits(state: RunState, until: float) -> bool:
    """Whether the team rests beyond ``until`` (Unix seconds), with nobody at work and nothing to land."""
    pause = state.pace.pause
    if pause is None or not pause.hold.holds(state.at) or pause.hold.until <= until:
        return False
    busy = state.working or state.landing is not None or state.queue or state.pairing
    return not busy and not state.stopping


def resume_at(state: RunState) -> str:
    """When a stopped run can go on, if a limit keeps it until then: ISO 8601; empty for at once."""
    pause = state.pace.pause
    held = state.outcome == "stopped" and pause is not None and pause.hold.holds(state.at)
    return iso(pause.hold.until) if held and pause is not None else ""
