"""What of the repository is guarded, read from its files: the ``Guard`` port.

A look starts no git process. Configuration is parsed (by git) only when its bytes have changed; the
fingerprint of the user's checkout costs one ``git status``, which writes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from workbench.adapters.git.administration import Linked, linked_at
from workbench.adapters.git.lending import LENT, lent_at
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.process import Place, decoded, encoded, run
from workbench.adapters.git.reffiles import NEVER, RefFiles, Stamp, believed, passing, stamp_of
from workbench.adapters.git.repository import Repository
from workbench.adapters.git.status import parse
from workbench.core.guard import Snapshot, Stashed

SLOW_SECONDS = 0.003
"""A look that took longer is next made in a thread."""

FILES = ("config", "config.worktree", "info/attributes", "info/grafts", "objects/info/alternates")
"""Files of the common directory by which git does something else than it did."""

PINS, BRANCHES = "refs/workbench/", "refs/heads/workbench/"


MOST_PATHS = 2_000
LARGEST_FILE = 8_000_000
MOST_BYTES = 200_000_000
STATUS_SECONDS = 30.0
"""What a fingerprint reads at most: changed paths, bytes of one, bytes in all; and how long git may take."""


class RepositoryGuard:
    """Fulfils ``engine.ports.Guard`` for one run."""

    def __init__(self, repository: Repository, git: Plumbing, run_id: str) -> None:
        self._repository, self._git = repository, git
        self._common = repository.common_dir
        self._near = f"{BRANCHES}{run_id}"
        self._refs = RefFiles(self._common, self._far)
        self._texts: dict[str, tuple[Stamp, bytes | None]] = {}
        self._stash: tuple[bytes | None, tuple[Stashed, ...]] = (None, ())
        self._hooks: tuple[Stamp, tuple[str, ...]] = (NEVER, ())
        self._checkouts: tuple[Stamp, tuple[str, ...]] = (NEVER, ())
        self._names: dict[str, str] = {}
        self._later: frozenset[str] = frozenset()
        self._slow = True  # the first look reads everything

    def _far(self, name: str) -> bool:
        """Whether only a whole look is to see a ref or folder: pins, of which there are a few for each
        attempt, each in a folder of its own, and what earlier runs left."""
        return name.startswith(PINS) or (name.startswith(BRANCHES) and not name.startswith(self._near))

    @property
    def root(self) -> Path:
        """See the port."""
        return self._repository.root

    @property
    def git_dir(self) -> Path:
        """See the port."""
        return self._common

    async def look(self, whole: bool = False) -> Snapshot:
        """See the port."""
        written = self._git.refs.written
        busy, pending = written.under_way(), written.since() | self._later
        try:
            read = await asyncio.to_thread(self._read, whole) if self._slow or whole else self._read(whole)
        except BaseException:
            self._later = pending  # nobody has looked at these yet
            raise
        busy |= written.since()  # while it was read in a thread
        fresh = pending if whole else frozenset(ref for ref in pending if not self._far(ref))
        self._later = busy | (pending - fresh)
        return replace(read, ours=written.last, maybe=written.maybe, fresh=fresh, busy=busy)

    def _read(self, whole: bool) -> Snapshot:
        began = time.perf_counter()
        loose, packed = self._refs.read(whole=whole)
        now = time.time_ns()
        files = {
            name: raw for name in FILES if (raw := self._text(f"{self._common}/{name}", now)) is not None
        }
        stash, heads, hooks = self._stashed(now), self._heads(now), self._hooked(now)
        self._slow = time.perf_counter() - began > SLOW_SECONDS
        return Snapshot(loose=loose, packed=packed, stash=stash, heads=heads, files=files, hooks=hooks)

    def _text(self, path: str, now: int) -> bytes | None:
        """The content of a small file, read when its stamp is another; None where there is none."""
        stamp = stamp_of(path)
        known = self._texts.get(path)
        if known is not None and known[0] == stamp != NEVER:
            return known[1]
        content: bytes | None = None
        if stamp != NEVER:
            try:
                with open(path, "rb") as file:  # noqa: PTH123 - see stamp_of
                    content = file.read()
            except OSError as error:
                if passing(error):
                    raise
        self._texts[path] = (believed(stamp, now), content)
        return content

    def _stashed(self, now: int) -> tuple[Stashed, ...]:
        raw = self._text(f"{self._common}/logs/refs/stash", now)
        if raw != self._stash[0]:
            entries = [_entry(line) for line in decoded(raw or b"").split("\n")]
            self._stash = (raw, tuple(entry for entry in entries if entry is not None))
        return self._stash[1]

    def _heads(self, now: int) -> dict[str, str]:
        """HEAD of each checkout but the teammates' and the gates': those are theirs to move."""
        folder = f"{self._common}/worktrees"
        stamp = stamp_of(folder)
        if stamp == NEVER or stamp != self._checkouts[0]:
            names = sorted(os.listdir(folder)) if stamp != NEVER else []  # noqa: PTH208 - see stamp_of
            linked = tuple(name for name in names if not name.startswith("workbench-"))
            self._checkouts = (believed(stamp, now), linked)
        heads = {}
        for name in ("", *self._checkouts[1]):
            where = f"{folder}/{name}" if name else str(self._common)
            if name and stamp_of(f"{where}/{LENT}") != NEVER:  # a teammate's, for now
                continue
            raw = self._text(f"{where}/HEAD", now)
            heads[self._checkout(name, where)] = decoded(raw or b"").rstrip("\n")
        return heads

    def _checkout(self, name: str, where: str) -> str:
        """The path of a checkout, by the name git has for it."""
        if name not in self._names:
            if name:
                raw = self._text(f"{where}/gitdir", time.time_ns())
                self._names[name] = decoded(raw or b"").strip().removesuffix("/.git")
            else:
                main = self._common.parent if self._common.name == ".git" else self._common
                self._names[name] = str(main)
        return self._names[name]

    def _hooked(self, now: int) -> dict[str, str]:
        folder = f"{self._common}/hooks"
        stamp = stamp_of(folder)
        if stamp == NEVER:
            return {}
        if stamp != self._hooks[0]:
            names = (name for name in os.listdir(folder) if not name.endswith(".sample"))  # noqa: PTH208
            self._hooks = (believed(stamp, now), tuple(sorted(names)))
        found = {}
        for name in self._hooks[1]:
            try:
                seen = os.stat(f"{folder}/{name}")  # noqa: PTH116 - see stamp_of
            except OSError:
                continue
            if seen.st_mode & 0o111:
                found[name] = (
                    f"{stat.S_IMODE(seen.st_mode):o} {seen.st_size} {seen.st_mtime_ns} {seen.st_ino}"
                )
        return found

    # -- questions that come up when something has changed ---------------------------------------------

    async def keys(self, content: bytes) -> tuple[tuple[str, str], ...]:
        """See the port."""
        place = Place(self._common, self._repository.state_dir)
        extra = {"GIT_CONFIG_COUNT": "0"}
        words = ("config", "--file", "-", "--no-includes", "-l", "-z")
        done = await run(place, *words, feed=content or b"\n", extra=extra)
        pairs = (entry.partition("\n") for entry in decoded(done.out).split("\0") if entry)
        return tuple((name, value) for name, _, value in pairs)

    def own_tip(self, worktree: Path, ref: str) -> str:
        """See the port."""
        linked = self._linked(worktree)
        return linked.last_tip() if linked.heads("HEAD") == ("ref:", ref) else ""

    def problem(self, worktree: Path) -> str:
        """See the port."""
        return self._linked(worktree).problem()

    def _linked(self, worktree: Path) -> Linked:
        return lent_at(worktree, self._common) or linked_at(worktree, self._common)

    # -- the user's checkout -----------------------------------------------------------------------------

    async def fingerprint(self) -> Mapping[str, str]:
        """See the port."""
        place = Place(self._repository.git_dir, self._repository.root)
        words = ("--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--no-renames",
                 "--untracked-files=all", "--ignore-submodules=all")  # fmt: skip
        async with asyncio.timeout(STATUS_SECONDS):
            done = await run(place, *words)
        paths = [entry.path for entry in parse(done.out).entries]
        return await asyncio.to_thread(_contents, self._repository.root, paths[:MOST_PATHS])

    async def blob_at(self, commit: str, path: str) -> str:
        """See the port."""
        if "\n" in path:
            return ""
        found = await self._git.objects.info(f"{commit}:{path}")
        return "" if found is None or found[1] != "blob" else found[0]


def _entry(line: str) -> Stashed | None:
    """An entry of the stash's log: both ids, who and when, and after a tab what was said."""
    head, _, message = line.partition("\t")
    commit = head[41:81]
    return Stashed(commit, message) if len(commit) == 40 else None


def _contents(root: Path, paths: list[str]) -> dict[str, str]:
    """The object id of each file as it lies there ("" for one that is gone), within bounds."""
    found: dict[str, str] = {}
    left = MOST_BYTES
    for path in paths:
        full = root / os.fsdecode(encoded(path))
        try:
            seen = full.lstat()
            if not stat.S_ISREG(seen.st_mode):
                continue
            if seen.st_size > min(left, LARGEST_FILE):
                continue
            raw = full.read_bytes()
        except FileNotFoundError:
            found[path] = ""
            continue
        except OSError:
            continue
        left -= len(raw)
        found[path] = hashlib.sha1(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()
    return found
