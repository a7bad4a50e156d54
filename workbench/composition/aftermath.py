"""One run after another is cleaned after: its processes, its worktrees, its refs, its files, in this order,
so that whatever was pinned on the way is judged like all that was pinned before."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from workbench.adapters.git.inventory import BRANCHES, PINS, Inventory, Ref
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.target import checkouts_of
from workbench.adapters.git.worktrees import Worktrees
from workbench.composition.clearing import Clearing, Tally, Thing
from workbench.composition.place import Place
from workbench.composition.remains import Remains
from workbench.composition.runs import account_for
from workbench.core.cleaning import Held, Judged, Standing, integration_stays, judged
from workbench.core.state import RunState
from workbench.errors import GitError, UsageError, WorkbenchError

TRIES = 3
"""How often refs are judged anew because one of them moved meanwhile."""


PATIENCE_SECONDS = 3.0
"""Less than git's commands are tried again for while a lock is there."""


class Aftermath:
    """Cleans after runs that are not going on; see ``composition.cleaning.clean``. ``into`` is the branch
    that stands for a run's target, if that is another."""

    def __init__(
        self, place: Place, git: Plumbing, inventory: Inventory, tally: Tally, into: str | None
    ) -> None:
        self._place = place
        self._git = git
        self._inventory = inventory
        self._tally = tally
        self._into = into.removeprefix("refs/heads/") if into else None

    async def clean(self, remains: Remains, *, without_log: bool) -> None:
        """Free what may go of one run, and say what stays and why."""
        if self._into is not None and await self._tip(self._into) is None:
            raise UsageError(f"There is no branch {self._into} here.", "Name the branch it was brought to.")
        state = remains.state
        if state is not None or without_log:
            await self._processes(remains)
        if state is not None:
            if not await self._accounted(state):
                return
            pinned = await self._inventory.refs(f"{PINS}{remains.run}/", state.integration)
            remains = replace(remains, refs=tuple(pinned))
            await self._lent(remains)
        clearing = Clearing(
            self._place, self._git, self._inventory, remains, self._tally, trusted=without_log
        )
        await clearing.worktrees()
        if state is None:
            self._strange(remains)
            return
        await self._refs(remains, state)
        await clearing.files()
        await self._resolving(state)

    async def _lent(self, remains: Remains) -> None:
        """Worktrees of the user's that a run which was killed still has are given back."""
        worktrees = Worktrees(self._place.repository, self._git, remains.roots[0], remains.run)
        for name in worktrees.lent():
            thing = Thing(remains.run, "loan", str(worktrees.path(name)), f"yours, and lent to {name}")
            await self._tally.free(thing, partial(worktrees.remove, name))

    async def _processes(self, remains: Remains) -> None:
        from workbench.adapters.processes import carrying, reap_orphans

        state_dir = self._place.state_dir
        if self._tally.dry_run:
            marks = (("WORKBENCH_RUN", remains.run), ("WORKBENCH_STATE", str(state_dir)))
            found = [process.pid for process in await asyncio.to_thread(carrying, *marks)]
        else:
            found = await asyncio.to_thread(reap_orphans, remains.run, state_dir)
        for pid in found:
            self._tally.freed.append(Thing(remains.run, "process", str(pid), "left by a run that was killed"))

    async def _accounted(self, state: RunState) -> bool:
        """Write down what a killed run had in flight, as a resume does, so that it can still be resumed
        from there when its worktrees are gone. False when that cannot be done: then they stay."""
        if not (state.working or state.landing or state.undoing):
            return True
        if self._tally.dry_run:
            self._tally.notes.append(
                f"{state.run} was cut short: what it had in flight is put in order first"
            )
            return True
        try:
            with self._place.store() as store:
                await account_for(self._place, store, state)
        except WorkbenchError as problem:
            why = f"{state.run} was cut short, and what it had in flight cannot be put in order: {problem}"
            step = f"workbench resume {state.run}"
            self._tally.keep(Thing(state.run, "run", state.run, why, commands=(step,), failed=True))
            return False
        return True

    # -- refs -----------------------------------------------------------------------------------------

    async def _refs(self, remains: Remains, state: RunState) -> None:
        """Delete the refs that may go; again from the start when one moved meanwhile."""
        problem: GitError | None = None
        for _ in range(TRIES):
            target = self._into or state.target
            tips = {name: tip for name in (f"refs/heads/{target}", state.integration)
                    if (tip := await self._tip(name.removeprefix("refs/heads/")))}  # fmt: skip
            found = await self._judged(remains, state, target, tips)
            going = [Ref(it.ref.name, it.ref.commit, it.ref.commit) for it in found if it.goes]
            gone = {ref.name for ref in going}
            try:
                if not self._tally.dry_run:
                    standing = {name: tip for name, tip in tips.items() if name not in gone}
                    await self._inventory.delete(going, standing)
            except GitError as refused:
                problem = refused
                # After all the patience with locks, one that is still there was left by a killed git.
                ours = [f"{PINS}{remains.run}/", f"{BRANCHES}{remains.run}/"]
                for lock in await self._inventory.free_locks(ours, PATIENCE_SECONDS):
                    self._tally.freed.append(Thing(remains.run, "lock", str(lock), "left by a killed git"))
                continue
            self._tell(remains, found, target)
            return
        assert problem is not None, "the last try failed"
        self._tally.keep(Thing(remains.run, "refs", f"{PINS}{remains.run}", str(problem), failed=True))

    async def _judged(
        self, remains: Remains, state: RunState, target: str, tips: dict[str, str]
    ) -> tuple[Judged, ...]:
        run, standing = remains.run, remains.standing
        pins, branches = f"{PINS}{run}/", f"{BRANCHES}{run}/"
        ours = {state.integration, *(f"{branches}{name}" for name in state.teammates)}
        refs = [ref for ref in await self._inventory.refs(pins, branches)
                if ref.name.startswith(pins) or ref.name in ours]  # fmt: skip
        within: dict[str, frozenset[str]] = {}
        for name, tip in tips.items():
            within[name] = await self._inventory.contained(tip, pins, branches)
        held = [
            Held(
                ref.name,
                ref.commit,
                _kind(ref, state),
                in_target=ref.name in within.get(f"refs/heads/{target}", ()),
                in_integration=ref.name in within.get(state.integration, ()),
                shown=await self._shown(ref, remains.roots),
            )
            for ref in refs
        ]  # fmt: skip
        stay = [it.ref.commit for it in judged(held, standing, target)
                if it.ref.kind == "pin" and not it.goes and it.ref.commit]  # fmt: skip
        if integration_stays(held, standing):
            stay += [it.commit for it in held if it.kind == "integration"]
        tips_of = [it.commit for it in held if it.kind == "branch" and it.commit]
        alone = await self._inventory.beyond(tips_of, stay)
        held = [replace(it, in_pins=it.kind == "branch" and it.commit not in alone) for it in held]
        return judged(held, standing, target)

    async def _shown(self, ref: Ref, roots: Sequence[Path]) -> str:
        """A checkout that shows a branch. In a dry run those of ours still do, and would not."""
        if not ref.name.startswith(BRANCHES):
            return ""
        found = await checkouts_of(self._place.repository, ref.name.removeprefix("refs/heads/"))
        ours = {it.admin for root in roots for it in self._inventory.worktrees(root)}
        others = [it for it in found if not self._tally.dry_run or it.git_dir not in ours]
        return str(others[0].root or others[0].git_dir) if others else ""

    def _tell(self, remains: Remains, found: tuple[Judged, ...], target: str) -> None:
        for it in found:
            kind = "pin" if it.ref.kind == "pin" else "branch"
            name = remains.name(Ref(it.ref.name, it.ref.commit, it.ref.commit))
            if it.goes:
                self._tally.freed.append(Thing(remains.run, kind, name, it.why))
                continue
            commands = _commands(it.ref, remains, name, target)
            self._tally.keep(Thing(remains.run, kind, name, it.why, commands=commands))

    def _strange(self, remains: Remains) -> None:
        """Refs of a run that no log knows: nobody can tell any more what landed, so all stay."""
        if remains.refs:
            why = f"{len(remains.refs)} pins: the run is {remains.standing}, so nobody can tell what landed"
            look = f"workbench undo --list --run {remains.run}"
            self._tally.keep(Thing(remains.run, "pin", f"{PINS}{remains.run}", why, commands=(look,)))

    async def _resolving(self, state: RunState) -> None:
        """Branches made by the commands of ``workbench resolve`` are the user's: they are only spoken of."""
        for ref in await self._inventory.refs("refs/heads/resolve-*"):
            branch = ref.name.removeprefix("refs/heads/")
            task = branch.removeprefix("resolve-")
            if task not in state.tasks or not ref.commit:
                continue
            folders = [it.root for it in await checkouts_of(self._place.repository, branch) if it.root]
            tip = await self._tip(state.integration.removeprefix("refs/heads/")) or state.published
            if await self._git.is_ancestor(ref.commit, tip):
                removal = [f"git worktree remove {shlex.quote(str(folder))}" for folder in folders]
                why, commands = (
                    "yours, for `workbench resolve`; it landed",
                    [*removal, f"git branch -D {branch}"],
                )
            else:
                why = "yours, for `workbench resolve`; it has not landed"
                commands = [f"workbench resolve {task} {branch} --run {state.run}"]
            self._tally.keep(Thing(state.run, "branch", branch, why, commands=tuple(commands)))

    async def _tip(self, branch: str) -> str | None:
        try:
            return await self._git.tip(f"refs/heads/{branch}") if branch else None
        except GitError:
            return None  # no name that a branch could have


def _kind(ref: Ref, state: RunState) -> str:
    if ref.name.startswith(PINS):
        return "pin"
    return "integration" if ref.name == state.integration else "branch"


def _commands(ref: Held, remains: Remains, name: str, target: str) -> tuple[str, ...]:
    """How to look at what stays, and how to bring it in."""
    if ref.kind == "integration":
        base = target or (remains.state.base[:12] if remains.state else "HEAD")
        look = f"git log --oneline {shlex.quote(base)}..{name}"
        if remains.state and remains.state.settings.scripted:  # nobody wants what a script wrote
            return (look, f"git branch -D {name}")
        if remains.standing is Standing.RESUMABLE:
            return (look,)
        onto = "" if remains.state is None or remains.state.target else " --into BRANCH"  # HEAD was detached
        return (look, f"workbench land {remains.run}{onto}")
    if ref.kind == "branch":
        return (f"git log --oneline {name} --not {remains.state.integration}" if remains.state else "",)
    return (f"git show --stat {ref.name}", f"workbench undo {name} --run {remains.run}")
