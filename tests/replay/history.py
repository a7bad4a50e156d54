"""A repository's two-parent merges, and a scratch repository in which they are made again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git.process import environment, last_words
from workbench.adapters.git.repository import Repository, git_version
from workbench.errors import UsageError


@dataclass(frozen=True, slots=True)
class Merge:
    """A commit of the history with exactly two parents; ``tree`` is what people committed."""

    commit: str
    tree: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A git command that ended."""

    code: int
    out: bytes
    complaint: str


def git(
    where: Path, *words: str, fine: tuple[int, ...] = (0,), extra: Mapping[str, str] | None = None
) -> Finished:
    """Run git in ``where``, free of the caller's configuration. UsageError when its exit code is not fine."""
    env = (
        environment() | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull} | dict(extra or {})
    )
    done = subprocess.run(["git", *words], cwd=where, env=env, capture_output=True, check=False)
    complaint = done.stderr.decode(errors="replace")
    if done.returncode not in fine:
        raise UsageError(f"git {words[0]} failed in {where}: {last_words(complaint)}")
    return Finished(done.returncode, done.stdout, complaint)


def merges(repo: Path, limit: int | None = None) -> list[Merge]:
    """The two-parent merges on any branch, tag or remote branch, newest first."""
    if not repo.is_dir():
        raise UsageError(f"{repo} is not a directory.", "Name a git repository.")
    words = ["log", "--min-parents=2", "--max-parents=2", "--format=%H %T %P"]
    words += [f"--max-count={limit}"] if limit is not None else []
    words += ["--branches", "--tags", "--remotes"]
    if git(repo, "rev-parse", "--verify", "-q", "HEAD", fine=(0, 1)).code == 0:
        words.append("HEAD")
    return [Merge(*line.split()) for line in git(repo, *words).out.decode().splitlines()]


def scratch(repo: Path, folder: Path) -> Repository:
    """An empty repository in ``folder`` that reads the objects of ``repo`` and writes its own."""
    asked = git(repo, "rev-parse", "--show-object-format", "--git-path", "objects", "--git-path", "shallow")
    form, objects, shallow = asked.out.decode(errors="surrogateescape").splitlines()
    if form != "sha1":
        raise UsageError(f"{repo} uses {form} objects, which cannot be replayed.", "Use a clone with SHA-1.")
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "replay")
    git_dir = folder / ".git"
    borrowed = (repo / objects).resolve()
    (git_dir / "objects" / "info" / "alternates").write_bytes(os.fsencode(borrowed) + b"\n")
    if (repo / shallow).is_file():
        (git_dir / "shallow").write_bytes((repo / shallow).read_bytes())
    return Repository(
        root=folder,
        git_dir=git_dir,
        common_dir=git_dir,
        head="",
        branch="replay",
        dirty=(),
        is_shallow=(git_dir / "shallow").exists(),
        has_submodules=False,
        has_identity=True,
        git_version=git_version(),
    )
