"""The conflict ladder over the world: what can be proposed for a conflict, and what was learnt from it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import PurePosixPath

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.state import AttemptState, RunState
from workbench.engine.ports import Clash, Conflicted, Emit, Merged, Proposal
from workbench.engine.world import World

log = logging.getLogger(__name__)

MOST_FILES = 20
"""Files in conflict in one merge; beyond, a person or an agent should look at the whole."""

POINTER = "version https://git-lfs.github.com/spec/"
"""How git-lfs begins the text that stands for a large file: two of them are not merged line by line."""

COMPARED_FILES = 200
"""Files of a fix-up whose tests are compared with both sides'."""


async def proposed(world: World, emit: Emit, merged: Merged, thrown: Iterable[str]) -> Proposal | None:
    """The first rung's way to settle a conflict that was not ``thrown`` away yet; None when there is none
    left, or texts cannot settle it."""
    if not merged.files or len(merged.files) > MOST_FILES:
        return None
    clashes = [clash for file in merged.files if (clash := await _clash(world, file)) is not None]
    if len(clashes) < len(merged.files):
        return None
    try:
        found = await world.resolver.propose(clashes)
    except Exception as problem:  # the other rungs, the agent's and a person's, do not depend on this one
        log.exception("no proposal for %s", ", ".join(merged.paths))
        names = ", ".join(merged.paths[:3])
        emit(e.Noticed(sentence=f"the conflict in {names} could not be looked at by structure: {problem}"))
        return None
    gone = frozenset(thrown)
    return next((it for it in found if it.rung not in gone), None)


async def _clash(world: World, file: Conflicted) -> Clash | None:
    base = await world.git.text(file.base) if file.base else None
    ours, theirs = await world.git.text(file.ours), await world.git.text(file.theirs)
    if ours is None or theirs is None or (file.base and base is None):
        return None
    if ours.startswith(POINTER) or theirs.startswith(POINTER):
        return None
    return Clash(file.path, base, ours, theirs)


async def remember(state: RunState, world: World, candidates: Iterable[a.Candidate]) -> None:
    """Learn from what landed how its conflicts were settled, by a rung or in a teammate's worktree."""
    for candidate in candidates:
        task = state.task(candidate.task)
        attempt = state.attempt(candidate.task, candidate.attempt)
        try:
            if candidate.resolved and task.commit:
                await _learn(world, candidate.parent, task.commit, candidate.commit)
            if attempt.why == "conflict" and attempt.carry and task.commit:
                await _learn(world, attempt.start, attempt.carry, task.commit)
        except Exception:  # it has landed; what is not learnt is only asked for again
            log.exception("nothing was learnt from %s", candidate.task)


async def _learn(world: World, ours: str, theirs: str, settled: str) -> None:
    for file in (await world.git.merge(ours, theirs)).files[:MOST_FILES]:
        clash, text = await _clash(world, file), await world.git.text_at(settled, file.path)
        if clash is not None and text is not None:
            world.resolver.remember(clash, text)


async def lost_tests(state: RunState, world: World, attempt: AttemptState, commit: str) -> str:
    """A sentence when ``attempt`` at work that was delivered before, as ``commit`` has it now, lost or
    weakened a test that what had landed or the earlier work has; empty otherwise."""
    task = state.task(attempt.task)
    if task.commit is None:
        return ""
    base = state.attempt(attempt.task, task.delivered_by).start
    git = world.git
    paths = {*await git.changed_files(attempt.start, commit), *await git.changed_files(base, task.commit)}
    compared = sorted(paths)[:COMPARED_FILES]
    texts = {path: await git.text_at(commit, path) for path in compared}
    for path in compared:
        before, ours = await git.text_at(base, path), await git.text_at(attempt.start, path)
        clash = Clash(path, before, ours or "", await git.text_at(task.commit, path) or "")
        now = texts[path]
        if now is None:  # its tests may have moved
            suffix = PurePosixPath(path).suffix
            others = (text for other, text in texts.items() if text and other.endswith(suffix))
            now = "\n".join(others)
        if said := await world.resolver.weakened(clash, now):
            return said
    return ""
