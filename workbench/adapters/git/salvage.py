"""What a worktree holds, kept before something else takes its place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git.administration import Linked, demand_ours, drop, establish, set_aside
from workbench.adapters.git.listed import Marks, listed, marks
from workbench.adapters.git.locks import free_left
from workbench.adapters.git.mending import dangles, mend
from workbench.adapters.git.pins import Pins
from workbench.adapters.git.placeholders import Leftovers, sorted_out
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.process import Busy
from workbench.adapters.git.snapshots import commit_aside, shadowed
from workbench.adapters.git.status import Status, status_of
from workbench.adapters.git.submodules import filled
from workbench.core.salvage import salvage_message
from workbench.errors import GitError


@dataclass(frozen=True, slots=True)
class Salvaged:
    """``pinned`` is the ref of the last pin, if any was needed; ``litter`` says whether a reset must clean up
    untracked files too."""

    pinned: str | None
    litter: bool


class Salvage:
    """Keeps by ``pins`` what the worktrees of one run hold, which stand below ``root``. ``base`` is a commit
    that is whole, ``worth`` are globs of ignored files that are kept, too."""

    def __init__(
        self, git: Plumbing, pins: Pins, root: Path, run: str, base: str, worth: Sequence[str]
    ) -> None:
        self._git = git
        self._pins = pins
        self._root = root
        self._run = run
        self._base = base
        self._worth = tuple(worth)
        self._marks: dict[str, Marks] = {}  # the listed files in a teammate's latest snapshot

    async def save(
        self, linked: Linked, teammate: str, branch: str, why: str, start: str = "", *, standing: bool = True
    ) -> Salvaged:
        """Pin whatever is there and not pinned: files, HEAD, the ``branch`` (a full ref), autostashes.
        Afterwards all of it may be overwritten; ``why`` that is stands in the snapshot. Of a worktree that is
        not ``standing`` there is the branch alone. Without ``start``, to which it will be reset, nothing is
        litter. One that names objects which are gone is mended.

        Raises GitError where that cannot be done, or ``start`` is not whole, and Busy; then nothing may be
        overwritten yet."""
        if await self._git.tip(branch) is None and dangles(linked.common_dir, branch):
            await self._mend(linked, branch, start)
        try:
            return await self._save(linked, teammate, branch, why, start, standing)
        except Busy:
            raise
        except GitError:
            if not await self._mend(linked, branch, start):
                raise
        return await self._save(linked, teammate, branch, why, start, standing)

    async def _mend(self, linked: Linked, branch: str, start: str) -> bool:
        """Whether something had to be mended."""
        sentences = await mend(linked, self._git.refs, branch, start or self._base)
        for sentence in sentences:
            linked.notice(sentence)
        return bool(sentences)

    async def _save(
        self, linked: Linked, teammate: str, branch: str, why: str, start: str, standing: bool
    ) -> Salvaged:
        tip = await self._git.tip(branch)
        commits = [tip] if tip else []
        litter = False
        seen: Marks = frozenset()
        if standing and not linked.path.is_dir():  # its files are gone: only git's record is left
            commits += [*linked.heads("HEAD")[-1:], *_unfinished(linked)]
            demand_ours(linked, self._root)
            await asyncio.to_thread(drop, linked)
        elif standing:
            status, found, seen = await self._found(linked, teammate, branch, why)
            commits += found
            litter = bool(start) and await self._litters(status, start)
        pinned = None
        for commit in await self._pins.there(commits):
            if not self._pins.holds(commit):
                with suppress(GitError):  # what is not whole is kept as far as it is there
                    await self._pins.secure(linked, commit, start or self._base)
                pinned = await self._pins.keep(teammate, commit)
                self._pins.hold((commit,))
        self._marks[teammate] = seen
        return Salvaged(pinned, litter)

    async def _found(
        self, linked: Linked, teammate: str, branch: str, why: str
    ) -> tuple[Status, list[str], Marks]:
        """What a standing worktree holds, as commits; made git's again first where it was not. And the
        marks of the listed ignored files, which are then among it or were in the snapshot before."""
        establish(linked, f"ref: {branch}", f"workbench run {self._run}")
        await free_left(linked, branch)
        status = await _status_or_bare(linked)
        objects = self._git.objects
        left = sorted_out(status.entries, linked.path)
        root = await objects.root_entries(status.head) if status.head else {}
        hidden = await shadowed(linked, root)
        heads = await self._pins.there([*([status.head] if status.head else []), *linked.heads("MERGE_HEAD")])
        found = [*heads, *_unfinished(linked)]
        worth = await listed(linked, self._worth)
        seen = marks(linked, worth)
        if left.work or left.removed or hidden or (worth and seen != self._marks.get(teammate)):
            work = Leftovers(tuple(dict.fromkeys((*left.work, *hidden, *worth))))
            message = salvage_message(self._run, teammate, why, time.time())
            found.append(await commit_aside(linked, objects, heads, work, message))
        for nested in left.nested:
            aside = set_aside(linked.path / nested.rstrip("/"), self._root / "kept")
            linked.notice(f"A repository inside {linked.path} was moved to {aside}.")
        for folder in await filled(linked, root):
            aside = set_aside(linked.path / folder, self._root / "kept")
            (linked.path / folder).mkdir()  # as git has it where none is checked out
            linked.notice(f"What lay in the submodule {folder} of {linked.path} was moved to {aside}.")
        return status, found, seen

    async def _litters(self, status: Status, start: str) -> bool:
        """Whether going to ``start`` may leave untracked files: some are there, or what was ignored
        here is not ignored there. Saves most resets a process."""
        paths = [entry.path for entry in status.entries]
        if status.head is None or any(entry.kind == "?" for entry in status.entries):
            return True
        paths += await self._git.changed_files(status.head, start)
        return any(path.rsplit("/", 1)[-1] == ".gitignore" for path in paths)


async def _status_or_bare(linked: Linked) -> Status:
    """The status; where the index cannot be read, that of all files as if none were tracked."""
    try:
        return await status_of(linked.place)
    except Busy:
        raise
    except GitError:
        index = linked.admin / "index"
        if not index.exists():
            raise
        index.replace(linked.admin / "index.damaged")
        return await status_of(linked.place)


def _unfinished(linked: Linked) -> tuple[str, ...]:
    """Commits that only an operation in progress holds: merged-in ones and autostashes."""
    names = ("MERGE_HEAD", "MERGE_AUTOSTASH", "rebase-merge/autostash", "rebase-apply/autostash")
    return tuple(commit for name in names for commit in linked.heads(name))
