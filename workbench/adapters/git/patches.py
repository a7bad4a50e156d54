"""Diffs for people to read: of a worktree as it stands, and between commits. Nothing is written to the
repository, and nothing of its configuration is run."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.adapters.git.administration import Linked, linked_at
from workbench.adapters.git.objects import full_id
from workbench.adapters.git.placeholders import EMPTY_BLOB, sorted_out
from workbench.adapters.git.process import Place, decoded, encoded, opening, run
from workbench.adapters.git.repository import Repository
from workbench.adapters.git.status import status_of
from workbench.errors import GitError

MOST = 4_000_000
"""Bytes of a diff that are read."""

WORDS = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-relative", "--find-renames",
         "--unified=3", "--inter-hunk-context=0", "--submodule=short", "--ignore-submodules=dirty",
         "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=histogram")  # fmt: skip
"""Everything that a configuration may turn round is given. No submodule is looked into: git would run with
that one's configuration."""

ALONE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ATTR_NOSYSTEM": "1"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A unified diff as text. ``cut`` says that it is only the beginning of one that is longer; ``base`` is
    the commit it is against, ``left_out`` the folders of other repositories in it, which no commit holds."""

    text: str
    cut: bool
    base: str
    left_out: tuple[str, ...] = ()


async def worktree_diff(repository: Repository, worktree: Path, against: Sequence[str]) -> Reading:
    """All that a linked worktree holds, uncommitted and untracked included, against where it parted from the
    first of ``against`` (refs or commits) that is there.

    Raises GitError when the worktree or all of these are gone. Cancelling ends git.
    """
    linked = _linked(worktree, repository.common_dir)
    place = await _unfiltered(linked.place)
    status = await status_of(place)
    if status.head is None:
        raise GitError(f"The branch of {worktree} has no commit.")
    base = await _parting(place, against)
    left = sorted_out(status.entries, worktree)
    unmerged = [entry.path for entry in status.entries if entry.kind == "u"]
    untracked = {entry.path for entry in status.entries if entry.kind == "?"}
    fresh = {path for path in left.work if path in untracked and not _laid(worktree, path)}
    if not fresh and not unmerged:
        text, cut = await opening(place, *WORDS, base, "--", most=MOST)
        return Reading(text, cut, base, left.nested)
    with tempfile.TemporaryDirectory(prefix="workbench-diff-", ignore_cleanup_errors=True) as folder:
        index = Path(folder) / "index"
        with suppress(FileNotFoundError):
            await asyncio.to_thread(shutil.copyfile, linked.admin / "index", index)
        extra = {"GIT_INDEX_FILE": str(index)}
        feed = b"".join(b"0 " + b"0" * 40 + b"\t" + encoded(path) + b"\0" for path in unmerged)
        for path in (*unmerged, *sorted(fresh)):
            feed += b"100644 " + EMPTY_BLOB.encode() + b" 0\t" + encoded(path) + b"\0"
        await run(place, "update-index", "-z", "--index-info", feed=feed, extra=extra)
        text, cut = await opening(place, *WORDS, base, "--", most=MOST, extra=extra)
        return Reading(text, cut, base, left.nested)


async def commit_diff(repository: Repository, old: str, new: str) -> Reading:
    """What differs between two commits or trees, by their full ids. Raises GitError when one is not there."""
    place = Place(repository.common_dir, repository.state_dir, ALONE)
    if not repository.state_dir.is_dir():
        place = Place(repository.common_dir, repository.common_dir, ALONE)
    text, cut = await opening(place, *WORDS, full_id(old), full_id(new), "--", most=MOST)
    return Reading(text, cut, old)


def _linked(worktree: Path, common_dir: Path) -> Linked:
    """The linked worktree, one of ours or a user's own. Only what belongs to the repository counts: another
    one's configuration is not looked at."""
    ours = linked_at(worktree, common_dir)
    if ours.admin.is_dir() or not worktree.is_dir() or worktree.is_symlink():
        ours.check()
        return ours
    try:
        pointer = (worktree / ".git").read_text(errors="surrogateescape").strip().removeprefix("gitdir: ")
        admin = (worktree / pointer).resolve()
    except OSError:
        pointer, admin = "", Path()
    if not pointer or admin.parent != common_dir / "worktrees":
        raise GitError(f"{worktree} is no worktree of this repository any more.")
    linked = Linked(worktree, admin, common_dir)
    linked.check()
    return linked


def _laid(worktree: Path, path: str) -> bool:
    """Whether this is an empty file that a sandbox lays below ``.claude`` for as long as a command runs. It
    is gone when work is collected, but a diff is read at any time."""
    try:
        return path.startswith(".claude/") and (worktree / path).lstat().st_size == 0
    except OSError:
        return True


async def _parting(place: Place, against: Sequence[str]) -> str:
    for name in against:
        if not name:
            continue
        commit = f"{name}^{{commit}}"
        found = await run(place, "rev-parse", "-q", "--verify", "--end-of-options", commit, fine=(0, 1, 128))
        tip = found.text.splitlines()[-1] if found.code == 0 and found.text else ""
        if len(tip) != 40:
            continue
        parted = await run(place, "merge-base", "HEAD", tip, fine=(0, 1))
        return parted.text.split()[0] if parted.code == 0 else tip
    raise GitError("The integration branch is gone, and so is the commit that the run started from.")


async def _unfiltered(place: Place) -> Place:
    """The place without the filters that its own configuration names: those are programs, and whoever works
    in a worktree may write there. The user's own, as that of git-lfs, stay."""
    words = ("config", "--show-scope", "--null", "--name-only", "--get-regexp", r"^filter\..*")
    said = decoded((await run(place, *words, fine=(0, 1))).out).split("\0")
    names = {
        name for scope, name in zip(said[::2], said[1::2], strict=False) if scope in ("local", "worktree")
    }
    given: list[str] = []
    for filtered in sorted({name.rpartition(".")[0] for name in names}):
        settings = {"clean": "", "smudge": "", "process": "", "required": "false"}
        given += [f"{_quoted(f'{filtered}.{key}')}={_quoted(value)}" for key, value in settings.items()]
    extra = {**ALONE, **({"GIT_CONFIG_PARAMETERS": " ".join(given)} if given else {})}
    return replace(place, extra=extra)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''").replace("!", "'\\!'") + "'"
