"""Whether two globs of a plan can name the same file.

A glob is read as everywhere in a plan: ``*`` and ``?`` stay in their folder, ``**`` does not, and a
folder stands for all in it. Only what ends like a file (``*.ts``) is not taken for a folder here: that
``a.ts`` could be one, with ``b.css`` in it, is no reason to say that two tasks meet.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 256
WILDEST = 12
"""Globs with more characters or wildcards than these are compared up to their first wildcard only."""

_ANY, _INSIDE = "any", "inside"  # any character; any but the slash

Machine = tuple[tuple[tuple[tuple[str, int], ...], ...], tuple[tuple[int, ...], ...]]


def overlap(one: str, other: str) -> bool:
    """Whether a path can exist that both globs match."""
    if not _nested(fixed(one), fixed(other)):
        return False
    if any(len(glob) > LONGEST or len(re.findall(r"[*?]+", glob)) > WILDEST for glob in (one, other)):
        return True
    (edges, free), (others, others_free) = _machine(_simple(one)), _machine(_simple(other))
    seen = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        a, b = waiting.pop()
        if a == len(edges) - 1 and b == len(others) - 1:
            return True
        reached = [(x, b) for x in free[a]] + [(a, y) for y in others_free[b]]
        reached += [(x, y) for one_, x in edges[a] for other_, y in others[b] if _meet(one_, other_)]
        for pair in reached:
            if pair not in seen:
                seen.add(pair)
                waiting.append(pair)
    return False


def effort(one: str, other: str) -> int:
    """How much comparing these two costs at most, in steps."""
    return min(len(one), LONGEST) * min(len(other), LONGEST)


def fixed(glob: str) -> str:
    """What stands before the first wildcard."""
    return re.split(r"[*?]", glob.removeprefix("./").rstrip("/"), maxsplit=1)[0]


def _simple(glob: str) -> str:
    """The same glob without what says nothing: more stars than two, folders of stars in a row."""
    return re.sub(r"(?:\*\*/){2,}", "**/", re.sub(r"\*{3,}", "**", glob.removeprefix("./").rstrip("/")))


def everything(glob: str) -> bool:
    """Whether a glob names, at the top of the repository, all that there is."""
    return glob.removeprefix("./").rstrip("/") in ("*", "**", "**/*", "**/**")


def _nested(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _meet(one: str, other: str) -> bool:
    """Whether a character can be both."""
    if _ANY in (one, other):
        return True
    if _INSIDE in (one, other):
        return "/" not in (one, other)
    return one == other


@lru_cache(maxsize=4096)
def _machine(glob: str) -> Machine:
    """The glob as a small automaton: for each state the letters that lead on, and the states that it
    reaches for nothing. The last state is where a path may end."""
    edges: list[list[tuple[str, int]]] = [[]]
    free: dict[int, list[int]] = {}

    def state() -> int:
        edges.append([])
        return len(edges) - 1

    def folders(start: int, *, before: bool) -> int:
        """``start``, then nothing or folders: ``(.*/)?`` before a name, ``(/.*)?`` behind one."""
        inner, end = state(), state()
        free.setdefault(start, []).append(end)
        if before:
            free[start].append(inner)
            edges[inner] += [(_ANY, inner), ("/", end)]
        else:
            edges[start].append(("/", inner))
            edges[inner].append((_ANY, inner))
            free.setdefault(inner, []).append(end)
        return end

    at = 0
    for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob):
        if part == "**/":
            at = folders(at, before=True)
        elif part in ("**", "*"):
            edges[at].append((_ANY if part == "**" else _INSIDE, at))
            following = state()  # a state of its own, or the next part would be under the star
            free.setdefault(at, []).append(following)
            at = following
        elif part == "?":
            following = state()
            edges[at].append((_INSIDE, following))
            at = following
        else:
            for letter in part:
                following = state()
                edges[at].append((letter, following))
                at = following
    if not re.search(r"[^/]\.[^/.]+$", glob):
        folders(at, before=False)
    return tuple(tuple(leading) for leading in edges), tuple(
        tuple(free.get(number, ())) for number in range(len(edges))
    )
