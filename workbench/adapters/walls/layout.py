"""What a command behind the walls sees: bubblewrap's options, in the order in which they count.

Git's part stands on how git keeps its files (gitrepository-layout(5)). A linked worktree names the shared
directory in a file ``commondir``; here that names a folder in memory instead, full of links into the real
one. For git takes ``packed-refs.lock`` in the shared directory whenever it deletes a ref, were it only
CHERRY_PICK_HEAD after a commit, and the real one is read-only. ``packed-refs`` is reached by a chain of
links, since git resolves five of them before it puts the lock next to the last (MAXDEPTH of its lockfile.c):
so locks are made in memory, and the file that is read is always the real one of the moment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import workbench
from workbench.adapters.walls.places import CACHES, DOORS, SCRATCH, secret_places

Kind = Literal["teammate", "set-up", "gate"]

FILE_RIGHTS = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SETGID", "CAP_SETUID")
"""What root keeps: with less, installers fail that unpack others' files. None of them moves a mount."""

GIT_LINKS = ("HEAD", "config", "description", "hooks", "info", "logs", "objects", "refs", "shallow",
             "worktrees", "modules", "lfs", "rr-cache", "sequencer", "svn")  # fmt: skip
"""What there may be in git's shared directory besides ``packed-refs``, now or later."""

FIXED = ("commondir", "gitdir", "locked", "config.worktree", "workbench-lent", "workbench-ready")
"""Files of git's folder about a worktree by which git, or workbench, would be led elsewhere."""

CHAIN = 6

DEVICES = Path("/dev")
"""Replaced, too; people keep files in ``/dev/shm``. A device that is bound read-only is of no use."""

CACHE = "cache"
"""The folder of caches beside a run's worktrees; see ``places.CACHES``."""

NOTES = ("notes.db", "notes.db-wal", "notes.db-shm")

Words = list[str]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a run stands. ``common`` is git's shared directory, ``state`` workbench's in it, ``root`` the
    user's checkout, ``worktrees`` the folder of the run's worktrees, ``pointer`` a file that holds
    ``git_view`` and a newline. ``write`` and ``read`` are what settings open: absolute, below ``~``, or
    relative to the checkout. ``logins`` is Claude Code's folder where it is not the usual one."""

    bwrap: str
    run: str
    root: Path
    common: Path
    state: Path
    worktrees: Path
    pointer: Path
    home: Path
    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    gate_network: bool = False
    logins: str = ""

    @property
    def git_view(self) -> Path:
        """What is git's shared directory for a command behind the walls."""
        return self.state / "git"

    def opened(self, places: Iterable[str]) -> list[Path]:
        """The places that settings name, as absolute paths, those above first."""
        home = str(self.home)
        full = (home + it[1:] if it == "~" or it.startswith("~/") else str(self.root / it) for it in places)
        return sorted({Path(os.path.realpath(path)) for path in full}, key=lambda path: len(path.parts))


def options(ground: Ground, cwd: Path, kind: Kind, *, path: str, report: Path | None = None) -> Words:
    """bubblewrap's options for a command of a ``kind`` in the worktree ``cwd``. ``path`` is the command's
    PATH; ``report`` a file that it may write besides."""
    write = ground.opened(ground.write)
    words = ["--die-with-parent", "--unshare-pid", "--unshare-ipc"]
    if kind == "gate" and not ground.gate_network:
        words.append("--unshare-net")
    if os.geteuid() == 0:
        words += ["--cap-drop", "ALL", *(word for name in FILE_RIGHTS for word in ("--cap-add", name))]
    words += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    words += _hidden_doors(ground, write)
    scratch = _scratch()
    for folder in scratch:
        words += ["--tmpfs", str(folder)]
    for place in _needed(ground, path):
        shared = place.is_relative_to(DEVICES) and place != DEVICES and (place.is_dir() or place.is_file())
        if shared or any(place.is_relative_to(it) for it in scratch):
            words += ["--ro-bind-try", str(place), str(place)]
    inside = [place for place in write if place.is_relative_to(ground.root)]
    for place in write:
        if place not in inside:
            how = "--dev-bind-try" if place.is_relative_to("/dev") else "--bind-try"
            words += [how, str(place), str(place)]
    words += ["--ro-bind", str(ground.root), str(ground.root)]
    for place in inside:
        words += ["--bind-try", str(place), str(place)]
    words += ["--ro-bind", str(ground.common), str(ground.common)]
    words += _own_folders(ground, cwd)
    if report is not None:
        words += ["--bind", str(report.parent), str(report.parent)]
    words += _git(ground, cwd, kind)
    words += _secrets(ground, [*write, *ground.opened(ground.read)])
    return [*words, "--chdir", str(cwd)]


def git_options(ground: Ground, cwd: Path) -> Words:
    """bubblewrap's options that leave a teammate in the worktree ``cwd`` the same of git, to be put after
    those of a sandbox that is not ours, when ``starter.make_ready`` has been here."""
    common = str(ground.common)
    return ["--ro-bind", common, common, *_git(ground, cwd, "teammate")]


def cache_of(ground: Ground, cwd: Path) -> Path:
    """The folder for caches of commands in a worktree: gates share one, and no teammate's is theirs."""
    name = "gates" if cwd.parent.name == "gates" else f"{cwd.parent.name}-{cwd.name}"
    return ground.worktrees / CACHE / name


def cache_variables(folder: Path) -> dict[str, str]:
    """The variables that send tools to ``folder`` for their caches."""
    return {name: str(folder / below) for name, below in CACHES.items()}


def hides(ground: Ground, file: Path, path: str) -> bool:
    """Whether a command with the PATH ``path`` does not see ``file`` behind the walls since it lies where
    each has a folder of its own. Of logins and sockets it says nothing."""
    at = Path(os.path.realpath(file))
    if not any(at.is_relative_to(it) for it in (*_scratch(), DEVICES)):
        return False
    shown = (ground.root, ground.common, *ground.opened(ground.write), *_needed(ground, path))
    return not any(at.is_relative_to(os.path.realpath(it)) for it in shown)


def _scratch() -> list[Path]:
    return [Path(place) for place in map(os.path.realpath, SCRATCH) if os.path.isdir(place)]  # noqa: PTH112


def _needed(ground: Ground, path: str) -> list[Path]:
    """Where programs run from, this one among them, HOME, and what settings open: to be seen even where all
    else is hidden."""
    programs = [Path(place) for place in (sys.prefix, sys.base_prefix, *path.split(os.pathsep))]
    return [*programs, Path(workbench.__file__).parent.parent, ground.home, *ground.opened(ground.read)]


def _own_folders(ground: Ground, cwd: Path) -> Iterator[str]:
    """Its worktree, and none of the others of this repository."""
    others = ground.worktrees.parent
    yield from ("--tmpfs", str(others))
    for own in (cwd, cache_of(ground, cwd)):
        yield from ("--bind", str(own), str(own))
    yield from ("--remount-ro", str(others))


def _git(ground: Ground, cwd: Path, kind: Kind) -> Iterator[str]:
    common, view = str(ground.common), str(ground.git_view)
    admin = admin_of(ground, cwd)
    pointer = cwd / ".git"
    if pointer.is_file() and not pointer.is_symlink():
        yield from ("--ro-bind", str(pointer), str(pointer))
    if kind == "teammate":
        yield from ("--bind", f"{common}/objects", f"{common}/objects")
        for name in ("objects/pack", "objects/info"):
            yield from ("--ro-bind-try", f"{common}/{name}", f"{common}/{name}")
        branches = f"{common}/refs/heads/workbench/{ground.run}"
        yield from ("--bind", branches, branches)
        # Git follows links to where it logs: of the logs it gets its own only, as a file that stays one.
        yield from ("--tmpfs", f"{common}/logs/refs/heads/workbench/{ground.run}")
        if admin is not None and (log := log_of(ground, admin)) is not None and log.is_file():
            yield from ("--bind", str(log), str(log))
    yield from ("--tmpfs", str(ground.state))
    for name in NOTES:
        yield from ("--ro-bind-try", f"{ground.state}/{name}", f"{ground.state}/{name}")
    if admin is not None:
        yield from ("--bind", str(admin), str(admin))
        for name in FIXED:
            if name != "commondir" and (admin / name).is_file():
                yield from ("--ro-bind", f"{admin}/{name}", f"{admin}/{name}")
        yield from ("--ro-bind", str(ground.pointer), f"{admin}/commondir")
        yield from ("--tmpfs", view)
        for name in GIT_LINKS:
            yield from ("--symlink", f"{common}/{name}", f"{view}/{name}")
        yield from ("--symlink", "..", f"{view}/workbench")
        yield from _packed(common, view)
    yield from ("--remount-ro", str(ground.state))


def log_of(ground: Ground, admin: Path) -> Path | None:
    """Where git logs the branch of the run that a worktree is on; None where it is on another."""
    head = admin / "HEAD"
    branch = head.read_text(errors="replace").strip() if head.is_file() and not head.is_symlink() else ""
    folder, _, name = branch.removeprefix("ref: ").rpartition("/")
    if folder != f"refs/heads/workbench/{ground.run}" or not name or name in (".", ".."):
        return None
    return ground.common / "logs" / folder / name


def _packed(common: str, view: str) -> Iterator[str]:
    """See the module. The folder at the end is in the way of ``git pack-refs``, which would delete the refs'
    own files once it has written its list, here, where nobody else sees it."""
    names = ["packed-refs", *(f"packed-{number}" for number in range(1, CHAIN))]
    for name, to in zip(names, [*names[1:], f"{common}/packed-refs"], strict=True):
        yield from ("--symlink", to, f"{view}/{name}")
    yield from ("--dir", f"{view}/{names[-1]}.new")


def admin_of(ground: Ground, cwd: Path) -> Path | None:
    """Git's folder about the worktree; None where that is no worktree of the repository (any more)."""
    try:
        line = (cwd / ".git").read_text(errors="surrogateescape")
    except OSError:
        return None
    admin = Path(os.path.realpath(cwd / line.removeprefix("gitdir: ").rstrip("\n")))
    if admin.parent != Path(os.path.realpath(ground.common / "worktrees")):
        return None
    return admin if (admin / "commondir").is_file() else None


def _hidden_doors(ground: Ground, write: Sequence[Path]) -> Iterator[str]:
    for place in DOORS:
        if not any(Path(place).is_relative_to(it) or it.is_relative_to(place) for it in write):
            yield from _covered(Path(os.path.realpath(place)))


def _secrets(ground: Ground, opened: Sequence[Path]) -> Iterator[str]:
    """Nothing is where logins are kept, unless settings name the place, or a folder of it below HOME."""
    home = Path(os.path.realpath(ground.home))
    named = [place for place in opened if not home.is_relative_to(place)]
    for secret in secret_places(home, ground.logins):
        place = Path(os.path.realpath(secret))
        if not any(place.is_relative_to(it) for it in named):
            yield from _covered(place)


def _covered(place: Path) -> Iterator[str]:
    if place.is_dir():
        yield from ("--tmpfs", str(place), "--remount-ro", str(place))
    elif os.path.lexists(place):
        yield from ("--ro-bind", "/dev/null", str(place))
