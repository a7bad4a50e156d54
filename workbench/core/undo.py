"""What is to be undone, in which order, and who stands in the way. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from workbench.core.lists import some
from workbench.core.state import Landed, RunState, TaskStatus
from workbench.errors import UsageError


@dataclass(frozen=True, slots=True)
class Undo:
    """A landing that is to go, and why."""

    landing: Landed
    why: str


def chosen(state: RunState, named: Sequence[str]) -> tuple[Undo, ...]:
    """The landings of the tasks ``named`` and of every landed task that waits for one of them, newest
    first; the last landing that stands when none is named.

    Raises UsageError for a task that is unknown, has not landed or was undone, and when there is nothing
    left to undo.
    """
    standing = state.standing
    if not named:
        if not standing:
            raise _nothing(state)
        return (Undo(standing[-1], "the last landing"),)
    for name in named:
        _check_landed(state, name)
    why = dict.fromkeys(named, "named")
    waiting = list(why)
    while waiting:
        needed = waiting.pop(0)
        for name in state.dependents.get(needed, ()):
            if name not in why and state.tasks[name].status is TaskStatus.LANDED:
                why[name] = f"depends on {needed}"
                waiting.append(name)
    return tuple(Undo(landing, why[landing.task]) for landing in reversed(standing) if landing.task in why)


def _nothing(state: RunState) -> UsageError:
    hint = f"`workbench status {state.run}` shows where its tasks stand."
    if state.landings:
        return UsageError(f"Every landing of run {state.run} was undone already.", hint)
    return UsageError(f"Nothing has landed in run {state.run}: there is nothing to undo.", hint)


def _check_landed(state: RunState, name: str) -> None:
    task = state.tasks.get(name)
    if task is None:
        known = list(state.tasks)
        raise UsageError(
            f"Run {state.run} has no task {name!r}.",
            f"Its tasks are {some(known)}; `--run RUN` chooses another run.",
        )
    if task.status is TaskStatus.UNDONE:
        raise UsageError(
            f"The landing of {name} was undone already, {task.reason.removeprefix('undone ')}.",
            f"`workbench status {state.run}` shows what stands.",
        )
    if task.status is not TaskStatus.LANDED:
        raise UsageError(
            f"Task {name} has not landed: it is {task.status}.",
            f"`workbench status {state.run}` shows what landed. Nothing was changed.",
        )


def gates_after(state: RunState, going: Collection[str]) -> tuple[str, ...]:
    """The gates for the branch without the tasks ``going``: those of the run and of all that stays."""
    gates = () if state.settings.no_gates else state.settings.gates
    stays = (it.task for it in state.standing if it.task not in going)
    return tuple(dict.fromkeys([*gates, *(gate for name in stays for gate in state.gates_of(name))]))


def in_the_way(state: RunState, going: Iterable[Landed], paths: Iterable[str]) -> tuple[str, ...]:
    """Tasks that stay and have landed in ``paths`` after the oldest landing of ``going``: what built on
    them, oldest first."""
    commits, touched = {landing.commit for landing in going}, frozenset(paths)
    after, found = False, []
    for landing in state.landings:
        if landing.commit in commits:
            after = True
        elif after and not landing.undone and touched.intersection(landing.files):
            found.append(landing.task)
    return tuple(found)
