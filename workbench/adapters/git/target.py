"""A branch of the user's own, and the checkout that shows it: where the work of a run goes in the end.

This is the one place in which workbench moves a branch it did not make and writes in files it does not
own, and it does so only because ``workbench land`` was asked to. It goes as the user's own ``git merge
--ff-only`` would go, in the checkout, with the user's configuration, filters and hooks; what it finds
in the way it names and leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git import restraint
from workbench.adapters.git.objects import full_id
from workbench.adapters.git.process import (
    Busy,
    Finished,
    Place,
    decoded,
    encoded,
    executable,
    last_words,
    patiently,
    plain_environment,
    run,
)
from workbench.adapters.git.repository import Repository, owns
from workbench.adapters.git.status import parse
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import GitError

NAMED = 200
"""Files that are named at most when an untracked folder is in the way."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A working tree that shows the branch. ``root`` is None when git does not know where it is;
    ``doing`` is the operation that was begun there and not ended ("" when there is none)."""

    git_dir: Path
    root: Path | None
    doing: str = ""

    @property
    def place(self) -> Place:
        """The checkout for git; GitError when its files are not there."""
        if self.root is None or not self.root.is_dir():
            raise GitError(f"The checkout of {self.git_dir} is not there.", "Is it on a disk that is away?")
        return Place(self.git_dir, self.root)


DOING = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisect",
    "sequencer": "a cherry-pick or revert",
}


async def checkouts_of(repository: Repository, branch: str) -> list[Checkout]:
    """Every checkout that shows ``branch``, or that is busy with it (a rebase or bisect of it)."""
    found = []
    for git_dir in [repository.common_dir, *sorted((repository.common_dir / "worktrees").glob("*"))]:
        if not _is_on(git_dir, branch):
            continue
        linked = git_dir != repository.common_dir
        root = _linked_root(git_dir) if linked else await _main_root(repository)
        if linked or root is not None or not await _is_bare(repository):
            doing = next((name for file, name in DOING.items() if (git_dir / file).exists()), "")
            found.append(Checkout(git_dir, root, doing))
    return found


def _is_on(git_dir: Path, branch: str) -> bool:
    ref = f"refs/heads/{branch}"
    busy = [_line(git_dir / folder / "head-name") for folder in ("rebase-merge", "rebase-apply")]
    return (
        _line(git_dir / "HEAD") == f"ref: {ref}" or ref in busy or _line(git_dir / "BISECT_START") == branch
    )


def _linked_root(git_dir: Path) -> Path | None:
    pointer = _line(git_dir / "gitdir")
    return (git_dir / pointer).resolve().parent if pointer else None


async def _main_root(repository: Repository) -> Path | None:
    common = repository.common_dir
    if repository.git_dir == common:
        return repository.root
    if await _is_bare(repository):
        return None
    configured = await _config(repository, "core.worktree")
    if configured:
        root = (common / configured).resolve()
        return root if owns(root, common) else None
    return common.parent if common.name == ".git" else None


async def _is_bare(repository: Repository) -> bool:
    return await _config(repository, "core.bare") == "true"


async def _config(repository: Repository, name: str) -> str:
    place = Place(repository.common_dir, repository.common_dir)
    return (await run(place, "config", "--get", name, fine=(0, 1))).text


def _line(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape").rstrip("\n")
    except OSError:
        return ""


# -- what is in the way -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a checkout holds besides a commit: ``blocking`` paths would be lost or are not committed;
    ``alike`` ones look already as they are to look."""

    blocking: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()


async def survey(checkout: Checkout, old: str, new: str) -> Found:
    """What keeps the checkout from being brought from ``old`` to ``new`` without loss: tracked files with
    changes that are not committed, and untracked or ignored files where ``new`` has files.

    What looks exactly as in ``new`` does not: an earlier try that was killed half way left it so.
    """
    place = checkout.place
    dirty = await _dirty(place)
    suspects = sorted({*dirty, *await _overwritten(place, old, new)})
    if not suspects:
        return Found()
    if any(kind == "u" for kind in dirty.values()):
        return Found(blocking=tuple(suspects))
    blocking = await _unlike(place, old, new, suspects)
    return Found(tuple(blocking), tuple(path for path in suspects if path not in blocking))


async def _dirty(place: Place) -> dict[str, str]:
    words = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=no",
             "--ignore-submodules=dirty")  # fmt: skip
    return {entry.path: entry.kind for entry in parse((await run(place, *words)).out).entries}


async def _overwritten(place: Place, old: str, new: str) -> list[str]:
    added, removed = await _changes(place, old, new)
    return await asyncio.to_thread(_in_the_way, place.work_tree, added, removed)


async def _changes(place: Place, old: str, new: str) -> tuple[list[str], frozenset[str]]:
    """Paths that are in ``new`` only, and those in ``old`` only."""
    words = ("diff-tree", "-r", "-z", "--no-renames", "--name-status", full_id(old), full_id(new))
    fields = decoded((await run(place, *words)).out).split("\0")
    pairs = list(zip(fields[::2], fields[1::2], strict=False))
    return [path for how, path in pairs if how == "A"], frozenset(path for how, path in pairs if how == "D")


def _in_the_way(root: Path, added: Iterable[str], removed: frozenset[str]) -> list[str]:
    """Files at the places of ``added``, or where a folder for them must be, that are not in ``removed``."""
    found: dict[str, None] = {}
    clear: set[str] = set()
    for path in added:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            part = "/".join(parts[:depth])
            if part in clear:
                continue
            full = root / part
            if not os.path.lexists(full):
                break
            if full.is_dir() and not full.is_symlink():
                if depth < len(parts):
                    clear.add(part)
                else:
                    found.update(dict.fromkeys(_files_below(root, full, removed)))
            elif part not in removed:
                found[part] = None
                break
    return list(found)


def _files_below(root: Path, folder: Path, removed: frozenset[str]) -> list[str]:
    names: list[str] = []
    for where, _, files in os.walk(folder):
        here = Path(where).relative_to(root).as_posix()
        names += [name for file in files if (name := f"{here}/{file}") not in removed]
        if len(names) > NAMED:
            break
    return names


async def _unlike(place: Place, old: str, new: str, paths: Sequence[str]) -> list[str]:
    """Those of ``paths`` that are not in the working tree as they are in ``new``, or whose place in the
    index holds something that is in neither commit."""
    async with _index_of(place, new) as index:
        extra = {"GIT_INDEX_FILE": str(index)}
        words = ("diff-files", "-z", "--name-only", "--ignore-submodules=dirty")
        differing = _names(await run(place, *words, extra=extra))
        there = _names(await run(place, "ls-files", "-z", extra=extra))
    staged = [
        _names(await run(place, "diff-index", "--cached", "-z", "--name-only", "--no-renames", commit))
        for commit in (old, new)
    ]
    lost = staged[0] & staged[1]
    return [
        path
        for path in paths
        if path in lost or path in differing or (path not in there and _is_file(place.work_tree / path))
    ]


def _is_file(path: Path) -> bool:
    """Whether something stands there that is no folder; what a folder holds is looked at by itself."""
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


@contextlib.asynccontextmanager
async def _index_of(place: Place, commit: str) -> AsyncIterator[Path]:
    """A copy of the checkout's index that was made to hold ``commit``."""
    with tempfile.TemporaryDirectory(prefix="workbench-index-") as folder:
        index = Path(folder) / "index"
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(place.git_dir / "index", index)
        extra = {"GIT_INDEX_FILE": str(index)}
        await run(place, "read-tree", "-i", "-m", commit, extra=extra)
        # Without this every file counts as different whose time alone has changed.
        await run(place, "update-index", "-q", "--refresh", fine=(0, 1), extra=extra)
        yield index


def _names(done: Finished) -> frozenset[str]:
    return frozenset(name for name in decoded(done.out).split("\0") if name)


# -- moving -----------------------------------------------------------------------------------------------


async def advance(checkout: Checkout, new: str, alike: Sequence[str], why: str) -> None:
    """Bring the checkout and its branch to ``new``, a descendant, as the user's own ``git merge --ff-only``
    does, hooks and all. ``alike`` is from a ``survey`` that found nothing blocking.

    Raises GitError with git's words when git refused; then no branch has moved. It is not interrupted half
    way: cancelling, and Ctrl-C in the terminal, take effect when it is through.
    """
    place = checkout.place
    if alike:  # let the index know them, so that git does not take them for changes of the user's
        feed = b"".join(encoded(path) + b"\0" for path in alike)
        await run(place, "update-index", "--add", "--remove", "--replace", "-z", "--stdin", feed=feed)
    # Options that a branch's configuration may turn round are all given; ignored files are files too.
    words = ("merge", "--ff-only", "--commit", "--no-squash", "--no-autostash", "--no-stat", "-q",
             "--no-overwrite-ignore", full_id(new))  # fmt: skip

    async def once() -> None:
        crashpoint("target.advance")
        done = await as_user(place, *words, action=why)
        killpoint("target.advanced")
        if done.code != 0:
            said = f"git would not bring {place.work_tree} along: {last_words(done.err)}"
            if "index.lock" in done.err:  # the editor of a commit, an IDE; nothing was begun yet
                raise Busy(said, "End what another git is doing there (or delete that file when none is)")
            raise GitError(said)

    await patiently(once)


async def push(repository: Repository, branch: str) -> str:
    """Push ``branch`` to ``origin`` under its own name, with the user's credentials and hooks; never
    forced. Gives the address that the remote said to visit, if any. Raises GitError with git's words."""
    place = Place(repository.git_dir, repository.root)
    ref = f"refs/heads/{branch}"
    done = await as_user(place, "push", "origin", f"{ref}:{ref}", session=False)
    if done.code != 0:
        raise GitError(f"git could not push {branch} to origin: {last_words(done.err)}")
    said = re.search(r"^remote:.*?(https?://\S+)", done.err, re.MULTILINE)
    return said[1] if said else ""


async def has_origin(repository: Repository) -> bool:
    """Whether there is a remote called ``origin``."""
    return bool(await origin_of(repository))


async def origin_of(repository: Repository) -> str:
    """Where ``origin`` is; "" when there is none."""
    return await _config(repository, "remote.origin.url")


async def default_branch(repository: Repository) -> str:
    """The branch that ``origin`` takes for its main one, as far as a clone knows; else the one that is
    checked out; "" for none."""
    place = Place(repository.common_dir, repository.common_dir)
    words = ("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    known = (await run(place, *words, fine=(0, 1, 128))).text
    return known.removeprefix("origin/") or repository.branch


async def as_user(place: Place, *words: str, action: str = "", session: bool = True) -> Finished:
    """Run git as the user would in a shell there. In a session of its own Ctrl-C in the terminal does not
    end it among files half written; without one it can ask for a password. It is waited for in any case.
    Raises GitError where it would run what a repository brings that nobody trusts."""
    env = plain_environment() | {"GIT_CEILING_DIRECTORIES": str(place.work_tree.parent)}
    env |= restraint.as_user(place.git_dir, place.work_tree, words[0])
    if action:
        env["GIT_REFLOG_ACTION"] = action

    def work() -> Finished:
        command = [executable(), "-C", str(place.work_tree), *words]
        killpoint(f"git.{words[0]}.as-user")
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=session,
            check=False,
        )
        return Finished(done.returncode, done.stdout, decoded(done.stderr))

    thread = asyncio.ensure_future(asyncio.to_thread(work))
    cancelled = False
    while not thread.done():
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    return thread.result()
