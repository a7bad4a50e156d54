"""The teammates' worktrees, outside the repository, reused from task to task.

Making one costs one git process (the checkout), reusing one two (status, checkout), collecting from
a clean one one (status). Nothing a worktree held becomes unreachable: what is uncommitted or pinned
by no ref of ours is pinned under ``refs/workbench/<run>/salvage/<teammate>/<n>`` first, with those ignored
files that the settings list.

Not handled: work inside submodules that are checked out (their entries are left alone); what lies in the
folder of one that is not is moved aside. Files hidden from git by ``assume-unchanged`` are left alone, too,
until a worktree is removed: then what is in them is kept.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from workbench.adapters.git.administration import (
    Linked,
    demand_ours,
    dismiss,
    empty,
    establish,
    linked_at,
)
from workbench.adapters.git.carrying import merge_in
from workbench.adapters.git.conflicts import forget, unresolved
from workbench.adapters.git.disarming import disarm
from workbench.adapters.git.excludes import exclude
from workbench.adapters.git.furnishing import Furnishing
from workbench.adapters.git.lending import give_back, lend, loan_of, loans, users_own
from workbench.adapters.git.locks import free_abandoned, free_left
from workbench.adapters.git.mending import straighten
from workbench.adapters.git.packs import Packs
from workbench.adapters.git.pins import Pins
from workbench.adapters.git.placeholders import FOLDER, Leftovers, committed, sorted_out
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.process import Busy, run
from workbench.adapters.git.repository import Repository
from workbench.adapters.git.salvage import Salvage
from workbench.adapters.git.snapshots import commit_aside, commit_on_head, shadowed
from workbench.adapters.git.sparse import use_cone
from workbench.adapters.git.status import Status, status_of
from workbench.adapters.git.submodules import filled
from workbench.core.salvage import REMOVED, RESET
from workbench.crashpoints import crashpoint, killpoint
from workbench.engine.ports import Collected, Prepared
from workbench.errors import GitError, UsageError

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")

AT_ONCE = max(2, min(4, os.cpu_count() or 1))
"""Checkouts that run at the same time: more only queue for the disk."""

TRASH = "trash"
"""Folder of the root that holds removed worktrees until their files are deleted, all at once."""


class Worktrees:
    """Fulfils the ``Worktrees`` port for one run; worktrees stand in ``root/team/<teammate>``.

    ``furnishing`` says what a new worktree gets; with ``sparse`` the globs a task declares become a
    cone of folders to check out. ``salvage`` are globs of ignored files that snapshots keep, too: those
    made before a worktree is overwritten, never those that are delivered. ``first`` is waited for before a
    worktree is handed out; it raises nothing. With ``secure``, what is taken in is packed: worth it where
    packs are out of teammates' reach.
    """

    def __init__(
        self,
        repository: Repository,
        git: Plumbing,
        root: Path,
        run: str,
        furnishing: Furnishing | None = None,
        *,
        sparse: bool = False,
        salvage: Sequence[str] = (),
        first: Awaitable[object] | None = None,
        secure: bool = True,
    ) -> None:
        self._common = repository.common_dir
        self._git = git
        self._root = root
        self._run = _plain(run)
        self._furnishing = furnishing or Furnishing(repository.root)
        self._sparse = sparse
        self._pins = Pins(git, self._run, Packs(self._common) if secure else None)
        self._salvage = Salvage(git, self._pins, root, self._run, repository.head, salvage)
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._excluded = False
        self._first = first
        self._lent = loans(self._common, self._run)  # the user's own worktrees, by teammate

    def lent(self) -> tuple[str, ...]:
        """The teammates whose worktrees are the user's own."""
        return tuple(self._lent)

    def path(self, teammate: str) -> Path:
        """Where a teammate's worktree stands, or would."""
        return self._linked(teammate).path

    def branch(self, teammate: str) -> str:
        """The short name of a teammate's branch."""
        return f"workbench/{self._run}/{_plain(teammate)}"

    async def prepare(
        self, teammate: str, start: str, *, carry: str | None, keep: bool, sparse: Sequence[str]
    ) -> Prepared:
        """See the port."""
        branch = self.branch(teammate)
        ref = self._ref(teammate)
        if self._first is not None:
            await asyncio.shield(self._first)
        async with self._locks[teammate]:
            linked = self._linked(teammate)
            lent = teammate in self._lent
            if lent:
                linked.check()
            else:
                self._unlink(linked)
            self._disarm(linked, teammate)
            if not self._excluded:
                exclude(self._common)
                self._excluded = True
            standing = linked.path.is_dir() or (linked.admin / "HEAD").is_file()
            if keep and standing and not linked.problem() and _ready(linked, branch, lent):
                _make_folder(linked.path)
                return Prepared(linked.path, branch, False, unresolved(linked, ()))
            await straighten(linked, self._git.refs, ref)
            kept = await self._salvage.save(linked, teammate, ref, RESET, start, standing=standing)
            killpoint("worktree.salvaged")
            created = establish(linked, f"ref: {ref}", f"workbench run {self._run}")
            await self._reset(linked, branch, start, () if lent else sparse, kept.litter, lent)
            killpoint("worktree.reset")
            if not lent:  # whose it is has made it as they want it
                await self._furnishing.furnish(linked)
            _make_folder(linked.path)
            conflicts = await merge_in(linked, carry) if carry else ()
            return Prepared(linked.path, branch, created, conflicts, kept.pinned)

    async def collect(self, teammate: str, start: str, message: str, pin: str) -> Collected:
        """See the port. A merge whose conflicts are not all resolved, and a rebase in progress, are
        left as they are in the worktree: the commit is made beside them, as is
        work on a branch that is not the teammate's own."""
        async with self._locks[teammate]:
            linked = self._linked(teammate)
            linked.check()
            self._disarm(linked, teammate)
            await straighten(linked, self._git.refs, self._ref(teammate))
            crashpoint("work.collect")
            await free_abandoned(linked, self._ref(teammate))
            status = await status_of(linked.place)
            left = await self._leftovers(linked, status, start)
            open_files = unresolved(linked, status.entries)
            merging = linked.heads("MERGE_HEAD")
            author = (teammate, f"{teammate}@workbench.localhost")
            commit = status.head or start
            snapshot = bool(left.work or left.removed or left.unwanted or merging or status.head is None)
            if snapshot and (
                open_files
                or linked.operation()
                or status.head is None
                or status.branch not in ("", self.branch(teammate))  # not ours to move
            ):
                parents = (commit, *merging)
                commit = await commit_aside(linked, self._git.objects, parents, left, message, author)
            elif snapshot:
                record = partial(
                    commit_on_head, linked, self._git.objects, status.branch, left, message, author
                )
                try:
                    commit = await record()
                except Busy:  # a lock that nobody who works here holds: the agent left it behind
                    await free_left(linked, self._ref(teammate))
                    commit = await record()
            killpoint("work.committed")
            await self._pins.secure(linked, commit, start)
            await self._pins.move(teammate, pin, commit)
            killpoint("work.pinned")
            tree = await self._git.tree_of(commit)
            changed = tree != await self._git.tree_of(start)
            return Collected(commit, tree, changed, snapshot, open_files)

    async def fingerprint(self, teammate: str) -> str:
        """See the port."""
        linked = self._linked(teammate)
        try:
            status = await status_of(linked.place)
        except GitError:  # it is gone, or the agent just has it locked
            return ""
        return await asyncio.to_thread(_stamps, linked.path, status)

    async def borrow(self, teammate: str, path: Path) -> None:
        """See the port."""
        async with self._locks[teammate]:
            linked = users_own(path, self._common)
            await lend(linked, self._run, _plain(teammate))
            self._lent[teammate] = linked

    async def remove(self, teammate: str) -> None:
        """See the port."""
        async with self._locks[teammate]:
            linked = self._linked(teammate)  # not sooner: it may just be given back
            if teammate in self._lent:
                await self._give_back(linked, teammate)
                return
            self._unlink(linked)
            self._disarm(linked, teammate)
            standing = linked.path.is_dir() or (linked.admin / "HEAD").is_file()
            if standing:
                await self._reveal(linked)
                await self._salvage.save(linked, teammate, self._ref(teammate), REMOVED)
                demand_ours(linked, self._root)
                dismiss(linked, self._root / TRASH)

    async def _give_back(self, linked: Linked, teammate: str) -> None:
        """What is in it is kept; one that its owner has removed meanwhile is nobody's any more."""
        if loan_of(linked) is not None and not linked.problem():
            self._disarm(linked, teammate)
            exclude(self._common)
            await self._reveal(linked)
            await self._salvage.save(linked, teammate, self._ref(teammate), REMOVED)
            await give_back(linked)
        del self._lent[teammate]

    def hold(self, commits: Iterable[str]) -> None:
        """Take note of commits that refs hold, so that they need no further pin."""
        self._pins.hold(commits)

    async def keep(self, teammate: str, commit: str) -> str:
        """Pin a commit of a teammate's, unless one with the same files and parents is; gives the pin."""
        async with self._locks[teammate]:
            return await self._pins.keep(teammate, commit)

    async def aclose(self) -> None:
        """Delete the files of removed worktrees, and folders that are empty now. Safe to call twice."""
        await asyncio.to_thread(empty, self._root / TRASH)
        for folder in (self._root / "team", self._root, self._root.parent):
            with suppress(OSError):  # others still use it
                folder.rmdir()

    def _ref(self, teammate: str) -> str:
        return f"refs/heads/{self.branch(teammate)}"

    def _linked(self, teammate: str) -> Linked:
        if (lent := self._lent.get(teammate)) is not None:
            return replace(lent, notice=self._furnishing.notice)
        path = self._root / "team" / _plain(teammate)
        return linked_at(path, self._common, self._furnishing.notice)

    async def _leftovers(self, linked: Linked, status: Status, start: str) -> Leftovers:
        """What is uncommitted and counts, and what was committed or staged and must not."""
        left = sorted_out(status.entries, linked.path)
        for nested in left.nested:
            self._furnishing.notice(f"{linked.path / nested} is a repository of its own: not committed.")
        unwanted = left.unwanted
        before = await self._git.objects.root_entries(start)
        now = before
        if status.head is not None and status.head != start:
            now = await self._git.objects.root_entries(status.head)
            unwanted += committed(now, before)
        hidden = await shadowed(linked, now)
        for folder in await filled(linked, now):
            self._furnishing.notice(
                f"{linked.path / folder} is a submodule: what lies in it is not committed."
            )
        return Leftovers((*left.work, *hidden), unwanted, left.nested, left.removed)

    async def _reveal(self, linked: Linked) -> None:
        """Let git see changes again that somebody hid from it by ``assume-unchanged``."""
        if linked.path.is_dir() and not linked.problem():
            with suppress(GitError):  # its index cannot be read: all files count as changed then
                await run(linked.place, "update-index", "-q", "--really-refresh", fine=(0, 1))

    def _unlink(self, linked: Linked) -> None:
        """A link in the place of a worktree leads to somebody else's files, which are nobody's work here:
        the link goes, and they stay."""
        if linked.path.is_symlink():
            where = linked.path.readlink()
            linked.path.unlink()
            self._furnishing.notice(f"{linked.path} had become a link to {where}; the link was removed.")

    def _disarm(self, linked: Linked, teammate: str) -> None:
        for sentence in disarm(linked, self._ref(teammate)):
            self._furnishing.notice(sentence)

    async def _reset(
        self,
        linked: Linked,
        branch: str,
        start: str,
        sparse: Sequence[str],
        litter: bool,
        lent: bool = False,
    ) -> None:
        """Put branch, index and files at ``start``; ignored files and our own folder stay."""
        linked.drop_operations()
        forget(linked)
        async with self._gate:
            if self._sparse and not lent:
                await use_cone(linked, sparse)
            words = (
                "checkout",
                "-f",
                "-q",
                "--no-track",
                "--ignore-other-worktrees",
                "-B",
                branch,
                start,
                "--",
            )
            try:
                await run(linked.place, *words)
            except Busy:
                raise
            except GitError:
                # The index is its teammate's to write: with entries that no git makes, nobody could work
                # here any more. Should the commit be what is wrong, this fails in the same words.
                index = linked.admin / "index"
                if lent or not index.exists():
                    raise
                index.replace(linked.admin / "index.damaged")
                await run(linked.place, *words)
                litter = True
            if litter:
                await run(linked.place, "clean", "-ffdq", "-e", f"/{FOLDER}/")
        self._pins.hold((start,))


def branch_folder(repository: Repository, run: str) -> Path:
    """Where git keeps the branches of a run's teammates, a file for each that is not packed."""
    return repository.common_dir / "refs" / "heads" / "workbench" / _plain(run)


def _ready(linked: Linked, branch: str, lent: bool) -> bool:
    """Whether a worktree was made ready for its teammate before."""
    if lent:
        return linked.heads("HEAD") == ("ref:", f"refs/heads/{branch}")
    return (linked.admin / "workbench-ready").exists()


def _plain(name: str) -> str:
    """``name`` when it may be part of a path and of a ref."""
    if not NAME.fullmatch(name) or ".." in name or name.endswith(".lock"):
        raise UsageError(
            f"{name!r} cannot name a run or a teammate.", "Use letters, digits, dots and dashes."
        )
    return name


def _stamps(worktree: Path, status: Status) -> str:
    """HEAD and, for each file that differs from it, its size and when it was written."""
    found = [status.head or ""]
    for entry in status.entries:
        with suppress(OSError):
            seen = os.lstat(worktree / entry.path)
            found.append(f"{entry.kind} {entry.path} {seen.st_size} {seen.st_mtime_ns}")
    return "\n".join(found)


def _make_folder(worktree: Path) -> None:
    """The marker folder with its parts; a link or a file in its place is no place to write."""
    for folder in (FOLDER, f"{FOLDER}/markers", f"{FOLDER}/inbox", f"{FOLDER}/quarantine"):
        path = worktree / folder
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            path.unlink()
        path.mkdir(exist_ok=True)
