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
from workbench.core.reversal import without
from workbench.core.state import Landed, RunState
from workbench.crashpoints import killpoint
from workbench.engine.ports import Git, Merged

SIDE = "A side of a revert; nothing refers to it.\n"


@dataclass(frozen=True, slots=True)
class Stuck:
    """A landing that cannot be reverted by itself: ``paths`` were changed again after it."""

    landing: Landed
    paths: tuple[str, ...]


async def reverse(
    state: RunState, git: Git, tip: str, landings: Sequence[Landed], *, gated: bool = True
) -> tuple[Reversal, ...] | Stuck:
    """Commits that revert ``landings`` (newest first), each on the one before, the first on ``tip``.
    Nothing refers to them yet. Where git sees a conflict between lines that were only added side by side,
    those of the landing are taken out, if a gate is to see the result (``gated``)."""
    made: list[Reversal] = []
    for landing in landings:
        tree = await _without(git, landing, tip, gated)
        if isinstance(tree, Stuck):
            return tree
        commit = await git.commit(tree, [tip], undo_message(state, landing.task, landing.commit))
        made.append(Reversal(task=landing.task, landing=landing.commit, parent=tip, commit=commit, tree=tree))
        tip = commit
    return tuple(made)


async def _without(git: Git, landing: Landed, tip: str, gated: bool) -> str | Stuck:
    """The tree of ``tip`` less what the landing changed: a merge in which the landing is the base, and the
    other side is what was there before it."""
    after, before = await git.tree_of(landing.commit), await git.tree_of(landing.parent)
    now = await git.tree_of(tip)
    if now == after:
        return before
    # git's merge-tree finds its base in history (before 2.40 it takes none by name), so these are given one.
    base = await git.commit(after, [], SIDE)
    ours, theirs = [await git.commit(tree, [base], SIDE) for tree in (now, before)]
    merged = await git.merge(ours, theirs)
    texts: dict[str, str] = {}
    for path, versions in [
        *await _conflicts(git, merged),
        *await _kept(git, landing.files, (base, ours, theirs), merged),
    ]:
        text = _taken_out(versions) if gated else None
        if text is None:
            return Stuck(landing, (path,) if merged.clean else merged.paths)
        texts[path] = text
    return await git.with_texts(merged.tree, texts) if texts else merged.tree


Versions = tuple[str | None, str | None, str | None]
"""A file's text as it landed, as it is now, and as it was before."""


def _taken_out(versions: Versions) -> str | None:
    landed, now, before = versions
    if landed is None or now is None or before is None:
        return None
    return without(landed, now, before)


async def _conflicts(git: Git, merged: Merged) -> list[tuple[str, Versions]]:
    """Each conflict with the texts it is between; with none of them where texts would not settle it."""
    if merged.clean or not merged.files:
        return [(path, (None, None, None)) for path in merged.paths]
    found: list[tuple[str, Versions]] = []
    for it in merged.files:
        landed = await git.text(it.base) if it.base else None
        found.append((it.path, (landed, await git.text(it.ours), await git.text(it.theirs))))
    return found


async def _kept(
    git: Git, paths: Sequence[str], sides: tuple[str, str, str], merged: Merged
) -> list[tuple[str, Versions]]:
    """Files that the merge left as they are, although the landing is in them: with ``merge=union`` in the
    attributes, lines that are to go stay when others stand beside them."""
    found: list[tuple[str, Versions]] = []
    result = await git.commit(merged.tree, [], SIDE)
    for path in paths:
        landed, now, before, left = [await git.text_at(commit, path) for commit in (*sides, result)]
        if landed is not None and left is not None and left == now and before not in (None, landed, left):
            found.append((path, (landed, now, before)))
    return found


async def publish(state: RunState, git: Git, reversals: Sequence[Reversal]) -> bool:
    """Move the integration branch to the last reversal, if it still is where the first began."""
    why = f"workbench: undo {', '.join(reversal.task for reversal in reversals)}"
    last = reversals[-1].commit
    killpoint("undo.publish")
    moved = await git.move_ref(state.integration, last, reversals[0].parent, why)
    return moved or await git.tip(state.integration) == last  # git may be ended when it had moved the ref


async def undone(state: RunState, git: Git) -> list[e.Event]:
    """What became of the undoing that is open in ``state``: done when the branch holds it, else dropped.
    Empty when none is open."""
    if not state.undoing:
        return []
    tip = await git.tip(state.integration)
    if tip is None or not await git.is_ancestor(state.undoing[-1].commit, tip):
        return [e.UndoDropped(reason="the branch was not moved")]
    return [e.LandingUndone.model_validate(reversal.model_dump()) for reversal in state.undoing]
