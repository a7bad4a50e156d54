"""Where the user's repository is and what state it is in."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.adapters.git.process import Place, environment, executable, run
from workbench.adapters.git.status import parse
from workbench.errors import GitError, SetupError

if TYPE_CHECKING:
    from git import Repo

OLDEST_GIT = (2, 38)
"""The first git whose ``merge-tree`` merges without a working tree."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as it was when it was opened.

    ``root`` is the working tree workbench was called in (a linked worktree's own), ``common_dir``
    what all its worktrees share, ``head`` the commit checked out there, ``branch`` its short name or
    "" when HEAD is detached, ``dirty`` the paths that differ from ``head`` or are untracked.
    """

    root: Path
    git_dir: Path
    common_dir: Path
    head: str
    branch: str
    dirty: tuple[str, ...]
    is_shallow: bool
    has_submodules: bool
    has_identity: bool
    git_version: tuple[int, ...]

    @property
    def state_dir(self) -> Path:
        """Where workbench keeps its log, lock and logs."""
        return self.common_dir / "workbench"


async def open_repository(where: Path) -> Repository:
    """Find the repository that holds ``where``, or a sub-folder's.

    Raises SetupError, a sentence and a hint, for: git missing or too old, no repository, a bare one,
    one without commits, and formats that cannot be handled (SHA-256 objects, reftable).
    """
    version = git_version()
    if not where.is_dir():
        raise SetupError(f"{where} is not a directory.", "Name a directory inside a git repository.")
    root, git_dir, common_dir = _discover(where)
    place = Place(git_dir, root)
    words = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=normal")
    seen = parse((await run(place, *words)).out)
    if seen.head is None:
        raise SetupError(
            f"The repository in {root} has no commits yet.", 'Make one: git add -A && git commit -m "first"'
        )
    identity = await run(place, "config", "--get", "user.email", fine=(0, 1), extra={"GIT_CONFIG_COUNT": "0"})
    return Repository(
        root=root,
        git_dir=git_dir,
        common_dir=common_dir,
        head=seen.head,
        branch=seen.branch,
        dirty=tuple(entry.path for entry in seen.entries),
        is_shallow=(common_dir / "shallow").exists(),
        has_submodules=(root / ".gitmodules").is_file(),
        has_identity=bool(identity.text or os.environ.get("GIT_AUTHOR_EMAIL")),
        git_version=version,
    )


async def resolve(repository: Repository, ref: str) -> str:
    """The commit ``ref`` (a branch, tag, id, ``HEAD~2``…) stands for; SetupError when none."""
    place = Place(repository.git_dir, repository.root)
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    try:
        found = (await run(place, *words, fine=(0, 1))).text
    except GitError:
        found = ""
    if not re.fullmatch(r"[0-9a-f]{40}", found):
        raise SetupError(
            f"{ref!r} is not a commit of {repository.root}.", "Name a branch, a tag or a commit."
        )
    return found


def git_version() -> tuple[int, ...]:
    """The version of the git on PATH; SetupError when there is none or it is too old."""
    try:
        said = subprocess.run([executable(), "version"], capture_output=True, env=environment(), check=True)
    except (GitError, OSError, subprocess.CalledProcessError) as missing:
        raise SetupError("git could not be run.", "Install git 2.38 or newer.") from missing
    match = re.search(rb"(\d+)\.(\d+)(?:\.(\d+))?", said.stdout)
    version = tuple(int(part) for part in match.groups() if part) if match else (0,)
    if version < OLDEST_GIT:
        shown = ".".join(map(str, version))
        raise SetupError(f"git {shown} is too old to merge in memory.", "Install git 2.38 or newer.")
    return version


def _discover(where: Path) -> tuple[Path, Path, Path]:
    """Root, git directory and common directory; GitPython knows all the ways these are laid out."""
    import git

    try:
        with closing(git.Repo(where, search_parent_directories=True)) as repo:
            return _located(repo, where)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError) as missing:
        hint = "Change to your repository, or make one: git init"
        raise SetupError(f"{where} is not inside a git repository.", hint) from missing


def _located(repo: Repo, where: Path) -> tuple[Path, Path, Path]:
    with repo.config_reader("repository") as config:
        objects = str(config.get_value("extensions", "objectformat", "sha1")).lower()
        refs = str(config.get_value("extensions", "refstorage", "files")).lower()
    if objects != "sha1" or refs != "files":
        raise SetupError(
            f"The repository in {where} uses {objects if objects != 'sha1' else refs}, "
            "which workbench cannot handle yet.",
            "Use a clone with SHA-1 objects and refs in files.",
        )
    if repo.bare or repo.working_tree_dir is None:
        raise SetupError(
            f"{where} is a bare repository: there is nothing to work in.", "Call workbench in a clone of it."
        )
    root = Path(repo.working_tree_dir).resolve()
    git_dir = Path(repo.git_dir)
    return root, (root / git_dir).resolve(), (root / Path(repo.common_dir)).resolve()
