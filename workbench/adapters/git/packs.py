"""Objects out of teammates' reach: packs, which behind the walls nobody but workbench writes.

A teammate's git must be able to write objects, so files of single ones are the teammates' to delete and to
overwrite, whoever made them. Git looks for packs first, and the folder of packs is read-only behind the walls
(``adapters.walls.layout``). What is in a pack that was made here has the content that its name says.

Packs are left to the user's ``git gc`` to combine, which does so by itself when there are fifty: to combine
is to delete packs, and nothing of a run deletes what holds somebody's work.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from workbench.adapters.git.process import Busy, Place, run
from workbench.adapters.git.repository import Repository
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import GitError

DRAFT = "workbench-draft-"
"""How folders begin in which packs are made; git takes what is in them for no pack. ``git prune`` deletes
what begins with ``tmp_``, folders too."""

OLD_SECONDS = 3600.0
"""A draft of this age is what a kill left."""

BEYOND = 8
"""How many commits known to be packed are named to git: the last have nearly all there is to leave out."""

MOST_LOOSE = 3_000
"""More objects take more than 0.3 seconds (0.08 ms each, measured), which a run would begin later."""

HEX = re.compile(r"[0-9a-f]+")


class Packs:
    """Packs what is delivered in one run."""

    def __init__(self, common_dir: Path) -> None:
        self._folder = common_dir / "objects" / "pack"
        self._done: list[str] = []  # commits packed with all they reach, and starts of the first work
        self._tidied = False

    async def secure(self, place: Place, commit: str, start: str) -> bool:
        """Have everything in a pack that ``commit`` brings in beyond ``start``, and what came between earlier
        work and ``start``, each object seen to be what its name says. Takes two processes, and none for a
        commit that was here before: False then.

        Raises GitError when an object is gone or is something else."""
        if commit == start or commit in self._done:
            return False
        beyond = self._done[-BEYOND:] or [start]
        try:
            await self._pack(place, [commit, start], beyond)
        except Busy:
            raise
        except GitError:  # of earlier work something may be gone, which is not this work's fault
            try:
                await self._pack(place, [commit], [start])
            except Busy:
                raise
            except GitError as bad:
                raise GitError(
                    f"What {commit[:10]} holds cannot be read as it was committed: {bad}",
                    "Its objects were deleted or overwritten; the task must be done again.",
                ) from bad
        for known in (start, commit):
            if known not in self._done:
                self._done.append(known)
        del self._done[:-64]
        return True

    async def _pack(self, place: Place, tips: list[str], beyond: list[str]) -> None:
        if not self._tidied:
            await asyncio.to_thread(self._tidy)
            self._tidied = True
        feed = "".join([*(f"{tip}\n" for tip in tips), *(f"^{other}\n" for other in beyond)])
        draft = Path(await asyncio.to_thread(self._draft))
        try:
            crashpoint("pack.make")
            words = ("pack-objects", "--revs", "-q", "--non-empty", "--delta-base-offset")
            name = (await run(place, *words, str(draft / "pack"), feed=feed.encode())).text
            if not name:
                return  # all of it is known
            made = draft / f"pack-{name}.pack"
            seen = draft / "seen.idx"  # by what the objects are; the other is by what they are called
            await run(place, "index-pack", "-o", str(seen), str(made))
            killpoint("pack.made")
            await asyncio.to_thread(self._take, made, seen)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _draft(self) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        return tempfile.mkdtemp(prefix=DRAFT, dir=self._folder)

    def _take(self, made: Path, seen: Path) -> None:
        """Put a pack among the repository's, its index last: by that git knows it."""
        index = made.with_suffix(".idx")
        if index.read_bytes() != seen.read_bytes():
            raise GitError("an object is not what its name says.")
        for suffix in (".pack", ".rev", ".idx"):
            with suppress(FileNotFoundError):  # not every git makes the middle one
                made.with_suffix(suffix).rename(self._folder / f"{made.stem}{suffix}")
        killpoint("pack.taken")
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _tidy(self) -> None:
        for old in self._folder.glob(f"{DRAFT}*"):
            with suppress(FileNotFoundError):
                if time.time() - old.lstat().st_mtime > OLD_SECONDS:
                    shutil.rmtree(old, ignore_errors=True)


async def pack_loose(repository: Repository, notice: Callable[[str], None]) -> int:
    """Pack the objects that are in files of their own, reachable or not; gives how many there were. No file
    is deleted and no pack rewritten; one process, none where there are no such objects. What cannot be packed
    is told ``notice``: nothing stands still for it."""
    objects = repository.common_dir / "objects"
    names = await asyncio.to_thread(lambda: list(_loose(objects)))
    if len(names) > MOST_LOOSE:
        notice(
            f"{len(names)} objects of the repository are in no pack, where teammates could delete them:"
            " `git gc` packs them."
        )
        return 0
    if not names:
        return 0
    place = Place(repository.common_dir, repository.state_dir)
    words = (
        "pack-objects",
        "-q",
        "--incremental",
        "--non-empty",
        "--window=0",
        str(objects / "pack" / "pack"),
    )
    try:
        repository.state_dir.mkdir(parents=True, exist_ok=True)
        (objects / "pack").mkdir(exist_ok=True)
        await run(place, *words, feed="".join(f"{name}\n" for name in names).encode())
    except (GitError, OSError) as problem:
        notice(f"Objects that are in no pack stay so, and teammates could delete them: {problem}")
        return 0
    return len(names)


def _loose(objects: Path) -> Iterator[str]:
    for start in (f"{number:02x}" for number in range(256)):
        try:
            names = os.listdir(objects / start)  # noqa: PTH208 - thousands of names, not of paths
        except (FileNotFoundError, NotADirectoryError):
            continue
        yield from (start + name for name in names if len(name) == 38 and HEX.fullmatch(name))
