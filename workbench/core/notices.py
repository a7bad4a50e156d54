"""Who of the team hears of what the others do, and which files are whose. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from workbench.core.state import AttemptState, Phase, RunState

SHOWN_LINES = 40
"""Lines of conflicting text that a warning carries."""


def at_work(state: RunState) -> Iterator[AttemptState]:
    """Attempts that a notice reaches: in a turn, and not about to end it. Nobody is woken for one."""
    if not state.stopping:
        yield from (attempt for attempt in state.working.values() if listens(attempt))


def listens(attempt: AttemptState) -> bool:
    """Whether a notice reaches this attempt now."""
    over = attempt.done or attempt.blocked
    return attempt.phase is Phase.WORKING and attempt.live and not over


def without(state: RunState, commit: str) -> Iterator[AttemptState]:
    """Those at work that began before ``commit``, an integration tip, was published."""
    has_it: set[str] = set()
    for landing in reversed(state.landings):
        has_it.add(landing.commit)
        if landing.commit == commit:
            break
    return (attempt for attempt in at_work(state) if attempt.start not in has_it)


def own_among(files: Iterable[str], globs: Sequence[str], changed: Iterable[str]) -> tuple[str, ...]:
    """Those of ``files`` that one of ``globs`` names, or that were ``changed``, in their order."""
    own = frozenset(changed)
    patterns = [_pattern(glob) for glob in globs]
    return tuple(
        path for path in files if path in own or any(pattern.fullmatch(path) for pattern in patterns)
    )


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    """A glob of a plan: ``*`` stays in its folder, ``**`` does not, and a folder stands for all in it."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob.removeprefix("./").rstrip("/"))
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(words.get(part) or re.escape(part) for part in parts) + "(?:/.*)?", re.DOTALL)


def excerpt(hunks: str, paths: Iterable[str], wanted: Iterable[str]) -> str:
    """The first lines of what ``hunks`` says about ``wanted``, which are some of the ``paths`` in it."""
    heads, chosen = {f"--- {path}" for path in paths}, {f"--- {path}" for path in wanted}
    lines: list[str] = []
    shown = True
    for line in hunks.splitlines():
        shown = line in chosen if line in heads else shown
        if shown:
            lines.append(line)
    kept = lines[:SHOWN_LINES]
    return "\n".join(kept) + ("\n[cut]" if len(lines) > len(kept) else "")
