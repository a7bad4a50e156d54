"""Whether a run's log is whole, and git agrees with what it says was published."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.store.damage import DamagedRun
from workbench.composition.past import choose
from workbench.composition.place import Place
from workbench.core.audit import Audit, Moved
from workbench.errors import GitError


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold, at the event ``seq`` (0 where it is none of them)."""

    seq: int
    sentence: str


@dataclass(frozen=True)
class Audited:
    """The audit of ``run``: as far as its log is good, and ``damaged`` where it is not. ``records`` and
    ``head`` are those of the whole log, 0 and "" where it was not verified."""

    run: str
    audit: Audit
    damaged: DamagedRun | None = None
    records: int = 0
    head: str = ""


def read(place: Place, wanted: str | None = None, *, verify: bool = False) -> Audited:
    """The audit of a run, the latest if none is named; with ``verify`` its chain is followed to the end."""
    with place.reading() as store:
        run = choose(store.runs(), wanted)
        found, damaged = Audit(), None
        records, head = 0, ""
        try:
            for record in store.history(run):
                found.take(record)
            if verify:
                whole = store.verify(run)
                records, head = whole.records, whole.head
        except DamagedRun as broken:
            damaged = broken
        return Audited(run, found.end(), damaged, records, head)


async def faults(place: Place, audited: Audited) -> list[Fault]:
    """All that does not hold, in the order of the events: the log itself, gates that had not said yes to
    what was published, and what git does not have as the log says."""
    found = []
    if audited.damaged is not None:
        found.append(Fault(audited.damaged.damage.seq, str(audited.damaged)))
    for published in audited.audit.publications:
        if published.missing:
            gates = ", ".join(f"`{gate}`" for gate in published.missing)
            what = f"{published.commit[:10]} ({', '.join(published.tasks)}) was published"
            found.append(Fault(published.seq, f"{what}, and {gates} had not been green on its tree"))
    found += [fault async for fault in _git(place, audited.audit)]
    return sorted(found, key=lambda fault: fault.seq)


async def _git(place: Place, audit: Audit) -> AsyncIterator[Fault]:
    if not audit.moved:
        return
    git = Plumbing(place.repository)
    try:
        on_branch = await _there(git, audit)
        for moved in audit.moved:
            if (problem := await _problem(git, moved, on_branch)) is not None:
                yield Fault(
                    moved.seq, f"{moved.commit[:10]}, by which {moved.task} was landed or undone, {problem}"
                )
    finally:
        await git.aclose()


async def _there(git: Plumbing, audit: Audit) -> frozenset[str]:
    """What was put on the integration branch since the base; where that is gone, on the target."""
    for ref in (audit.integration, f"refs/heads/{audit.target}"):
        try:
            if ref != "refs/heads/" and (tip := await git.tip(ref)) is not None:
                return await git.reachable(tip, audit.base)
        except GitError:  # no name that a branch could have, or the base is gone
            continue
    return frozenset()


async def _problem(git: Plumbing, moved: Moved, on_branch: frozenset[str]) -> str | None:
    try:
        tree = await git.tree_of(moved.commit)
        parent = await git.objects.info(f"{moved.commit}^1")
    except GitError:
        return "is not in this repository"
    if tree != moved.tree:
        return f"has the tree {tree[:10]}, and the log says {moved.tree[:10]}"
    if parent is None or parent[0] != moved.parent:
        return f"does not follow {moved.parent[:10]}"
    if moved.commit not in on_branch:
        return "is not on the integration branch (nor on the target)"
    return None
