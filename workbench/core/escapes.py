"""Paths and links in a commit that lead out of the repository, or into git's own folder. Pure.

git refuses most of these when it checks a commit out, on the systems that they are for. What is to be pushed
is checked out on other systems, by other programs; so all of it counts everywhere.
"""

from __future__ import annotations

import re

IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that a Mac's disk does not see in names."""

SHORT = re.compile(r"git~\d+|gi[0-9a-f]{4}~\d", re.IGNORECASE)
"""What Windows may call ``.git`` for short."""


def unsafe(path: str) -> str:
    """Why ``path`` (with slashes, from the repository's top) must not be written, a clause; empty when it
    may."""
    if not path or path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "it is no path inside the repository"
    if any(letter < " " or letter == "\x7f" for letter in path):
        return "it has control characters in its name"
    for part in path.replace("\\", "/").split("/"):
        if part in ("", ".", ".."):
            return "it leaves its folder"
        if _is_git(part):
            return "it reaches into git's own folder"
    return ""


def escapes(path: str, target: str) -> bool:
    """Whether a symbolic link at ``path`` to ``target`` leads out of the repository, or into git's folder."""
    if not target or target.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", target) or "\0" in target:
        return True
    depth = path.count("/")
    for part in target.replace("\\", "/").split("/"):
        if part == "..":
            depth -= 1
            if depth < 0:
                return True
        elif part not in ("", "."):
            if _is_git(part):
                return True
            depth += 1
    return False


def _is_git(part: str) -> bool:
    """Whether some system takes this name for ``.git``: case, invisible letters, streams, ends of dots."""
    seen = IGNORED.sub("", part).casefold().partition(":")[0].rstrip(" .")
    return seen == ".git" or bool(SHORT.fullmatch(seen))
