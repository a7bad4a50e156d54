"""The teammates' worktrees, outside the repository, reused from task to task.

Making one costs one git process (the checkout), reusing one two (status, checkout), collecting from
a clean one one (status). Nothing a worktree held becomes unreachable: what is uncommitted or pinned
by no ref of ours is pinned under ``refs/workbench/<run>/salvage/<teammate>/<n>`` first, with those ignored
files that the settings list.

Not handled: work inside populated submodules (their entries are left alone). Files hidden from git by
``assume-unchanged`` are left alone, too, until a worktree is removed: then what is in them is kept.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from workbench.adapters.git.administration import (
    Linked,
    dismiss,
    drop,
    empty,
    establish,
    linked_at,
    set_aside,
)
from workbench.adapters.git.conflicts import forget, remember, unresolved
from workbench.adapters.git.disarming import disarm
from workbench.adapters.git.excludes import exclude
from workbench.adapters.git.furnishing import Furnishing
from workbench.adapters.git.lending import give_back, lend, loan_of, loans, users_own
from workbench.adapters.git.listed import Marks, listed, marks
from workbench.adapters.git.locks import remove_if_abandoned, work_trees
from workbench.adapters.git.mending import dangles, mend
from workbench.adapters.git.objects import OID
from workbench.adapters.git.packs import Packs
from workbench.adapters.git.placeholders import FOLDER, Leftovers, committed, sorted_out
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.process import Busy, run
from workbench.adapters.git.repository import Repository
from workbench.adapters.git.snapshots import commit_aside, commit_on_head, shadowed
from workbench.adapters.git.sparse import use_cone
from workbench.adapters.git.status import Status, status_of
from workbench.core.salvage import REMOVED, RESET, salvage_message
from workbench.crashpoints import crashpoint, killpoint
from workbench.engine.ports import Collected, Prepared
from workbench.errors import GitError, UsageError

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")

AT_ONCE = max(2, min(4, os.cpu_count() or 1))
"""Checkouts that run at the same time: more only queue for the disk."""

TRASH = "trash"
"""Folder of the root that holds removed worktrees until their files are deleted, all at once."""

STALE_LOCK_SECONDS = 1.0

NO_DRIVER = "WORKBENCH_NO_DRIVER"
"""A variable that holds what is run instead of a merge driver."""


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
        self._base = repository.head
        self._git = git
        self._root = root
        self._run = _plain(run)
        self._furnishing = furnishing or Furnishing(repository.root)
        self._sparse = sparse
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._kept: set[str] = set()  # commits that a ref of ours is known to hold
        self._worth = tuple(salvage)
        self._marks: dict[str, Marks] = {}  # the listed files in a teammate's latest snapshot
        self._excluded = False
        self._packs = Packs(self._common) if secure else None
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
            await self._straighten(linked, f"refs/heads/{branch}")
            pinned, litter = await self._salvage(linked, teammate, standing, RESET, start)
            killpoint("worktree.salvaged")
            created = establish(linked, f"ref: refs/heads/{branch}", f"workbench run {self._run}")
            await self._reset(linked, branch, start, () if lent else sparse, litter, lent)
            killpoint("worktree.reset")
            if not lent:  # whose it is has made it as they want it
                await self._furnishing.furnish(linked)
            _make_folder(linked.path)
            conflicts = await self._carry(linked, carry) if carry else ()
            return Prepared(linked.path, branch, created, conflicts, pinned)

    async def collect(self, teammate: str, start: str, message: str, pin: str) -> Collected:
        """See the port. A merge whose conflicts are not all resolved, and a rebase in progress, are
        left as they are in the worktree: the commit is made beside them, as is
        work on a branch that is not the teammate's own."""
        async with self._locks[teammate]:
            linked = self._linked(teammate)
            linked.check()
            self._disarm(linked, teammate)
            await self._straighten(linked, f"refs/heads/{self.branch(teammate)}")
            crashpoint("work.collect")
            await self._free_abandoned(linked, f"refs/heads/{self.branch(teammate)}")
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
                    await self._free_locks(linked, f"refs/heads/{self.branch(teammate)}")
                    commit = await record()
            killpoint("work.committed")
            await self._secure(linked, commit, start)
            await self._pin(teammate, pin, commit)
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
                await self._salvage(linked, teammate, standing, REMOVED)
                self._demand_ours(linked)
                dismiss(linked, self._root / TRASH)

    async def _give_back(self, linked: Linked, teammate: str) -> None:
        """What is in it is kept; one that its owner has removed meanwhile is nobody's any more."""
        if loan_of(linked) is not None and not linked.problem():
            self._disarm(linked, teammate)
            exclude(self._common)
            await self._reveal(linked)
            await self._salvage(linked, teammate, True, REMOVED)
            await give_back(linked)
        del self._lent[teammate]

    def _demand_ours(self, linked: Linked) -> None:
        """Before files go: nothing that workbench did not make is ever removed."""
        if linked.path.parent != (self._root / "team").absolute():
            raise GitError(f"{linked.path} is not workbench's to remove.", "Remove it yourself.")

    def hold(self, commits: Iterable[str]) -> None:
        """Take note of commits that refs hold, so that they need no further pin."""
        self._kept.update(commits)

    async def keep(self, teammate: str, commit: str) -> str:
        """Pin a commit of a teammate's, unless one with the same files and parents is; gives the pin."""
        async with self._locks[teammate]:
            return await self._keep(teammate, commit)

    async def aclose(self) -> None:
        """Delete the files of removed worktrees, and folders that are empty now. Safe to call twice."""
        await asyncio.to_thread(empty, self._root / TRASH)
        for folder in (self._root / "team", self._root, self._root.parent):
            with suppress(OSError):  # others still use it
                folder.rmdir()

    async def _pin(self, teammate: str, pin: str, commit: str) -> None:
        """Move ``pin`` to ``commit``; what it held and ``commit`` does not is kept by another ref."""
        before = await self._git.tip(pin)
        if before == commit:
            return
        if before is not None and not await self._git.is_ancestor(before, commit):
            await self._git.refs.create_next(self._salvages(teammate), before)
        await self._git.pin(pin, commit)
        self._kept.add(commit)

    def _salvages(self, teammate: str) -> str:
        return f"refs/workbench/{self._run}/salvage/{teammate}"

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
        for sentence in disarm(linked, f"refs/heads/{self.branch(teammate)}"):
            self._furnishing.notice(sentence)

    async def _salvage(
        self, linked: Linked, teammate: str, standing: bool, why: str, start: str = ""
    ) -> tuple[str | None, bool]:
        """Keep what is there, as ``_save`` does, in a worktree that names objects which are gone as well."""
        branch = f"refs/heads/{self.branch(teammate)}"
        if await self._git.tip(branch) is None and dangles(self._common, branch):
            await self._mend(linked, branch, start)
        try:
            return await self._save(linked, teammate, standing, why, start)
        except Busy:
            raise
        except GitError:
            if not await self._mend(linked, branch, start):
                raise
        return await self._save(linked, teammate, standing, why, start)

    async def _mend(self, linked: Linked, branch: str, start: str) -> bool:
        """Whether something had to be mended."""
        sentences = await mend(linked, self._git.refs, branch, start or self._base)
        for sentence in sentences:
            self._furnishing.notice(sentence)
        return bool(sentences)

    async def _save(
        self, linked: Linked, teammate: str, standing: bool, why: str, start: str
    ) -> tuple[str | None, bool]:
        """Pin whatever is there and not pinned: files, HEAD, the branch, autostashes. Gives the ref
        of the last pin, if any was needed, and whether a reset to ``start`` must clean up too.
        Afterwards all of it may be overwritten."""
        tip = await self._git.tip(f"refs/heads/{self.branch(teammate)}")
        commits = [tip] if tip else []
        litter = False
        seen: Marks = frozenset()
        if standing and not linked.path.is_dir():  # its files are gone: only git's record is left
            commits += [*linked.heads("HEAD")[-1:], *_unfinished(linked)]
            self._demand_ours(linked)
            await asyncio.to_thread(drop, linked)
        elif standing:
            status, found, seen = await self._found(linked, teammate, why)
            commits += found
            litter = bool(start) and await self._litters(status, start)
        pinned = None
        for commit in await self._there(commits):
            if commit not in self._kept:
                with suppress(GitError):  # what is not whole is kept as far as it is there
                    await self._secure(linked, commit, start or self._base)
                pinned = await self._keep(teammate, commit)
                self._kept.add(commit)
        self._marks[teammate] = seen
        return pinned, litter

    async def _secure(self, linked: Linked, commit: str, start: str) -> None:
        if self._packs is not None and await self._packs.secure(linked.place, commit, start):
            self._git.look_again()

    async def _there(self, commits: Iterable[str]) -> list[str]:
        """Those that are commits of the repository, each once: others cannot be pinned."""
        plain = [commit for commit in dict.fromkeys(commits) if OID.fullmatch(commit)]
        return [it for it in plain if it in self._kept or await self._git.objects.info(it) is not None]

    async def _keep(self, teammate: str, commit: str) -> str:
        """Pin ``commit`` at the first free number, unless the same is pinned already: whoever was killed
        after a pin snapshots the same once more."""
        wanted, number = await self._shape(commit), 1
        while found := await self._shape(ref := f"{self._salvages(teammate)}/{number}"):
            if found == wanted:
                return ref
            number += 1
        return await self._git.refs.create_next(self._salvages(teammate), commit)

    async def _shape(self, name: str) -> list[bytes]:
        """Tree and parents of a commit; nothing when there is no such commit."""
        raw = await self._git.objects.contents(name) or b""
        head = raw.partition(b"\n\n")[0].split(b"\n")
        return [line for line in head if line.startswith((b"tree ", b"parent "))]

    async def _found(self, linked: Linked, teammate: str, why: str) -> tuple[Status, list[str], Marks]:
        """What a standing worktree holds, as commits; made git's again first where it was not. And the
        marks of the listed ignored files, which are then among it or were in the snapshot before."""
        branch = f"refs/heads/{self.branch(teammate)}"
        establish(linked, f"ref: {branch}", f"workbench run {self._run}")
        await self._free_locks(linked, branch)
        status = await self._status_or_bare(linked)
        objects = self._git.objects
        left = sorted_out(status.entries, linked.path)
        hidden = await shadowed(linked, await objects.root_entries(status.head) if status.head else {})
        heads = await self._there([*([status.head] if status.head else []), *linked.heads("MERGE_HEAD")])
        found = [*heads, *_unfinished(linked)]
        worth = await listed(linked, self._worth)
        seen = marks(linked, worth)
        if left.work or left.removed or hidden or (worth and seen != self._marks.get(teammate)):
            work = Leftovers(tuple(dict.fromkeys((*left.work, *hidden, *worth))))
            message = salvage_message(self._run, teammate, why, time.time())
            found.append(await commit_aside(linked, objects, heads, work, message))
        for nested in left.nested:
            aside = set_aside(linked.path / nested.rstrip("/"), self._root / "kept")
            self._furnishing.notice(f"A repository inside {linked.path} was moved to {aside}.")
        return status, found, seen

    async def _straighten(self, linked: Linked, ref: str) -> None:
        """A branch that somebody made symbolic would carry what is committed here to the branch it names,
        the user's perhaps: make it a branch of its own again, where this worktree had it last."""
        file = self._common / ref
        try:
            symbolic = file.read_bytes().startswith(b"ref:")
        except OSError:
            return
        if not symbolic:
            return
        if last := linked.last_tip():
            await self._git.refs.move(ref, last, await self._git.tip(ref), "workbench: a branch again")
        else:
            file.unlink()

    async def _litters(self, status: Status, start: str) -> bool:
        """Whether going to ``start`` may leave untracked files: some are there, or what was ignored
        here is not ignored there. Saves most resets a process."""
        paths = [entry.path for entry in status.entries]
        if status.head is None or any(entry.kind == "?" for entry in status.entries):
            return True
        paths += await self._git.changed_files(status.head, start)
        return any(path.rsplit("/", 1)[-1] == ".gitignore" for path in paths)

    async def _status_or_bare(self, linked: Linked) -> Status:
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

    def _locks_of(self, linked: Linked, branch: str) -> list[Path]:
        names = ("index.lock", "HEAD.lock", "config.worktree.lock")
        return [*(linked.admin / name for name in names), self._common / f"{branch}.lock"]

    async def _free_abandoned(self, linked: Linked, branch: str) -> None:
        """Remove locks that are a second old and whose owner is proven dead: an agent that was killed in the
        middle of a commit left them, and waiting for their owner takes seconds."""
        now = time.time()
        old = [lock for lock in self._locks_of(linked, branch) if now - _changed(lock) > STALE_LOCK_SECONDS]
        places = work_trees(self._common) if old else []
        for lock in old:
            await remove_if_abandoned(lock, places)

    async def _free_locks(self, linked: Linked, branch: str) -> None:
        """Remove locks of ours that outlive a second and whose owner is proven dead: no agent works here
        at this point, but a person may."""
        await self._free_abandoned(linked, branch)
        locks = self._locks_of(linked, branch)
        for _ in range(20):
            if not any(lock.exists() for lock in locks):
                return
            await asyncio.sleep(STALE_LOCK_SECONDS / 20)
        places = [linked.path, linked.admin]
        for lock in locks:
            around = places if lock.is_relative_to(linked.admin) else work_trees(self._common)
            await remove_if_abandoned(lock, around)

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
        self._kept.add(start)

    async def _carry(self, linked: Linked, carry: str) -> tuple[str, ...]:
        """Merge earlier work in: a merge commit when clean, else conflicts left in the files."""
        words = ("merge", "--no-ff", "--no-verify", "-q", "-m", "Merge the work of an earlier attempt", carry)
        options = await self._no_drivers(linked)
        done = await run(linked.place, *options, *words, fine=(0, 1), extra={NO_DRIVER: "false"})
        if done.code == 0:
            return ()
        if not linked.heads("MERGE_HEAD"):
            raise GitError(f"git merge failed: {done.err.strip()[-500:]}")
        status = await status_of(linked.place)
        paths = tuple(sorted(entry.path for entry in status.entries if entry.kind == "u"))
        remember(linked, paths)
        return paths

    async def _no_drivers(self, linked: Linked) -> list[str]:
        """Options by which no merge driver is run: see ``attributes.DRIVER``. The files are in conflict."""
        asked = ("config", "--name-only", "-z", "--get-regexp", r"^merge\..*\.driver$")
        found = await run(linked.place, *asked, fine=(0, 1))
        return [f"--config-env={name}={NO_DRIVER}" for name in found.text.split("\0") if name]


def branch_folder(repository: Repository, run: str) -> Path:
    """Where git keeps the branches of a run's teammates, a file for each that is not packed."""
    return repository.common_dir / "refs" / "heads" / "workbench" / _plain(run)


def _ready(linked: Linked, branch: str, lent: bool) -> bool:
    """Whether a worktree was made ready for its teammate before."""
    if lent:
        return linked.heads("HEAD") == ("ref:", f"refs/heads/{branch}")
    return (linked.admin / "workbench-ready").exists()


def _changed(path: Path) -> float:
    """When a file was changed last; now, where there is none."""
    try:
        return path.lstat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return time.time()


def _plain(name: str) -> str:
    """``name`` when it may be part of a path and of a ref."""
    if not NAME.fullmatch(name) or ".." in name or name.endswith(".lock"):
        raise UsageError(
            f"{name!r} cannot name a run or a teammate.", "Use letters, digits, dots and dashes."
        )
    return name


def _unfinished(linked: Linked) -> tuple[str, ...]:
    """Commits that only an operation in progress holds: merged-in ones and autostashes."""
    names = ("MERGE_HEAD", "MERGE_AUTOSTASH", "rebase-merge/autostash", "rebase-apply/autostash")
    return tuple(commit for name in names for commit in linked.heads(name))


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
