"""Refs: moved by compare-and-swap, or pinned. Never forced, never deleted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.adapters.git.conversation import Conversation
from workbench.adapters.git.disarming import unlink_log
from workbench.adapters.git.locks import identity, remove_if_abandoned, work_trees
from workbench.adapters.git.objects import Objects, full_id
from workbench.adapters.git.process import Busy, Place, encoded, is_busy, patiently, run
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import GitError

ABSENT = "0" * 40

OURS = ("refs/workbench/", "refs/heads/workbench/")
"""Refs that nobody but a run has business with: a lock on one that stays is a killed git's."""


def full_ref(name: str) -> str:
    """``name`` when it is a plain full ref; GitError otherwise."""
    if not name.startswith("refs/") or any(ord(c) <= 32 or c in "~^:?*[\\\x7f" for c in name):
        raise GitError(f"{name[:80]!r} is not a full ref name.")
    return name


class Written:
    """What this process wrote to refs, so that what others did to them can be told from it.

    ``last`` is what a ref was set to, ``maybe`` what it may hold where the write was interrupted.
    """

    def __init__(self) -> None:
        self.last: dict[str, str] = {}
        self.maybe: dict[str, str] = {}
        self._under_way: Counter[str] = Counter()
        self._since: set[str] = set()

    @contextmanager
    def writing(self, ref: str, new: str) -> Iterator[None]:
        """While a ref is written; what is raised inside leaves open whether it was."""
        self._under_way[ref] += 1
        self._since.add(ref)
        self.maybe[ref] = new
        try:
            yield
            self.last[ref] = new
            self.maybe.pop(ref, None)
        finally:
            self._under_way[ref] -= 1
            self._since.add(ref)

    def refused(self, ref: str) -> None:
        """The write under way did not happen."""
        self.maybe.pop(ref, None)

    def under_way(self) -> frozenset[str]:
        """Refs that are being written now."""
        return frozenset(ref for ref, count in self._under_way.items() if count > 0)

    def since(self) -> frozenset[str]:
        """Refs that were written, or began to be, since this was asked before."""
        since, self._since = frozenset(self._since), set()
        return since


class Refs:
    """The refs of a repository that keeps them in files and ``packed-refs``.

    Pins go through one long-lived ``update-ref --stdin``: each is a transaction of its own, and git
    stats ``packed-refs`` anew for each, so that refs written or packed by others are seen. Moves are
    a process each (1.3 ms), because the reflog's message belongs to the process.
    """

    def __init__(self, place: Place, objects: Objects) -> None:
        self._place = place
        self._objects = objects
        self._pins = Conversation(place, "update-ref", "-m", "workbench: pinned", "--stdin")
        self.written = Written()

    async def tip(self, ref: str) -> str | None:
        """The object a full ref name points at; None where there is no such ref."""
        found = await self._objects.info(full_ref(ref))
        return None if found is None else found[0]

    async def move(self, ref: str, new: str, old: str | None, why: str) -> bool:
        """Compare-and-swap; see the Git port. A symbolic ref that somebody put there is replaced: followed,
        it would move a branch of the user's."""
        reason = " ".join(why.split()) or "workbench"
        words = ["update-ref", "--no-deref", "-m", reason, full_ref(ref), full_id(new)]
        words.append(ABSENT if old is None else full_id(old))

        async def update() -> None:
            unlink_log(self._place.git_dir, ref)
            crashpoint("ref.move")
            await run(self._place, *words)
            killpoint("ref.moved")

        try:
            with self.written.writing(ref, new):
                await self._unlocked(ref, update)
        except GitError:
            if (found := await self.tip(ref)) != old:
                if found != new:
                    self.written.refused(ref)
                return False
            raise
        return True

    async def pin(self, ref: str, commit: str) -> None:
        """Create ``ref`` at ``commit`` or move it there."""
        lines = f"start\noption no-deref\nupdate {full_ref(ref)} {full_id(commit)}\nprepare\ncommit\n"
        with self.written.writing(ref, commit):
            await self._unlocked(ref, lambda: patiently(lambda: self._transact(lines)))

    async def create_next(self, prefix: str, commit: str) -> str:
        """Pin ``commit`` at the first free number under ``prefix``; gives the new ref's name."""
        number = 1
        while True:
            ref = f"{prefix}/{number}"
            if (self._place.git_dir / ref).is_file() and await self.tip(ref) is None:
                pass  # what it names is gone: nothing can be put there by compare-and-swap, nor need be
            elif await self.tip(ref) is None and await self.move(ref, commit, None, "workbench: kept"):
                return ref
            number += 1

    async def aclose(self) -> None:
        await self._pins.aclose()

    async def _unlocked(self, ref: str, write: Callable[[], Awaitable[None]]) -> None:
        """Write a ref. Git that was killed in the middle leaves its lock, at which every later run would
        stop: one on a ref of ours that is there before and after all the patience, and whose owner is proven
        dead, is removed."""
        lock = self._place.git_dir / f"{ref}.lock"
        before = identity(lock)
        try:
            await write()
        except Busy:
            same = before is not None and identity(lock) == before
            if not same or not ref.startswith(OURS):
                raise
            if not await remove_if_abandoned(lock, work_trees(self._place.git_dir)):
                raise
            killpoint("ref.unlocked")
            await write()

    async def _transact(self, lines: str) -> None:
        async def talk(ask: asyncio.StreamWriter, answer: asyncio.StreamReader) -> None:
            crashpoint("ref.pin")
            ask.write(encoded(lines))
            killpoint("ref.pin.asked")
            for step in (b"start", b"prepare", b"commit"):
                said = await answer.readuntil(b"\n")
                if said != step + b": ok\n":
                    raise asyncio.IncompleteReadError(said, None)

        try:
            await self._pins.exchange(talk)
            killpoint("ref.pinned")
        except GitError as refused:
            if is_busy(str(refused)):
                raise Busy(str(refused), "Another git process holds a lock.") from refused
            raise


async def free_locks(common_dir: Path, run: str) -> None:
    """Remove the locks that were left on refs of a run, whose agents and orchestrator are dead, once their
    owners are proven dead. Costs two looks at folders where there are none."""
    folders = [common_dir / "refs" / "workbench" / run, common_dir / "refs" / "heads" / "workbench" / run]
    found = [lock for folder in folders for lock in folder.rglob("*.lock")]
    places = work_trees(common_dir) if found else []
    for lock in found:
        await remove_if_abandoned(lock, places)
