"""Git's own folder for a linked worktree: made, checked, mended, removed.

The layout is the documented one (gitrepository-layout(5)): ``worktrees/<id>/`` in the common directory
with ``HEAD``, ``commondir``, ``gitdir`` and ``locked``, and a ``.git`` file in the worktree that names it.
It is filled aside and renamed into place, which ``git worktree add`` does not do: so several can be
made at once (git's own loses races on ``commondir``), a kill leaves nothing half made, ``git worktree
prune`` never meets an unfinished one, and it costs a tenth of a millisecond where git's costs six
and more with every worktree that exists.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from workbench.adapters.git.obstacles import clear
from workbench.adapters.git.process import Place
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import GitError

OPERATIONS = ("rebase-merge", "rebase-apply", "sequencer", "MERGE_HEAD", "MERGE_MSG", "MERGE_MODE",
              "MERGE_AUTOSTASH", "CHERRY_PICK_HEAD", "REVERT_HEAD", "SQUASH_MSG", "AUTO_MERGE",
              "BISECT_LOG", "BISECT_START")  # fmt: skip
"""What operations that were begun and not ended leave in the folder."""


log = logging.getLogger(__name__)

LOG_TAIL = 8_192
"""Bytes at the end of a log that hold its last entry, whatever was said there."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A linked worktree: where its files are, and the folder git keeps about it. ``notice`` is told what had
    to be taken out of git's way there."""

    path: Path
    admin: Path
    common_dir: Path
    notice: Callable[[str], None] = field(default=log.warning, compare=False, repr=False)

    @property
    def place(self) -> Place:
        clearing = partial(clear, self.path, self.admin, self.common_dir)
        return Place(self.admin, self.path, clear=clearing, notice=self.notice)

    def problem(self) -> str:
        """Why this is no worktree of its repository any more; "" when it is."""
        if self.path.is_symlink() or not self.path.is_dir():
            return f"The worktree is gone: {self.path}."
        if not (self.admin / "HEAD").is_file() or _line(self.admin / "commondir") != "../..":
            return f"Git's record of the worktree {self.path} is gone or damaged."
        if (self.path / ".git").is_symlink() or _line(self.path / ".git") != f"gitdir: {self.admin}":
            return f"The .git file of the worktree {self.path} was deleted or changed."
        return ""

    def check(self) -> None:
        """GitError when this is no worktree of its repository any more."""
        if problem := self.problem():
            raise GitError(problem, "Its branch and everything pinned is kept; a new attempt makes it anew.")

    def heads(self, name: str) -> tuple[str, ...]:
        """Commit ids in one of the folder's files, such as ``MERGE_HEAD``; () when there is none."""
        try:
            return tuple((self.admin / name).read_text().split())
        except (FileNotFoundError, NotADirectoryError):
            return ()

    def last_tip(self) -> str:
        """Where HEAD was after the last command in this worktree that moved it, by its log; "" when that is
        not known."""
        try:
            with (self.admin / "logs" / "HEAD").open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL))
                entry = log.read().rstrip(b"\n").rpartition(b"\n")[2]
        except OSError:
            return ""
        tip = entry[41:81].decode("ascii", "replace")
        return tip if len(tip) == 40 and tip.strip("0") else ""

    def operation(self) -> bool:
        """Whether a rebase, cherry-pick or the like (not a merge) was begun and not ended."""
        names = ("rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD", "sequencer")
        return any((self.admin / name).exists() for name in names)

    def drop_operations(self) -> None:
        """Forget operations in progress; the caller has kept what they held."""
        for name in OPERATIONS:
            _delete(self.admin / name)


def linked_at(path: Path, common_dir: Path, notice: Callable[[str], None] = log.warning) -> Linked:
    """The worktree that belongs at ``path``, there or not: its folder's name follows from the path."""
    path = path.absolute()
    mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:10]
    return Linked(path, common_dir / "worktrees" / f"workbench-{path.name}-{mark}", common_dir, notice)


def establish(linked: Linked, head: str, why: str) -> bool:
    """Make or mend what git needs for ``linked``; gives whether it was made new.

    ``head`` is the content of a new ``HEAD``: a commit id or ``ref: refs/heads/…``. Files in the
    worktree stay as they are, and so do an existing HEAD and index. A ``.git`` that is not ours
    (an agent ran ``git init``) is set aside in the run's ``kept`` folder. Locked against ``git worktree
    prune`` and ``remove``.
    """
    new = not linked.path.is_dir() or not (linked.admin / "HEAD").is_file()
    crashpoint("worktree.make")
    linked.path.mkdir(parents=True, exist_ok=True)
    killpoint("worktree.folder")
    if not (linked.admin / "HEAD").is_file() or _line(linked.admin / "commondir") != "../..":
        _make_admin(linked, head, why)
    pointer = linked.path / ".git"
    if pointer.is_symlink() or _line(pointer) != f"gitdir: {linked.admin}":
        if pointer.is_symlink() or pointer.exists():
            set_aside(pointer, linked.path.parent.parent / "kept")
        crashpoint("worktree.pointer")
        _write(pointer, f"gitdir: {linked.admin}\n")
        killpoint("worktree.made")
    return new


def demand_ours(linked: Linked, root: Path) -> None:
    """Before files go: nothing that workbench did not make is ever removed. GitError unless the worktree
    stands where those of the run with the folder ``root`` do."""
    if linked.path.parent != (root / "team").absolute():
        raise GitError(f"{linked.path} is not workbench's to remove.", "Remove it yourself.")


def drop(linked: Linked) -> None:
    """Remove the worktree's files and git's folder about it. The caller has pinned what it held."""
    crashpoint("worktree.drop")
    shutil.rmtree(linked.path, ignore_errors=True)
    killpoint("worktree.half-dropped")
    if linked.path.is_dir() and not linked.path.is_symlink():
        _unlock(linked.path)
        shutil.rmtree(linked.path, ignore_errors=True)
    if linked.path.exists():
        raise GitError(f"{linked.path} could not be removed.", "Check its permissions, then try again.")
    _delete(linked.admin)


def dismiss(linked: Linked, trash: Path) -> None:
    """Remove the worktree as ``drop`` does, its files by moving them into ``trash`` for ``empty``."""
    if linked.path.is_dir():
        trash.mkdir(parents=True, exist_ok=True)
        crashpoint("worktree.dismiss")
        linked.path.rename(Path(tempfile.mkdtemp(dir=trash)) / linked.path.name)
        killpoint("worktree.half-dismissed")
    _delete(linked.admin)
    killpoint("worktree.dismissed")


def empty(trash: Path) -> None:
    """Delete what is in ``trash``. One program does it, several times as fast as Python would.

    Links are deleted and not followed. Raises GitError when something stays."""
    if trash.is_dir() and not trash.is_symlink():
        crashpoint("trash.empty")
        command = ["rm", "-rf", "--", str(trash)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0:  # Go's module cache, for one, is made of folders that nobody may write
            _unlock(trash)
            done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0:
            raise GitError(f"{trash} could not be deleted.", "Check its permissions, then delete it.")


def _unlock(folder: Path) -> None:
    """Let the user write in every folder below ``folder``, as far as they may. No link is followed."""
    for where, names, _ in os.walk(folder):
        for path in (Path(where, name) for name in names):
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(0o700)


def set_aside(what: Path, folder: Path) -> Path:
    """Move ``what`` into ``folder`` under a name that is free; gives its new place."""
    crashpoint("aside.move")
    folder.mkdir(parents=True, exist_ok=True)
    target = Path(tempfile.mkdtemp(prefix=f"{what.parent.name}-", dir=folder)) / what.name
    shutil.move(what, target)
    return target


def _make_admin(linked: Linked, head: str, why: str) -> None:
    parent = linked.admin.parent
    parent.mkdir(exist_ok=True)
    aside = linked.common_dir / "workbench"
    aside.mkdir(exist_ok=True)
    crashpoint("worktree.draft")
    draft = aside / f"worktree-{linked.admin.name}"  # what a kill left of an earlier one is made anew
    _delete(draft)
    draft.mkdir(mode=0o700)
    try:
        _fill(draft, linked, head, why)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    killpoint("worktree.known")


def _fill(draft: Path, linked: Linked, head: str, why: str) -> None:
    """Write git's record of a worktree aside, and put it in its place."""
    old_index = linked.admin / "index"
    if old_index.is_file():
        shutil.copy2(old_index, draft / "index")
    for name, line in (
        ("HEAD", head),
        ("commondir", "../.."),
        ("gitdir", str(linked.path / ".git")),
        ("locked", why),
    ):
        (draft / name).write_text(line + "\n")
    draft.chmod(0o755)
    crashpoint("worktree.drafted")
    _delete(linked.admin)
    draft.rename(linked.admin)


def _line(path: Path) -> str:
    """The one line in a small file; "" when there is no such file."""
    try:
        return path.read_text(errors="surrogateescape").rstrip("\n") if path.is_file() else ""
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_text(text)
    draft.replace(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
