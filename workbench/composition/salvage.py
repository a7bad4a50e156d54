"""Everything of past runs that can be brought back: what landed, what was undone, what was kept aside.

found = await recoverable(place, None)
back = await recover(place, "salvage/t1/3", "export-to-csv-1")
back.branch, back.commit
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.adapters.git.inventory import PINS, Inventory, Ref
from workbench.adapters.git.plumbing import Plumbing
from workbench.composition.past import settle
from workbench.composition.place import Place
from workbench.composition.remains import Remains, all_remains, going_on
from workbench.core.salvage import RECOVERED, Kept, Kind, Recoverable, attempt_at, read_commit, split_pin
from workbench.core.state import AttemptState, RunState
from workbench.errors import GitError, UsageError

SHOWN = 5
"""Files of a change that are named."""


async def recoverable(place: Place, wanted: str | None) -> list[Recoverable]:
    """What can be brought back of the run ``wanted``, or of all runs, newest first. What a run that is going
    on keeps is among it. Reads only. Raises UsageError when there is no such run."""
    git, inventory = Plumbing(place.repository), Inventory(place.repository)
    try:
        found: list[Recoverable] = []
        for remains in _meant(await all_remains(place, inventory, going_on(place)), wanted):
            if remains.state is not None:
                await settle(place, remains.state)
                there = any(ref.name == remains.state.integration for ref in remains.refs)
                found += _landings(remains.state, standing=there)
            found += await _pins(git, inventory, remains)
        return sorted(found, key=lambda it: it.at, reverse=True)
    finally:
        await git.aclose()


def _meant(found: list[Remains], wanted: str | None) -> list[Remains]:
    chosen = [it for it in found if wanted in (None, it.run)]
    if wanted is not None and not chosen:
        known = ", ".join(it.run for it in found[-5:])
        raise UsageError(f"There is no run {wanted!r} here.", f"The latest are: {known}." if known else "")
    return chosen


def _landings(state: RunState, *, standing: bool) -> list[Recoverable]:
    """Landings that stand, and those that were undone. When the integration branch is not ``standing`` any
    more, they are only on the branch that the run was for, which is the user's."""
    branch = state.integration.removeprefix("refs/heads/")
    undone_at = {it.reversal.landing: it.at for it in state.undone}
    found = []
    for it in state.landings:
        kind: Kind = "undone" if it.undone else "landing"
        command = f"workbench undo {it.task} --run {state.run}"
        if not standing:
            command = (
                f"git cherry-pick -m 1 {it.commit[:12]}" if it.undone else f"git revert -m 1 {it.commit[:12]}"
            )
        elif it.undone:
            command = f"git switch -c NAME {branch} && git cherry-pick -m 1 {it.commit[:12]}"
        found.append(
            Recoverable(
                id=it.task,
                kind=kind,
                run=state.run,
                at=undone_at.get(it.commit, it.at),
                commit=it.commit,
                about=f"landed, and was undone by {it.undone[:10]}" if it.undone else "landed",
                command=command,
                task=it.task,
                teammate=it.teammate,
                files=len(it.files),
                paths=it.files[:SHOWN],
            )
        )
    return found


async def _pins(git: Plumbing, inventory: Inventory, remains: Remains) -> list[Recoverable]:
    """What pins hold and the integration branch (or the run's target) does not."""
    prefix = f"{PINS}{remains.run}/"
    landed: frozenset[str] = frozenset()
    if (state := remains.state) is not None:
        for branch in (state.integration, f"refs/heads/{state.target}" if state.target else ""):
            if branch and (tip := await _tip(git, branch)):
                landed |= await inventory.contained(tip, prefix)
    pins = [ref for ref in remains.refs if ref.commit and ref.name.startswith(prefix)]
    return [await _pin(git, remains, ref) for ref in pins if ref.name not in landed]


async def _tip(git: Plumbing, ref: str) -> str | None:
    try:
        return await git.tip(ref)
    except GitError:
        return None  # no name that a ref could have


async def _pin(git: Plumbing, remains: Remains, ref: Ref) -> Recoverable:
    name = remains.name(ref)
    raw = await git.objects.contents(ref.commit) or b""
    told = read_commit(raw)
    parent = _first_parent(raw)
    attempt, kind = _whose(remains.state, name, told.at)
    since = parent if kind == "salvage" or attempt is None else attempt.start
    paths = await git.changed_files(since or parent, ref.commit) if since or parent else ()
    teammate = attempt.teammate if attempt else ""
    return Recoverable(
        id=name,
        kind=kind,
        run=remains.run,
        at=told.at,
        commit=ref.commit,
        about=_about(kind, told, attempt),
        command=f"workbench undo {name} --run {remains.run}",
        task=attempt.task if attempt else "",
        teammate=name.split("/")[1] if kind == "salvage" else teammate,
        files=len(paths),
        paths=paths[:SHOWN],
    )


def _whose(state: RunState | None, name: str, at: float) -> tuple[AttemptState | None, Kind]:
    """The attempt that a pin speaks of, by its name (``work/TASK/N``), and what sort of pin it is."""
    kinds: dict[str, Kind] = {"salvage": "salvage", "interrupted": "interrupted", "work": "attempt"}
    parts = name.split("/")
    kind = kinds.get(parts[0], "pin") if len(parts) == 3 else "pin"
    if state is None or kind == "pin":
        return None, kind
    if kind == "salvage":
        return attempt_at(state.attempts.values(), parts[1], at), kind
    number = int(parts[2]) if parts[2].isascii() and parts[2].isdigit() else 0
    return state.attempts.get((parts[1], number)), kind


def _about(kind: Kind, told: Kept, attempt: AttemptState | None) -> str:
    match kind:
        case "salvage" if told.why:
            return f"found in the worktree, kept {told.why}"
        case "salvage":
            return f"a commit found in the worktree: {told.subject}"
        case "interrupted":
            return "left when the attempt was interrupted"
        case "attempt":
            outcome = attempt.outcome if attempt else ""
            return f"an attempt's work ({outcome})" if outcome else "an attempt's work"
        case _:
            return told.subject


def _first_parent(raw: bytes) -> str:
    lines = raw.partition(b"\n\n")[0].decode("ascii", "replace").split("\n")
    return next((line.removeprefix("parent ") for line in lines if line.startswith("parent ")), "")


@dataclass(frozen=True)
class Recovered:
    """A branch that has what a pin held. ``made`` is false when it was there already."""

    run: str
    id: str
    branch: str
    commit: str
    parent: str
    made: bool


async def recover(place: Place, ident: str, wanted: str | None, name: str | None = None) -> Recovered:
    """Bring back what the pin ``ident`` (``salvage/t1/3``, or ``RUN:salvage/t1/3``) of the run ``wanted``
    holds, as the branch ``name`` or one below ``workbench-recovered/``. No checkout and no other
    branch is touched. Raises UsageError when there is no such pin, or the branch is another's."""
    said, pin = split_pin(ident)
    if said and wanted and said != wanted:
        raise UsageError(f"{ident} is not of run {wanted}.", "Name the run once.")
    git, inventory = Plumbing(place.repository), Inventory(place.repository)
    try:
        ref = await _find(inventory, pin, said or wanted)
        run = ref.name.removeprefix(PINS).split("/")[0]
        branch = name or f"{RECOVERED}/{run}/{ref.name.removeprefix(f'{PINS}{run}/')}"
        branch = await _branch(inventory, branch)
        branch, made = await _made(git, ref, branch, free=name is None)
        raw = await git.objects.contents(ref.commit) or b""
        return Recovered(run, ident, branch, ref.commit, _first_parent(raw), made)
    finally:
        await git.aclose()


async def _find(inventory: Inventory, pin: str, run: str | None) -> Ref:
    """The pin of that name, in the run or in the only one that has it."""
    every = [ref for ref in await inventory.refs(PINS) if ref.commit]
    found = [ref for ref in every if ref.name.removeprefix(PINS).partition("/")[2] == pin]
    runs = [ref.name.removeprefix(PINS).split("/")[0] for ref in found]
    if run is not None:
        found = [ref for ref, its in zip(found, runs, strict=True) if its == run]
    if not found:
        of = f" in run {run}" if run else ""
        raise UsageError(f"Nothing is kept as {pin!r}{of}.", "`workbench undo --list` shows what there is.")
    if len(found) > 1:
        raise UsageError(
            f"Several runs keep something as {pin}: {', '.join(runs)}.", f"Name one: `--run {runs[-1]}`."
        )
    return found[0]


async def _branch(inventory: Inventory, name: str) -> str:
    try:
        return await inventory.branch_name(name)
    except GitError as problem:
        raise UsageError(str(problem), problem.hint) from None


async def _made(git: Plumbing, ref: Ref, branch: str, *, free: bool) -> tuple[str, bool]:
    """Make the branch, unless it is there and at the same commit. One of that name that is another's is left
    alone: a further name is taken where we may choose (``free``)."""
    wanted, number = branch, 1
    while True:
        tip = await git.tip(f"refs/heads/{branch}")
        if tip == ref.commit:
            return branch, False
        try:
            if tip is None and await git.move_ref(f"refs/heads/{branch}", ref.commit, None, "workbench undo"):
                return branch, True
        except GitError as problem:
            raise UsageError(
                f"The branch {branch} cannot be made: {problem}", "Choose another name with --as BRANCH."
            ) from None
        if not free:
            raise UsageError(
                f"There is a branch {branch} already, and it is at {(tip or '')[:10]}.",
                "Choose another name with --as BRANCH.",
            )
        number += 1
        branch = f"{wanted}-{number}"
