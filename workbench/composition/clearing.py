"""The folders of a run that is not going on are freed: worktrees, gates' worktrees, trash, bulky files.

What a worktree holds is pinned before its files go. What is not ours, or cannot be kept so, stays.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import shlex
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from workbench.adapters.disk import Scale, Size
from workbench.adapters.git.administration import Linked, drop, empty, linked_at
from workbench.adapters.git.furnishing import Furnishing
from workbench.adapters.git.inventory import PINS, Inventory, Ref
from workbench.adapters.git.listed import listed
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.snapshots import shadowed
from workbench.adapters.git.status import status_of
from workbench.adapters.git.worktrees import TRASH, Worktrees
from workbench.composition.place import Place
from workbench.composition.remains import Remains
from workbench.core.cleaning import Standing
from workbench.errors import UsageError, WorkbenchError

BULKY = 1_000_000
"""Bytes from which a log file is packed."""

OURS = frozenset({"team", "gates", TRASH, "kept"})
"""What a run makes in the folder of its worktrees."""


@dataclass(frozen=True)
class Thing:
    """Something that was freed or kept (or would be), and why. ``commands`` are what a person can do about
    what was kept; ``failed`` says that it was to go and could not."""

    run: str
    kind: str
    what: str
    why: str = ""
    size: Size | None = None
    commands: tuple[str, ...] = ()
    failed: bool = False


@dataclass
class Tally:
    """What became of things so far. With ``dry_run`` nothing is done, only said."""

    dry_run: bool
    scale: Scale
    freed: list[Thing] = field(default_factory=list)
    kept: list[Thing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    async def weigh(self, *paths: Path) -> Size:
        return await asyncio.to_thread(self.scale.weigh, *paths)

    def keep(self, thing: Thing) -> None:
        self.kept.append(thing)

    async def free(self, thing: Thing, remove: Callable[[], Awaitable[None]]) -> None:
        """Remove a thing, unless this is a dry run; what fails is kept with the reason."""
        try:
            if not self.dry_run:
                await remove()
        except (WorkbenchError, OSError) as problem:
            hint = problem.hint if isinstance(problem, WorkbenchError) else ""
            words = f"{problem} {hint}".strip()
            self.kept.append(replace(thing, why=words, failed=True))
        else:
            self.freed.append(thing)


class Clearing:
    """Frees the folders of one run. ``trusted`` is said by a person who wants it though no log knows the
    run: everything is pinned first all the same."""

    def __init__(
        self,
        place: Place,
        git: Plumbing,
        inventory: Inventory,
        remains: Remains,
        tally: Tally,
        *,
        trusted: bool,
    ) -> None:
        self._place = place
        self._git = git
        self._inventory = inventory
        self._remains = remains
        self._tally = tally
        self._trusted = trusted or remains.known

    async def worktrees(self) -> None:
        """Free the folders with the run's worktrees."""
        for root in self._remains.roots:
            if root.is_symlink() or any((root / name).is_symlink() for name in OURS):
                self._keep("folder", root, "it is a link, or holds one where a folder of ours belongs")
                continue
            try:
                await self._root(root)
            except UsageError as problem:  # no run could have that name
                self._keep("folder", root, str(problem))

    async def _root(self, root: Path) -> None:
        furnishing = Furnishing(self._place.root, notice=self._tally.notes.append)
        worktrees = Worktrees(
            self._place.repository,
            self._git,
            root,
            self._remains.run,
            furnishing,
            salvage=self._place.settings.salvage,
        )
        # Not what branches hold: they may go, so what only they have is to be pinned.
        worktrees.hold(ref.commit for ref in self._remains.refs if ref.commit and self._stays(ref))
        trash = await self._thing("trash", root / TRASH) if (root / TRASH).is_dir() else None
        records = {it.path: it for it in self._inventory.worktrees(root)}
        await self._rewritten(root, worktrees)
        for path in _children(root / "team", records):
            await self._worktree(worktrees, path)
        for path in _children(root / "gates", records):
            await self._gate(path)
        await self._emptied(root, worktrees, trash)
        await self._others(root)

    def _stays(self, ref: Ref) -> bool:
        state = self._remains.state
        return ref.name.startswith(PINS) or (state is not None and ref.name == state.integration)

    async def _worktree(self, worktrees: Worktrees, path: Path) -> None:
        linked = linked_at(path, self._place.repository.common_dir)
        state = self._remains.state
        if state is not None and path.name not in state.teammates:
            self._keep("worktree", path, "no teammate of the run has that name, so the run did not make it")
        elif not path.is_symlink() and path.exists() and not path.is_dir():
            self._keep("worktree", path, "it is a file, and no worktree of ours")
        elif (linked.admin / "modules").exists():
            self._keep("worktree", path, "it has submodules with a history of their own, which no pin keeps")
        elif not self._trusted and not await self._is_empty(linked):
            step = f"workbench clean {self._remains.run} --without-log"
            why = f"the run is {self._remains.standing}, and it may hold work that did not land"
            self._keep("worktree", path, why, step)
        else:
            thing = await self._thing("worktree", path)
            await self._tally.free(thing, lambda: worktrees.remove(path.name))

    async def _rewritten(self, root: Path, worktrees: Worktrees) -> None:
        """Pin what teammates committed and then amended or reset away."""
        state = self._remains.state
        if state is None or self._tally.dry_run:
            return
        held = {ref.commit for ref in await self._inventory.refs() if ref.commit}
        for name in state.teammates:
            linked = linked_at(root / "team" / name, self._place.repository.common_dir)
            branch = f"refs/heads/{worktrees.branch(name)}"
            for commit in await self._inventory.dropped(linked, branch, held):
                await worktrees.keep(name, commit)

    async def _is_empty(self, linked: Linked) -> bool:
        """Whether a worktree provably holds nothing that some ref does not have."""
        if linked.problem() or linked.operation() or linked.heads("MERGE_HEAD"):
            return False
        try:
            status = await status_of(linked.place)
            if status.head is None or status.entries:
                return False
            if await listed(linked, self._place.settings.salvage):
                return False
            if await shadowed(linked, await self._git.objects.root_entries(status.head)):
                return False
            return await self._inventory.contains(status.head)
        except WorkbenchError:
            return False

    async def _gate(self, path: Path) -> None:
        if not re.fullmatch(r"gate-\d+", path.name):
            self._keep("gate", path, "no run makes a folder of that name")
            return
        linked = linked_at(path, self._place.repository.common_dir)

        async def remove() -> None:
            if path.is_symlink():
                path.unlink()
            await asyncio.to_thread(drop, linked)

        await self._tally.free(await self._thing("gate", path), remove)

    async def _emptied(self, root: Path, worktrees: Worktrees, trash: Thing | None) -> None:
        """Delete for good what was moved into the trash, just now or by a run that was killed: what was
        worth keeping in it was pinned before. Folders that are empty now go, too."""
        if trash is not None:
            await self._tally.free(trash, lambda: asyncio.to_thread(empty, root / TRASH))
        if not self._tally.dry_run:
            with suppress(OSError):
                (root / "gates").rmdir()
            try:
                await worktrees.aclose()
            except WorkbenchError as problem:
                self._tally.keep(self._plain("trash", root / TRASH, f"{problem} {problem.hint}", failed=True))

    async def _others(self, root: Path) -> None:
        for path in _children(root, {}):
            if path.name == "kept":
                why = "it lay in a repository or a submodule inside a worktree, which no pin keeps"
                self._keep("aside", path, why, f"ls {shlex.quote(str(path))}")
            elif path.name not in OURS:
                self._keep("folder", path, "no run makes a folder of that name")

    async def files(self) -> None:
        """Free what a run keeps beside its log: what gates printed goes, sessions of a rehearsal and start
        scripts go when it is over, a bulky text log is packed."""
        folder, printed = self._place.run_dir(self._remains.run), self._place.gate_logs(self._remains.run)
        if folder.is_symlink() or not folder.is_dir() or not self._remains.known:
            return
        for path in sorted(folder.iterdir()):
            if path.is_symlink():
                continue
            over = self._remains.standing in (Standing.OVER, Standing.INCOMPLETE)
            ended = path.name.startswith("workbench-claude-") or path == printed
            if ended or (over and path.name == "claude"):
                thing = await self._thing("files", path)
                await self._tally.free(thing, partial(asyncio.to_thread, shutil.rmtree, path))
            elif path.name == "log.txt" and path.stat().st_size > BULKY:
                thing = replace(await self._thing("files", path), why=f"packed into {path.name}.gz")
                await self._tally.free(thing, partial(asyncio.to_thread, _pack, path))

    def _keep(self, kind: str, path: Path, why: str, *commands: str) -> None:
        look = (f"git -C {shlex.quote(str(path))} status",) if kind == "worktree" else ()
        self._tally.keep(replace(self._plain(kind, path, why), commands=(*look, *commands)))

    def _plain(self, kind: str, path: Path, why: str, *, failed: bool = False) -> Thing:
        size = self._tally.scale.weigh(path)
        return Thing(self._remains.run, kind, str(path), why, size, failed=failed)

    async def _thing(self, kind: str, path: Path) -> Thing:
        return Thing(self._remains.run, kind, str(path), size=await self._tally.weigh(path))


def _children(folder: Path, records: dict[Path, Linked]) -> list[Path]:
    """What is in ``folder``, and what git has a record of as being there."""
    there = set(folder.iterdir()) if folder.is_dir() else set()
    return sorted(there | {path for path in records if path.parent == folder})


def _pack(path: Path) -> None:
    """Pack a text log, behind what was packed before. The file goes when the packed one is whole."""
    target, draft = path.with_name(f"{path.name}.gz"), path.with_name(f"{path.name}.gz.new")
    if target.exists():
        shutil.copyfile(target, draft)
    else:
        draft.unlink(missing_ok=True)
    with path.open("rb") as source, gzip.open(draft, "ab") as packed:
        shutil.copyfileobj(source, packed)
    draft.chmod(0o600)
    draft.replace(target)
    path.unlink()
