"""What in collected work needs a person's word: read before it is judged, and in the log with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.core.escapes import escapes
from workbench.core.guarded import guarded, scripts
from workbench.core.lockfiles import is_lock_file, new_hosts
from workbench.core.packagejson import redefines
from workbench.core.state import PERSON as BY_HAND
from workbench.core.state import AttemptState, RunState
from workbench.core.touches import MERGED, Touch
from workbench.engine.ports import Collected
from workbench.engine.world import World

PATCH_LIMIT = 6_000
"""Characters of the diff that the person is shown with the question."""

UNSEARCHED = "it is too much to be searched for secrets in time"

UNREADABLE = "it is a lock file that cannot be read as text: nobody can tell where it takes packages from"


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found; see WorkCollected."""

    touches: tuple[Touch, ...] = ()
    patch: str = ""


async def examined(state: RunState, world: World, attempt: AttemptState, work: Collected) -> Examined:
    """What ``work`` would bring in that somebody must see first. Raises GitError: what cannot be examined
    must not be delivered."""
    if not work.changed:
        return Examined()
    start, commit = attempt.start, work.commit
    found: list[Touch] = []
    if state.settings.on_guarded == "hold":
        found += await _guarded(state, world, attempt, commit)
    if state.settings.secrets == "hold":
        found += await _secrets(world, (start, state.tip), commit)
    if not found:
        return Examined()
    shown = [it.path for it in found if not it.secret]
    patch = await world.examiner.patch(start, commit, shown, PATCH_LIMIT) if shown else ""
    return Examined(tuple(found), patch)


async def _guarded(state: RunState, world: World, attempt: AttemptState, commit: str) -> list[Touch]:
    changed = await world.git.changed_files(attempt.start, commit)
    gates = state.gates_of(attempt.task)
    paths = guarded(changed, gates, state.settings.guarded)
    held = await _by_content(world, attempt.start, commit, changed, gates)
    paths |= {path: why for path, why in held.items() if path not in paths}
    if not paths:
        return []
    now = await world.examiner.entries(commit, list(paths))
    landed = await world.examiner.entries(state.tip, list(paths)) if state.tip != attempt.start else {}
    # What is just as on the branch by now was merged from there, and brings nothing in.
    new = [path for path in paths if path not in landed or now.get(path) != landed[path]]
    return [Touch(path=path, why=paths[path], blob=now.get(path, "")) for path in new]


async def merged(
    state: RunState, world: World, task: str, old: str, new: str, changed: Iterable[str]
) -> tuple[Touch, ...]:
    """What a merge of the work on ``task`` would bring in that is held for its contents, not for its name: a
    file was renamed meanwhile, and is a lock file now, or has the scripts that a gate runs, or is a link that
    led nowhere else from where it was. ``changed`` are the paths that differ between ``old`` and ``new``."""
    attempt = state.attempt(task, state.task(task).delivered_by)
    if state.settings.on_guarded != "hold" or attempt.teammate == BY_HAND or old == attempt.start:
        return ()
    held = await _by_content(world, old, new, changed, state.gates_of(task))
    return tuple(Touch(path=path, why=why, blob=MERGED) for path, why in held.items())


async def _by_content(
    world: World, old: str, new: str, changed: Iterable[str], gates: Iterable[str]
) -> dict[str, str]:
    """Those of the paths that are ``changed`` between two commits that need a person for what they hold."""
    paths: dict[str, str] = {}
    run = scripts(gates)
    links = await world.git.links(old, new)
    for path, target in links.items():
        if escapes(path, target):
            paths[path] = "it is a link that leads out of the repository" if target else "it is no file"
    for path in changed:
        if why := run.why(path):
            texts = await world.git.text_at(old, path), await world.git.text_at(new, path)
            if path in links or redefines(*texts):
                paths[path] = why
        if not is_lock_file(path):
            continue
        after = await world.git.text_at(new, path)
        if path in links or (after is None and await world.examiner.entries(new, [path])):
            paths.setdefault(path, UNREADABLE)
        elif hosts := new_hosts(path, await world.git.text_at(old, path) or "", after or ""):
            paths[path] = f"it takes packages from {', '.join(hosts)}"
    return paths


async def _secrets(world: World, known: tuple[str, str], commit: str) -> list[Touch]:
    try:
        leaks = await world.examiner.leaks(known, commit)
    except TimeoutError:
        return [Touch(path="(all that it adds)", why=UNSEARCHED, blob=commit)]
    if not leaks:
        return []
    entries = await world.examiner.entries(commit, sorted({leak.path for leak in leaks}))
    return [
        Touch(
            path=leak.path,
            why="it looks like a secret",
            # What is not in the file any more is in the history of just this commit.
            blob=entries.get(leak.path, commit) if leak.line else commit,
            line=leak.line,
            secret=leak.kind,
        )
        for leak in leaks
    ]
