"""Refs: moved by compare-and-swap, or pinned. Never forced, never deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from workbench.adapters.git.objects import Objects, full_id
from workbench.adapters.git.process import BUSY, Busy, Conversation, Place, encoded, patiently, run
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import GitError

ABSENT = "0" * 40

OURS = ("refs/workbench/", "refs/heads/workbench/")
"""Refs that nobody but a run has business with: a lock on one that stays is a killed git's."""


STALE_SECONDS = 1.0
"""How long git keeps a lock on a ref, at the very most."""


def full_ref(name: str) -> str:
    """``name`` when it is a plain full ref; GitError otherwise."""
    if not name.startswith("refs/") or any(ord(c) <= 32 or c in "~^:?*[\\\x7f" for c in name):
        raise GitError(f"{name[:80]!r} is not a full ref name.")
    return name


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

    async def tip(self, ref: str) -> str | None:
        """The object a full ref name points at; None where there is no such ref."""
        found = await self._objects.info(full_ref(ref))
        return None if found is None else found[0]

    async def move(self, ref: str, new: str, old: str | None, why: str) -> bool:
        """Compare-and-swap; see the Git port."""
        words = ["update-ref", "-m", " ".join(why.split()) or "workbench", full_ref(ref), full_id(new)]
        words.append(ABSENT if old is None else full_id(old))

        async def update() -> None:
            crashpoint("ref.move")
            await run(self._place, *words)
            killpoint("ref.moved")

        try:
            await self._unlocked(ref, update)
        except GitError:
            if await self.tip(ref) != old:
                return False
            raise
        return True

    async def pin(self, ref: str, commit: str) -> None:
        """Create ``ref`` at ``commit`` or move it there."""
        lines = f"start\nupdate {full_ref(ref)} {full_id(commit)}\nprepare\ncommit\n"
        await self._unlocked(ref, lambda: patiently(lambda: self._transact(lines)))

    async def create_next(self, prefix: str, commit: str) -> str:
        """Pin ``commit`` at the first free number under ``prefix``; gives the new ref's name."""
        number = 1
        while True:
            ref = f"{prefix}/{number}"
            if await self.tip(ref) is None and await self.move(ref, commit, None, "workbench: kept"):
                return ref
            number += 1

    async def aclose(self) -> None:
        await self._pins.aclose()

    async def _unlocked(self, ref: str, write: Callable[[], Awaitable[None]]) -> None:
        """Write a ref. Git that was killed in the middle leaves its lock, at which every later run would
        stop: one on a ref of ours that is there before and after all the patience, and that no process
        has open, is removed."""
        lock = self._place.git_dir / f"{ref}.lock"
        before = _identity(lock)
        try:
            await write()
        except Busy:
            same = before is not None and _identity(lock) == before
            if not same or not ref.startswith(OURS) or await asyncio.to_thread(_open_somewhere, lock):
                raise
            lock.unlink(missing_ok=True)
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
            if any(word in str(refused) for word in BUSY):
                raise Busy(str(refused), "Another git process holds a lock.") from refused
            raise


async def free_locks(common_dir: Path, run: str) -> None:
    """Remove the locks that were left on refs of a run, whose agents and orchestrator are dead: those that
    stay for a second and that no process has open. Costs two looks at folders where there are none."""
    folders = [common_dir / "refs" / "workbench" / run, common_dir / "refs" / "heads" / "workbench" / run]
    before = {lock: _identity(lock) for folder in folders for lock in folder.rglob("*.lock")}
    if not before:
        return
    await asyncio.sleep(STALE_SECONDS)
    for lock, seen in before.items():
        if (
            seen is not None
            and _identity(lock) == seen
            and not await asyncio.to_thread(_open_somewhere, lock)
        ):
            lock.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        seen = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return seen.st_ino, seen.st_mtime_ns


def _open_somewhere(path: Path) -> bool:
    """Whether a process has ``path`` open, as far as this system (Linux) and this user may see."""
    wanted = str(path.resolve())
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(handle.readlink()) == wanted:
                return True
        except OSError:  # gone, or somebody else's
            continue
    return False
