"""Where the user's repository is and what state it is in."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git.process import Place, decoded, environment, executable, last_words, run
from workbench.adapters.git.restraint import Configured, configured, restrain
from workbench.adapters.git.status import parse
from workbench.errors import GitError, SetupError

OUR_OWN = {"GIT_CONFIG_COUNT": "0"}
"""Asked without our own settings, which would hide the repository's."""

LISTING = ("config", "--list", "--show-scope", "--includes", "-z")

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
    found = await configuration(place)
    if (refs := found.values.get("extensions.refstorage", "files").lower()) != "files":
        raise _unusable(where, refs)
    restrain(common_dir, found)  # before anything is asked that looks at files
    words = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=normal",
             # Git would look into each with a configuration of its own, which nobody has read.
             "--ignore-submodules=dirty")  # fmt: skip
    seen = parse((await run(place, *words)).out)
    if seen.head is None:
        raise SetupError(
            f"The repository in {root} has no commits yet.",
            'Make one: git add -A && git commit --allow-empty -m "first"',
        )
    return Repository(
        root=root,
        git_dir=git_dir,
        common_dir=common_dir,
        head=seen.head,
        branch=seen.branch,
        dirty=tuple(entry.path for entry in seen.entries),
        is_shallow=(common_dir / "shallow").exists(),
        has_submodules=(root / ".gitmodules").is_file(),
        has_identity=bool(found.values.get("user.email") or os.environ.get("GIT_AUTHOR_EMAIL")),
        git_version=version,
    )


async def resolve(repository: Repository, ref: str) -> str:
    """The commit ``ref`` (a branch, tag, id, ``HEAD~2``…) stands for; SetupError when none."""
    if ref == "HEAD":
        return repository.head
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
    """Root, git directory and common directory, as git itself finds them. One process: GitPython knows
    the same, and takes twenty times as long to be imported as git does to answer."""
    questions = ("--is-bare-repository", "--show-object-format", "--absolute-git-dir", "--git-common-dir")
    command = [executable(), "rev-parse", *questions, "--show-toplevel"]
    done = subprocess.run(command, cwd=where, capture_output=True, env=environment(), check=False)
    answers = decoded(done.stdout).split("\n")[:-1]
    if not answers:
        said = last_words(decoded(done.stderr))
        if "not a git repository" in said:
            raise SetupError(
                f"{where.absolute()} is not inside a git repository.",
                "Change to your repository, or make one: git init",
            )
        raise SetupError(f"git cannot use the repository in {where}: {said}", "Mend that, then try again.")
    if answers[0] == "true" or len(answers) < 5:
        raise SetupError(
            f"{where} is a bare repository: there is nothing to work in.", "Call workbench in a clone of it."
        )
    if len(answers) > 5:
        raise SetupError(f"The path of {where} has a line break in it.", "Rename that folder.")
    _, objects, git_dir, common_dir, root = answers
    if objects != "sha1":
        raise _unusable(where, objects)
    top, own = Path(root).resolve(), Path(git_dir).resolve()
    if not owns(top, own):  # else we would take somebody's whole home for the files of a repository in it
        raise SetupError(
            f"The repository in {where} says that its files are in {top}, which has no `.git` of it.",
            "`core.worktree` in its configuration says so; git config --unset core.worktree takes that back.",
        )
    return top, own, (where / common_dir).resolve()


async def configuration(place: Place) -> Configured:
    """The repository's configuration, as it is now. Runs nothing of it."""
    return configured(decoded((await run(place, *LISTING, extra=OUR_OWN)).out))


def owns(root: Path, git_dir: Path) -> bool:
    """Whether the working tree in ``root`` is one of the repository in ``git_dir`` by its own ``.git``."""
    pointer = root / ".git"
    try:
        if pointer.is_dir():
            return pointer.resolve() == git_dir
        line = pointer.read_text(errors="surrogateescape")
    except OSError:
        return False
    return (root / line.removeprefix("gitdir:").strip()).resolve() == git_dir


def _unusable(where: Path, form: str) -> SetupError:
    return SetupError(
        f"The repository in {where} uses {form}, which workbench cannot handle yet.",
        "Use a clone with SHA-1 objects and refs in files.",
    )
