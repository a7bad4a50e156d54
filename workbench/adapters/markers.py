"""The marker folders of the worktrees and the teammates' branches, watched; the one place that knows
watchfiles.

Only `.workbench/markers` of each worktree is watched: a whole worktree would cost thousands of
watches and reach the kernel's limit. A change is only a hint to look: what is given comes from
listing the folder, so a change that is missed, doubled or out of order does no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.adapters.folder import FOLDER, MARKERS, QUARANTINE, opened, write
from workbench.core.markers import MARKER_BYTES, read
from workbench.core.models import Marker
from workbench.crashpoints import crashpoint, killpoint
from workbench.engine.ports import Dropped
from workbench.errors import AgentError

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

DEBOUNCE_MS = 50
STEP_MS = 5
"""Changes are handed over 5 ms after the last, at most 50 ms after the first: 8 ms at the median, for
0.4 % of a core when idle."""

POLL_SECONDS = 0.25
"""How often all folders are listed when the kernel gives no more watches."""

RESTART_SHARE = 10
"""Renewing the watch, which lists all folders, may take one part in this many of the time."""

KINDS = {stat.S_IFLNK: "symbolic link", stat.S_IFDIR: "directory", stat.S_IFIFO: "named pipe"}


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was given and not yet settled: its real name, and what tells it from a later one."""

    raw: str
    inode: int
    changed: int


class MarkerFolders:
    """Fulfils ``engine.ports.Markers`` for the folders given by ``add``.

    All methods are called from the event loop's thread; one ``watch`` at a time. ``warn`` gets one
    sentence when watching is not possible and the folders are listed again and again instead.
    Problems with a single file never raise: the file is given with its ``problem``. ``branches`` is the
    folder in which git keeps the branches of the team, a file each.
    """

    def __init__(self, warn: Callable[[str], None] | None = None, *, branches: Path | None = None) -> None:
        self._warn = warn or logging.getLogger(__name__).warning
        self._warned = False
        self._worktrees: dict[str, Path] = {}  # by the folder's real path, as the kernel reports it
        self._given: dict[Path, dict[str, Found]] = {}
        self._renew = threading.Event()
        self._branches = branches
        self._tips: dict[str, tuple[int, int]] = {}
        self._moved: Callable[[str], None] | None = None

    # -- the port -------------------------------------------------------------------------------

    def add(self, worktree: Path) -> None:
        """Watch a worktree's marker folder too, from now on; what lies in it already is given."""
        # Real as the kernel will report it; what is below the worktree is entered without links.
        folder = str(worktree.resolve() / FOLDER / MARKERS)
        try:
            crashpoint("marker.folder")
            with opened(worktree, MARKERS) as directory:
                stale = self._forget_replaced(worktree, directory)
        except OSError as error:
            raise AgentError(
                f"The marker folder of {worktree} cannot be made: {error.strerror}.",
                "Check that the worktree is there and that there is room on its disk.",
            ) from error
        if stale or folder not in self._worktrees:
            self._worktrees[folder] = worktree
            self._renew.set()

    async def watch(self) -> AsyncIterator[Dropped]:
        """See ``Markers.watch``. A folder that its teammate removes is made and watched again."""
        with ThreadPoolExecutor(1, thread_name_prefix="markers") as waiting:
            try:
                while True:
                    began = time.monotonic()
                    renew = self._renew = threading.Event()
                    with self._notify() as notify:
                        # The watch stands: whatever is dropped from here on will be told.
                        self._look_at_branches()
                        for dropped in self._fresh(list(self._worktrees.values())):
                            yield dropped
                        pause = min(1.0, (time.monotonic() - began) * RESTART_SHARE)
                        while not renew.is_set():
                            touched = await self._touched(notify, renew, waiting)
                            for dropped in self._fresh(touched):
                                yield dropped
                    await asyncio.sleep(pause)
            finally:
                self._renew.set()

    def follow(self, moved: Callable[[str], None]) -> None:
        """See ``Markers.follow``. Without a folder of branches nothing is ever told."""
        self._moved = moved

    def scan(self, worktree: Path) -> list[Dropped]:
        """What lies in the folder and was not yet given, empty files included. A worktree that is
        gone holds nothing."""
        return list(self._fresh([worktree], hasty=False))

    def settle(self, worktree: Path, name: str, accepted: bool, reason: str = "") -> None:
        """Remove the file of a marker, or move it to `.workbench/quarantine/` with its reason.

        A file of that name that was dropped after this one was read is left, and given in its turn.
        """
        found = self._given.get(worktree, {}).pop(name, None)
        raw = found.raw if found else Path(name).name
        try:
            crashpoint("marker.settle")
            with opened(worktree, MARKERS) as directory:
                status = _lstat(raw, directory)
                if status is None:
                    return  # its sender took it back
                if found and not _is_still(found, directory):
                    self._renew.set()
                elif accepted and not stat.S_ISDIR(status.st_mode):
                    os.unlink(raw, dir_fd=directory)
                    killpoint("marker.settled")
                else:
                    _set_aside(worktree, directory, raw, reason)
        except FileNotFoundError:
            return  # with its worktree
        except OSError as error:
            self._warn(f"The marker {name} in {worktree} could not be cleared away: {error.strerror}.")

    def _forget_replaced(self, worktree: Path, directory: int) -> bool:
        """Forget what was given and is no longer what lies there, as after the worktree was made anew."""
        given = self._given.get(worktree, {})
        replaced = [name for name, found in given.items() if not _is_still(found, directory)]
        for name in replaced:
            del given[name]
        return bool(replaced)

    # -- watching -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _notify(self) -> Iterator[RustNotify | None]:
        """A standing watch on every folder that is there, or None where the kernel gives none."""
        # The documented Rust interface rather than `awatch`: it tells apart "the watch stands" and
        # "something changed", and only between the two can a folder be listed without missing what is
        # dropped meanwhile.
        from watchfiles._rust_notify import RustNotify

        self._mend()
        try:
            notify = RustNotify([*self._worktrees, *self._branch_folder()], False, False, 0, False, False)
        except FileNotFoundError:
            # A folder went away since it was mended: look again at once.
            self._renew.set()
            yield None
        except (OSError, RuntimeError) as error:
            self._poll_from_now_on(error)
            yield None
        else:
            with notify:
                yield notify

    def _mend(self) -> None:
        """Make again what a teammate removed; forget worktrees that are gone."""
        for branches in self._branch_folder():
            Path(branches).mkdir(parents=True, exist_ok=True)
        for folder, worktree in list(self._worktrees.items()):
            try:
                with opened(worktree, MARKERS):
                    pass
            except OSError:
                # Gone, or beyond use: the attempt in it fails by itself when its work is collected.
                del self._worktrees[folder]
                self._given.pop(worktree, None)

    async def _touched(
        self, notify: RustNotify | None, renew: threading.Event, waiting: ThreadPoolExecutor
    ) -> list[Path]:
        """Wait for changes and give the worktrees to look into."""
        if notify is None:
            await asyncio.sleep(POLL_SECONDS)
            self._look_at_branches()
            return list(self._worktrees.values())
        loop = asyncio.get_running_loop()
        try:
            changes = await loop.run_in_executor(waiting, notify.watch, DEBOUNCE_MS, STEP_MS, 0, renew)
        except RuntimeError as error:
            self._poll_from_now_on(error)
            renew.set()
            return []
        if isinstance(changes, str):  # told to stop
            return []
        from watchfiles import Change

        folders = set()
        branches = set()
        of_branches = self._branch_folder()
        for kind, path in changes:
            parent, name = os.path.split(path)
            if path in self._worktrees or path in of_branches:
                renew.set()  # the folder itself was removed or replaced, and with it the watch
            elif parent in of_branches:
                branches.add(name)
            elif parent in self._worktrees and kind != Change.deleted and not _unfinished(name):
                folders.add(parent)
        self._look_at_branches(sorted(branches))
        return [self._worktrees[folder] for folder in sorted(folders)]

    def _branch_folder(self) -> tuple[str, ...]:
        """The folder of branches as the kernel reports it, while somebody follows them. Git removes it
        when it packs the last of them, and it is made again: the next commit comes as a file."""
        if self._branches is None or self._moved is None:
            return ()
        return (str(self._branches),)

    def _look_at_branches(self, names: Iterable[str] | None = None) -> None:
        """Tell of the branches, those of ``names`` or all, that are not as they were when last seen."""
        for folder in map(Path, self._branch_folder()):
            for branch in sorted(folder.iterdir()) if names is None else map(folder.joinpath, names):
                if self._moved is not None and self._is_new(branch):
                    self._moved(branch.name)

    def _is_new(self, branch: Path) -> bool:
        """Whether a branch is there and other than last time; not while git is writing it."""
        try:
            status = branch.lstat()
        except FileNotFoundError:
            return False  # packed, or deleted
        before, now = self._tips.get(branch.name), (status.st_ino, status.st_mtime_ns)
        if before == now or branch.suffix == ".lock":
            return False
        self._tips[branch.name] = now
        return True

    def _poll_from_now_on(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            self._warn(
                f"The system gives no more file watches ({error}); markers are looked for every"
                f" {POLL_SECONDS:g} s instead. Raise fs.inotify.max_user_watches and max_user_instances."
            )

    # -- looking --------------------------------------------------------------------------------

    def _fresh(self, worktrees: Iterable[Path], hasty: bool = True) -> Iterator[Dropped]:
        """What was not yet given. Each is marked as given only when the caller takes it."""
        for worktree in worktrees:
            try:
                with opened(worktree, MARKERS) as directory:
                    yield from self._fresh_in(worktree, directory, hasty)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._warn(f"The marker folder of {worktree} cannot be read: {error.strerror}.")

    def _fresh_in(self, worktree: Path, directory: int, hasty: bool) -> Iterator[Dropped]:
        given = self._given.setdefault(worktree, {})
        for raw in sorted(entry.name for entry in os.scandir(directory)):
            shown = _shown(raw)
            if _unfinished(raw) or shown in given:
                continue
            status = _lstat(raw, directory)
            if status is None or (hasty and stat.S_ISREG(status.st_mode) and status.st_size == 0):
                continue  # gone, or just being written by somebody who does not rename
            marker, problem = _look(raw, directory, status)
            given[shown] = _identity(raw, status)
            yield Dropped(worktree, shown, marker, problem)


def _unfinished(name: str) -> bool:
    return name.startswith(".") or name.endswith(".tmp")


def _shown(raw: str) -> str:
    """The name as it may stand in an event: printable, and any bytes of the file system told apart."""
    return raw if raw.isprintable() else ascii(raw)[1:-1]


def _identity(raw: str, status: os.stat_result) -> Found:
    return Found(raw, status.st_ino, status.st_mtime_ns)


def _is_still(found: Found, directory: int) -> bool:
    status = _lstat(found.raw, directory)
    return status is not None and _identity(found.raw, status) == found


def _lstat(name: str, directory: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _look(raw: str, directory: int, status: os.stat_result) -> tuple[Marker | None, str]:
    """The marker in a file, or why there is none."""
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "special file")
        return None, f"A marker is a plain file; this is a {kind}."
    if _shown(raw) != raw or not raw.endswith(".json"):
        return None, "A marker's file name is plain text that ends in .json."
    try:
        return read(_content(raw, directory), None), ""
    except OSError as error:
        return None, f"This marker could not be read: {error.strerror}."
    except ValueError as problem:
        return None, str(problem)


def _content(raw: str, directory: int) -> bytes:
    """The file's bytes, one more than the limit at most. It may have been swapped since it was seen:
    a link is not followed, and a pipe is not waited for."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(raw, flags, dir_fd=directory), "rb") as file:
        return file.read(MARKER_BYTES + 1) or b""  # a raw pipe with nothing in it gives None


def _set_aside(worktree: Path, directory: int, raw: str, reason: str) -> None:
    kept = f"{time.time_ns()}-{ascii(raw)[1:-1][:100]}"
    with opened(worktree, QUARANTINE) as quarantine:
        write(quarantine, f"{kept}.reason", f"{reason}\n")
        os.rename(raw, kept, src_dir_fd=directory, dst_dir_fd=quarantine)
