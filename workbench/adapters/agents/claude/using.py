"""What a use of a Claude Code tool is about, as the permission policy compares it with its rules."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workbench.adapters.agents.claude import shell
from workbench.core.policy import READING, WRITING

NESTED = re.compile(r"[$<>]\(|`|\)")
"""Where a command begins or ends inside another's words, quoted or not. What stands after it is taken for a
command too: rather one more that must be allowed than one that is not seen."""


def subjects(tool: str, given: Mapping[str, Any], worktree: Path, home: Path) -> tuple[str, ...]:
    """The simple commands of a shell's line; a path relative to the worktree, or else absolute, or
    below ``~``; a host; or the text that stands for any other use."""
    if tool == "Bash":
        return simple_commands(str(given.get("command", "")))
    if tool in WRITING or tool in READING:
        return (_place(path_of(given), worktree, home),)
    if tool == "WebFetch":
        return (urlsplit(str(given.get("url", ""))).hostname or "",)
    named = ("path", "url", "query", "description", "skill", "command", "note")
    return (next((str(given[name]) for name in named if given.get(name)), ""),)


def simple_commands(text: str) -> tuple[str, ...]:
    """The programs with their words that a shell's line runs, as far as its text tells; wrappers such as
    ``env`` and ``timeout``, folders of programs and options before git's verb left out."""
    texts = (text, *NESTED.split(text)[1:])
    found = dict.fromkeys(" ".join(_plain(words)) for part in texts for words in shell.commands(part))
    return tuple(found) or (text,)


def _plain(words: list[str]) -> list[str]:
    program = os.path.basename(words[0])  # noqa: PTH119 - text, not a file
    return [program, *(shell.without_git_options(words[1:]) if program == "git" else words[1:])]


def path_of(given: Mapping[str, Any]) -> str:
    """The path that a tool was given, as it was written."""
    return str(given.get("file_path") or given.get("notebook_path") or given.get("path") or ".")


def resolved(path: str, root: Path, home: Path) -> Path:
    """Where ``path``, relative to ``root`` or below ``~``, leads, links followed."""
    if path == "~" or path.startswith("~/"):
        path = str(home) + path[1:]
    return Path(os.path.realpath(root / path))


def _place(path: str, worktree: Path, home: Path) -> str:
    root = Path(os.path.realpath(worktree))
    real = resolved(path, root, home)
    if real.is_relative_to(root):
        return str(real.relative_to(root))
    return f"~/{real.relative_to(home)}" if real.is_relative_to(home) else str(real)
