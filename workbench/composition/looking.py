"""What a viewer looks at besides the log: what a worktree holds, what commits change. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git import patches
from workbench.composition.place import Place
from workbench.core.state import AttemptState, RunState
from workbench.errors import WorkbenchError


@dataclass(frozen=True, slots=True)
class Diff:
    """A unified diff as `git diff` prints it, and a ``note`` on what it is of and what it leaves out."""

    text: str
    note: str = ""


async def worktree_diff(place: Place, state: RunState, teammate: str) -> Diff:
    """What a teammate's worktree holds, uncommitted and untracked included, against where it parted from the
    integration branch. Raises WorkbenchError when there is no worktree, or none any more."""
    mate = state.teammates.get(teammate)
    if mate is None or not mate.worktree:
        raise WorkbenchError(f"{teammate} has no worktree yet.", "It gets one with its first task.")
    against = (state.integration, state.tip, state.base)
    found = await patches.worktree_diff(place.repository, Path(mate.worktree), against)
    note = f"worktree against {found.base[:10]}, where it parted from the integration branch"
    if found.left_out:
        note += f"; left out: {', '.join(found.left_out[:3])}, another repository"
    return Diff(found.text, _cut(note, found))


async def attempt_diff(place: Place, state: RunState, attempt: AttemptState) -> Diff:
    """What an attempt changes: what was kept of it where it is over, what its teammate's worktree holds
    before that. Raises WorkbenchError when there is neither."""
    mate = state.teammates.get(attempt.teammate)
    latest = mate is not None and mate.tried[-1:] == [(attempt.task, attempt.number)]
    if latest and (attempt.live or not attempt.commit):
        return await worktree_diff(place, state, attempt.teammate)
    if not attempt.commit:
        raise WorkbenchError(f"Attempt {attempt.number} at {attempt.task} left no work.")
    found = await commit_diff(place, attempt.start, attempt.commit)
    return Diff(found.text, f"what attempt {attempt.number} left, {found.note}")


async def commit_diff(place: Place, old: str, new: str) -> Diff:
    """What differs between two commits or trees, by their full ids. Raises WorkbenchError when one of them
    is not there."""
    found = await patches.commit_diff(place.repository, old, new)
    return Diff(found.text, _cut(f"{old[:10]}..{new[:10]}", found))


def _cut(note: str, found: patches.Reading) -> str:
    if not found.cut:
        return note
    return f"only the first {patches.MOST // 1_000_000} MB are shown · {note}"
