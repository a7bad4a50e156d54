"""The repository: what it holds that a run handles in its own way, and how it is configured."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from workbench import config
from workbench.adapters.git.process import Place, decoded, run
from workbench.adapters.git.repository import Repository
from workbench.adapters.lock import owner
from workbench.config import Settings
from workbench.doctor.finding import Finding


def head(repository: Repository) -> Finding:
    """Where a run would start."""
    commit = repository.head[:10]
    if repository.branch:
        return Finding("repository", "ok", f"{repository.root}, on {repository.branch} at {commit}.")
    return Finding(
        "repository", "warn", f"{repository.root} is at {commit} with HEAD detached.",
        "A run works from here, but has no branch to land on: switch to one if you want `workbench land`.",
    )  # fmt: skip


def changes(repository: Repository) -> Finding:
    """Work that a run would not see, since it starts from the commit."""
    count = len(repository.dirty)
    if not count:
        return Finding("changes", "ok", "The working tree is clean.")
    some = ", ".join(repository.dirty[:3]) + (", …" if count > 3 else "")
    return Finding(
        "changes", "warn", f"{count} uncommitted {'change' if count == 1 else 'changes'} ({some}).",
        "A run starts from the last commit and leaves these alone: commit what teammates should have.",
    )  # fmt: skip


def identity(repository: Repository) -> Finding | None:
    """Whose name commits get; None when there is one."""
    if repository.has_identity:
        return None
    return Finding(
        "identity", "warn", "git has no user.name and user.email here.",
        'Set them: git config --global user.name "…" and user.email "…"',
    )  # fmt: skip


def history(repository: Repository) -> Finding | None:
    """A shallow clone; None when it is whole."""
    if not repository.is_shallow:
        return None
    return Finding(
        "history", "warn", "This is a shallow clone: teammates see only its last commits.",
        "Fetch the rest if they need it: git fetch --unshallow",
    )  # fmt: skip


def submodules(repository: Repository, settings: Settings) -> Finding | None:
    """Submodules, which git leaves empty in new worktrees; None when there are none."""
    if not repository.has_submodules or any("submodule" in command for command in settings.setup):
        return None
    return Finding(
        "submodules", "warn", "There are submodules, and they stay empty in teammates' worktrees.",
        'Set setup = ["git submodule update --init --recursive"] if the work or the gates need them.',
    )  # fmt: skip


HOOKS = ("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "post-checkout")
"""Those that a teammate's own git runs."""


async def hooks(repository: Repository) -> Finding | None:
    """Hooks that teammates' commits will run; None when there are none."""
    place = Place(repository.git_dir, repository.root)
    # Asked without our own settings, which name no folder at all.
    words = ("rev-parse", "--path-format=absolute", "--git-path", "hooks")
    asked = await run(place, *words, extra={"GIT_CONFIG_COUNT": "0"})
    folder = Path(asked.text)
    found = [name for name in HOOKS if os.access(folder / name, os.X_OK) and (folder / name).is_file()]
    if not found:
        return None
    return Finding(
        "hooks", "warn", f"Teammates' own commits run {' and '.join(found[:3])} from {folder}.",
        "See that they work in a fresh worktree (setup = […] brings what they need); workbench runs none.",
    )  # fmt: skip


async def sparse(repository: Repository) -> Finding | None:
    """A sparse checkout, which teammates do not inherit; None when it is whole."""
    place = Place(repository.git_dir, repository.root)
    if not await _is_on(place, "core.sparseCheckout"):
        return None
    return Finding(
        "sparse", "warn", "This checkout is sparse; teammates and gates get every file.",
        "Set sparse = true to give teammates the folders of their task only. Yours stays as it is.",
    )  # fmt: skip


async def _is_on(place: Place, key: str) -> bool:
    """Whether a setting of git's is on; one that is not there is off."""
    return (await run(place, "config", "--type=bool", "--get", key, fine=(0, 1))).text == "true"


async def large_files(repository: Repository, env: Mapping[str, str]) -> Finding | None:
    """Git LFS; None when nothing is kept in it."""
    place = Place(repository.git_dir, repository.root)
    words = (
        "grep",
        "--cached",
        "-I",
        "-l",
        "-z",
        "-e",
        "filter=lfs",
        "--",
        ".gitattributes",
        "**/.gitattributes",
    )
    if not (await run(place, *words, fine=(0, 1))).out:
        return None
    if shutil.which("git-lfs", path=env.get("PATH")):
        return Finding("large files", "ok", "Files are kept in Git LFS, which is installed.")
    return Finding(
        "large files", "warn", "Files are kept in Git LFS, which is not installed: worktrees hold pointers.",
        "Install git-lfs and run: git lfs install",
    )  # fmt: skip


async def letter_case(repository: Repository) -> Finding | None:
    """Paths that only case tells apart, on a file system that cannot; None when there are none."""
    place = Place(repository.git_dir, repository.root)
    if not await _is_on(place, "core.ignoreCase"):
        return None
    names = [decoded(name) for name in (await run(place, "ls-files", "-z")).out.split(b"\0") if name]
    folded = Counter(name.casefold() for name in names)
    clashing = [name for name in names if folded[name.casefold()] > 1]
    if not clashing:
        return None
    return Finding(
        "letter case", "fail", f"This file system cannot hold both of {' and '.join(clashing[:2])}.",
        "Rename one of each such pair, or work on a file system that minds case.",
    )  # fmt: skip


def gates(settings: Settings) -> Finding:
    """Whether the repository names its gates, or leaves that to each plan."""
    if settings.gates:
        return Finding("gates", "ok", f"Gates: {'; '.join(settings.gates)}")
    return Finding(
        "gates", "warn", "No gates are set here: each plan must name its own.",
        'Set gates = ["your test command"] in workbench.toml.',
    )  # fmt: skip


def settings_file(root: Path) -> Finding:
    """Where the settings come from. Raises UsageError for a file that cannot be used."""
    name, values = config.from_file(root)
    if not name:
        return Finding("settings", "ok", "No settings file: the defaults hold.")
    if name == config.FILE and "[tool.workbench]" in _pyproject(root):
        return Finding(
            "settings", "warn", "workbench.toml is used, so [tool.workbench] in pyproject.toml is not.",
            "Keep one of the two.",
        )  # fmt: skip
    set_here = ", ".join(config.key_of(field) for field in values) or "nothing"
    return Finding("settings", "ok", f"{name} sets {set_here}.")


def _pyproject(root: Path) -> str:
    path = root / "pyproject.toml"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def running(repository: Repository) -> Finding:
    """Whether a run is going on here. Raises LockedError or StoreError where that cannot be told."""
    holder = owner(repository.state_dir)
    if holder is None:
        return Finding("runs", "ok", "No run is going on in this repository.")
    return Finding(
        "runs", "warn", f"Run {holder.run} is going on in this repository (process {holder.pid}).",
        f"Look at it: workbench status {holder.run}",
    )  # fmt: skip
