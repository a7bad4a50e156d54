"""Keeping those at work informed: of conflicts to come, and of what has landed without them."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.decide.table import Actions, after
from workbench.core.notices import listens, without
from workbench.core.state import RunState, TaskStatus

WARNINGS = 3
"""Of how many others a teammate hears that meet it in the same files. A list that everybody adds to would
fill a session with one message from each; the files are known by then."""


@after(e.ConflictForeseen)
def _conflict_foreseen(state: RunState, event: e.ConflictForeseen) -> Actions:
    if state.stopping or event.other not in state.foreseen.get(event.task, ()):  # overtaken by a landing
        return []
    return _warn(state, event, event.task, event.other) + _warn(state, event, event.other, event.task)


def _warn(state: RunState, event: e.ConflictForeseen, name: str, other: str) -> Actions:
    """Tell whoever works on ``name`` what it will collide with."""
    attempt = state.working.get((name, state.task(name).attempt))
    if attempt is None or not listens(attempt):
        return []
    there = state.foreseen[name].values()
    if sum(set(event.paths) <= set(paths) for paths in there) > WARNINGS:
        return []
    standing = state.task(other)
    values = {
        "other": other,
        "title": standing.spec.title,
        "teammate": state.attempt(other, standing.attempt).teammate,
        "delivered": standing.status is not TaskStatus.RUNNING,
        "paths": event.paths,
        "hunks": event.hunks,
    }
    return [a.Tell(attempt.task, attempt.number, "foreseen", values)]


def read_landing(state: RunState) -> Actions:
    """See what the latest publication means to those at work, if there are any."""
    landed = state.landings[slice(*state.publication)]
    if not landed or next(without(state, landed[-1].commit), None) is None:
        return []
    files = tuple(sorted({path for landing in landed for path in landing.files}))
    tasks = tuple(landing.task for landing in landed)
    return [a.ReadLanding(tasks, landed[0].parent, landed[-1].commit, files)]


@after(e.LandingRead)
def _landing_read(state: RunState, event: e.LandingRead) -> Actions:
    return [
        a.Tell(
            attempt.task,
            attempt.number,
            "landed",
            {
                "tasks": [state.task(name).spec for name in event.tasks],
                "changes": event.changes,
                "more": event.more,
                "touched": event.touched.get(attempt.task, ()),
            },
        )
        for attempt in without(state, event.commit)
    ]
