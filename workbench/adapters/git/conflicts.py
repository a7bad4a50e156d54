"""Which conflicts of an earlier merge are still open in a worktree."""

from __future__ import annotations

import re
from collections.abc import Iterable

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.process import decoded, encoded
from workbench.adapters.git.status import Entry

RECORD = "workbench-conflicts"
"""File in git's folder about the worktree: paths that were given to the agent with markers."""

MARKERS = re.compile(rb"^<{7} .*?^>{7} ", re.MULTILINE | re.DOTALL)

BOTH_SIDES = ("UU", "AA")
"""Unmerged with text of both sides in the file; other kinds (one side deleted it) have no markers."""


def remember(linked: Linked, paths: Iterable[str]) -> None:
    """Record the conflicted ``paths``; outlives this process."""
    (linked.admin / RECORD).write_bytes(b"\0".join(encoded(path) for path in paths))


def remembered(linked: Linked) -> tuple[str, ...]:
    """What was recorded."""
    try:
        raw = (linked.admin / RECORD).read_bytes()
    except FileNotFoundError:
        return ()
    return tuple(decoded(path) for path in raw.split(b"\0") if path)


def forget(linked: Linked) -> None:
    """Drop the record."""
    (linked.admin / RECORD).unlink(missing_ok=True)


def unresolved(linked: Linked, entries: Iterable[Entry]) -> tuple[str, ...]:
    """Files that still hold markers among those that were in conflict, and unmerged entries where
    nothing but ``git add`` or ``git rm`` could tell the decision. A file whose markers are gone is
    resolved, added or not."""
    unmerged = {entry.path: entry.code for entry in entries if entry.kind == "u"}
    still = {path for path in {*remembered(linked), *unmerged} if _marked(linked, path)}
    still |= {path for path, code in unmerged.items() if code not in BOTH_SIDES or _binary(linked, path)}
    return tuple(sorted(still))


def _content(linked: Linked, path: str) -> bytes:
    file = linked.path / path
    return file.read_bytes() if file.is_file() and not file.is_symlink() else b""


def _marked(linked: Linked, path: str) -> bool:
    return MARKERS.search(_content(linked, path)) is not None


def _binary(linked: Linked, path: str) -> bool:
    return b"\0" in _content(linked, path)[:8000]
