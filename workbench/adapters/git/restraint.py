"""What a repository's own configuration may not have git run, until somebody has said that it is trusted.

``open_repository`` reads the configuration, which runs nothing, before it asks git anything that could, and
holds what it finds down for this whole process: ``process.environment`` puts something harmless over each
setting, so that every git command of ours goes by it. ``release`` is for who knows that a person trusts the
repository. What was decided in a process stands: opening the repository again does not turn it round.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.trust.gitconfig import exec_setting, neutral, numbered, reaching
from workbench.errors import GitError

LOCAL = ("local", "worktree")
"""Scopes of configuration that are the repository's own, files that they include with them."""

_REACHING = re.compile(r"core\.(sshcommand|askpass)|credential(\..+)?\.helper", re.IGNORECASE | re.DOTALL)

RUNS = {
    "merge": (re.compile(r"filter\..+", re.IGNORECASE | re.DOTALL), ("post-merge", "reference-transaction")),
    "push": (_REACHING, ("pre-push", "reference-transaction")),
    "ls-remote": (_REACHING, ()),
}
"""Commands that are run as the user would: the settings and the hooks without which they are not the same."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A repository's configuration: ``settings`` are its own that run something, ``hooks_path`` the folder of
    hooks that git goes by, if one is set, and ``own`` whether that is the repository's own word. ``values``
    are all settings there are, the last of each key."""

    settings: tuple[tuple[str, str], ...] = ()
    hooks_path: str = ""
    own: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


def configured(listed: str) -> Configured:
    """What ``git config --list --show-scope --includes -z`` printed."""
    parts = listed.split("\0")
    found: list[tuple[str, str]] = []
    values: dict[str, str] = {}
    hooks_path, own = "", False
    for scope, entry in zip(parts[::2], parts[1::2], strict=False):
        key, _, value = entry.partition("\n")
        values[key] = value
        if key.casefold() == "core.hookspath":
            hooks_path, own = value, scope in LOCAL
        if scope in LOCAL and exec_setting(key, value):
            found.append((key, value))
    return Configured(tuple(found), hooks_path, own, values)


_held: dict[Path, Configured] = {}
_decided: set[Path] = set()


def restrain(common_dir: Path, found: Configured, *, decided: bool = False) -> None:
    """Hold down what the repository's configuration runs. Without ``decided`` only where nothing was."""
    if decided:
        _decided.add(common_dir)
    if decided or common_dir not in _decided:
        _held[common_dir] = found


def release(common_dir: Path) -> None:
    """Let the repository's configuration count: it is trusted."""
    _decided.add(common_dir)
    _held.pop(common_dir, None)


def matters(common_dir: Path) -> bool:
    """Whether something of the repository's is held down besides hooks and fsmonitor, which never run."""
    return common_dir in _held and neutral(_held[common_dir].settings) != neutral(())


def settings() -> dict[str, str]:
    """What stands over the configuration of repositories that are not trusted."""
    return {key: value for found in _held.values() for key, value in neutral(found.settings).items()}


def variables() -> dict[str, str]:
    """Variables for a program other than ours that runs git: the settings, and what goes with them."""
    over = settings()
    return (numbered(over) if over else {}) | fenced()


def fenced() -> dict[str, str]:
    """A variable that keeps git from other repositories, where something that is run to reach them cannot be
    overruled: git reaches out by itself for objects that a partial clone left out."""
    return {"GIT_ALLOW_PROTOCOL": "none"} if any(reaching(it.settings) for it in _held.values()) else {}


def as_user(git_dir: Path, work_tree: Path, command: str) -> dict[str, str]:
    """Variables for a command that is run as the user would, hooks and filters with it. GitError where it
    would run some of a repository that nobody trusts, and would not be the same without."""
    held = next(((at, it) for at, it in _held.items() if git_dir == at or at in git_dir.parents), None)
    if held is None:
        return {}
    common_dir, found = held
    wanted, hooks = RUNS[command]
    own = found.own or not found.hooks_path
    named = os.path.expanduser(found.hooks_path)  # noqa: PTH111 (git knows no other user's home either)
    folder = work_tree / named if named else common_dir / "hooks"
    names = [key for key, _ in found.settings if wanted.fullmatch(key)]
    if command != "merge":
        names += reaching(found.settings)
    if own:  # a folder that the user named for all their repositories is no word of this one
        names += [name for name in hooks if os.access(folder / name, os.X_OK)]
    if names:
        brought = ", ".join(dict.fromkeys(names))
        raise GitError(
            f"git {command} would run what the repository itself brings ({brought}), and nobody has said that"
            " it is trusted.",
            "`workbench trust` shows it; say yes with `workbench trust --yes`",
        )
    over = neutral(found.settings)
    if not own:
        del over["core.hooksPath"]
    return numbered(over)
