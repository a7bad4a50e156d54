"""What may be in a shared note, whoever gives it: a teammate, a person, a backup. Pure.

Each function gives the plain form, or raises ValueError with the end of a sentence for the giver.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from workbench.core.plain import UNPRINTABLE

TEXT_LIMIT = 2_000
"""Characters of a note's text."""

PATHS_LIMIT = 20
PATH_LIMIT = 300
"""Paths of a note, and characters of each."""

TTL_LIMIT = 10 * 365 * 86_400.0
"""Seconds; whoever wants more wants no limit."""

NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}")
GENERAL = "general"
"""Where a note is that named no namespace."""


def plain_text(text: str) -> str:
    """A note's text as it is kept. Raises ValueError with a sentence when it cannot be one."""
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise ValueError("a note says something; this one is empty.")
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"a note is at most {TEXT_LIMIT} characters; this one has {len(text)}.")
    if found := UNPRINTABLE.search(text):
        raise ValueError(f"a note is plain text; it holds the control character U+{ord(found[0]):04X}.")
    return text


def namespace_of(name: str) -> str:
    """A namespace, GENERAL for none. Raises ValueError with a sentence."""
    if name and not NAMESPACE.fullmatch(name):
        raise ValueError(
            "a namespace is up to 64 small letters, digits, dots, dashes, underscores and slashes, "
            "and begins with a letter or digit."
        )
    return name or GENERAL


def ttl_of(seconds: float | None) -> float | None:
    """A time to live in seconds. Raises ValueError with a sentence."""
    if seconds is not None and not 0 < seconds <= TTL_LIMIT:
        raise ValueError("a time to live is in seconds, more than 0 and at most ten years.")
    return seconds


def confidence_of(share: float) -> float:
    """How sure somebody is. Raises ValueError with a sentence."""
    if not 0 <= share <= 1:
        raise ValueError("a confidence is from 0 to 1.")
    return share


def paths_of(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths in their plain form, each once. Raises ValueError with a sentence."""
    found = tuple(dict.fromkeys(tidy_path(path) for path in paths))
    if len(found) > PATHS_LIMIT:
        raise ValueError(f"a note has at most {PATHS_LIMIT} paths; name a folder instead.")
    for path in found:
        if UNPRINTABLE.search(path) or "\n" in path or "\t" in path:
            raise ValueError("a path is one line of plain text.")
    return found


def tidy_path(path: str) -> str:
    """A path of the repository in its plain form, without a trailing slash. Raises ValueError with a sentence
    when it is none: absolute, leading out, git's own, or too long."""
    found = posixpath.normpath(path.strip()) if path.strip() else ""
    parts = found.split("/")
    if not found or found == "." or found.startswith(("/", "~")) or ".." in parts or ".git" in parts:
        raise ValueError("a path is one inside the repository, such as src/app.py.")
    if len(found) > PATH_LIMIT:
        raise ValueError(f"a path is at most {PATH_LIMIT} characters.")
    return found
