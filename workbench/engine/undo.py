"""Landings are reverted in memory and taken off the integration branch; and what became of that, when
the process ended half way.

Intent, effect, confirm: UndoStarted is in the log before the branch moves, so whoever comes next finds
in git whether it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.core import events as e
from workbench.core.brief import undo_message
from workbench.core.models import Reversal
from workbench.core.state import Landed, RunState
from workbench.engine.ports import Git


@dataclass(frozen=True, slots=True)
class Stuck:
    """A landing that cannot be reverted by itself: ``paths`` were changed again after it."""

    landing: Landed
    paths: tuple[str, ...]
    hunks: str


async def reverse(
    state: RunState, git: Git, tip: str, landings: Sequence[Landed]
) -> tuple[Reversal, ...] | Stuck:
    """Commits that revert ``landings`` (newest first), each on the one before, the first on ``tip``.
    Nothing refers to them yet."""
    made: list[Reversal] = []
    for landing in landings:
        tree = await _without(git, landing, tip)
        if isinstance(tree, Stuck):
            return tree
        commit = await git.commit(tree, [tip], undo_message(state, landing.task, landing.commit))
        made.append(Reversal(task=landing.task, landing=landing.commit, parent=tip, commit=commit, tree=tree))
        tip = commit
    return tuple(made)


async def _without(git: Git, landing: Landed, tip: str) -> str | Stuck:
    """The tree of ``tip`` less what the landing changed: a merge in which the landing is the base, and the
    other side is what was there before it."""
    after, before = await git.tree_of(landing.commit), await git.tree_of(landing.parent)
    now = await git.tree_of(tip)
    if now == after:
        return before
    # git's merge-tree finds its base in history (before 2.40 it takes none by name), so these are given one.
    message = "A side of a revert; nothing refers to it.\n"
    base = await git.commit(after, [], message)
    ours, theirs = [await git.commit(tree, [base], message) for tree in (now, before)]
    merged = await git.merge(ours, theirs)
    return merged.tree if merged.clean else Stuck(landing, merged.paths, merged.hunks)


async def publish(state: RunState, git: Git, reversals: Sequence[Reversal]) -> bool:
    """Move the integration branch to the last reversal, if it still is where the first began."""
    why = f"workbench: undo {', '.join(reversal.task for reversal in reversals)}"
    return await git.move_ref(state.integration, reversals[-1].commit, reversals[0].parent, why)


async def undone(state: RunState, git: Git) -> list[e.Event]:
    """What became of the undoing that is open in ``state``: done when the branch holds it, else dropped.
    Empty when none is open."""
    if not state.undoing:
        return []
    tip = await git.tip(state.integration)
    if tip is None or not await git.is_ancestor(state.undoing[-1].commit, tip):
        return [e.UndoDropped(reason="the branch was not moved")]
    return [e.LandingUndone.model_validate(reversal.model_dump()) for reversal in state.undoing]
