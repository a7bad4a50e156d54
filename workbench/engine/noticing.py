"""Reading what landed for those who are at work: which names are other than they knew, which files theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.languages import is_test, language_of
from workbench.core.models import PublicChange
from workbench.core.notices import own_among, without
from workbench.core.state import AttemptState, RunState
from workbench.engine.ports import Emit, Versions
from workbench.engine.world import World

NAMES = 12
"""Changed names that a notice lists."""

SOURCES = 100
"""Source files of one publication that are read for names."""

SOURCE_CHARACTERS = 400_000
"""Above this a file is generated, and nobody's interface."""

ORDER = {"changed": 0, "removed": 1, "added": 2}
"""What breaks others comes first."""


Changed = Callable[[AttemptState], Awaitable[frozenset[str]]]
"""Tells which files an attempt has changed so far."""


async def read_landing(
    state: RunState, world: World, emit: Emit, action: a.ReadLanding, changed: Changed
) -> None:
    """See ReadLanding. Says nothing when nobody is left at work who could use it."""
    changes = await _changes(world, action)
    touched: dict[str, tuple[str, ...]] = {}
    for attempt in list(without(state, action.new)):
        globs = state.task(attempt.task).spec.files
        if own := own_among(action.files, globs, await changed(attempt)):
            touched[attempt.task] = own
    if next(without(state, action.new), None) is None:
        return
    changes.sort(key=lambda change: ORDER[change.how])
    emit(
        e.LandingRead(
            tasks=action.tasks,
            commit=action.new,
            changes=tuple(changes[:NAMES]),
            more=max(0, len(changes) - NAMES),
            touched=touched,
        )
    )


async def _changes(world: World, action: a.ReadLanding) -> list[PublicChange]:
    """How public names differ between the two tips."""
    sources = [path for path in action.files if language_of(path) is not None and not is_test(path)]
    versions: list[Versions] = []
    for path in sources[:SOURCES]:
        old = await world.git.text_at(action.old, path)
        new = await world.git.text_at(action.new, path)
        if max(len(old or ""), len(new or "")) <= SOURCE_CHARACTERS:
            versions.append(Versions(path, old, new))
    return await world.names.changes(versions) if versions else []
