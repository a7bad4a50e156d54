"""Where in the repository something is wrong, read out of what a gate printed. Pure and forgiving, as
``core.failing`` is: what is not plain gives nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

LINES = 4_000
WIDTH = 1_000
"""Lines, the last ones, and characters of each that are looked at."""


class Place(NamedTuple):
    """A line of a file, its path relative to the repository's top, and what is said about it."""

    path: str
    line: int
    said: str


_PATH = r"(?P<path>(?:/|\./)?[\w.@+~/-]*[\w@+~-]\.\w{1,8})"
_PATTERNS = (
    # ruff, mypy, pytest, flake8, go, gcc, eslint's unix form: path:line[:column]: words
    re.compile(rf"\s*{_PATH}:(?P<line>\d{{1,7}})(?::\d+)?:?\s+(?P<said>\S.*)$"),
    # tsc: path(line,column): words
    re.compile(rf"\s*{_PATH}\((?P<line>\d{{1,7}})(?:,\d+)?\):\s*(?P<said>\S.*)$"),
    # rustc, ruff's long form: --> path:line:column
    re.compile(rf"\s*-->\s*{_PATH}:(?P<line>\d{{1,7}})(?::\d+)?(?P<said>)\s*$"),
    # a traceback of Python's
    re.compile(rf'\s*File "{_PATH}", line (?P<line>\d{{1,7}})(?P<said>)(?:, in .*)?$'),
)


def places(output: str, known: Callable[[str], str], most: int = 10) -> list[Place]:
    """The first ``most`` places that ``output`` names, each line of a file once.

    ``known`` gives the path in the repository for one as it was printed, and an empty text for none. A place
    without words of its own gets those of the line before it.
    """
    found: dict[tuple[str, int], Place] = {}
    for place in _named(output):
        if len(found) >= most:
            break
        path = known(place.path)
        if path and place.line and (path, place.line) not in found:
            found[path, place.line] = place._replace(path=path)
    return list(found.values())


def _named(output: str) -> Iterator[Place]:
    before = ""
    for line in output.splitlines()[-LINES:]:
        text = line[:WIDTH]
        match = next(filter(None, (pattern.match(text) for pattern in _PATTERNS)), None)
        if match is not None:
            path = match["path"].removeprefix("./")
            yield Place(path, int(match["line"]), match["said"].strip() or before)
        elif text.strip():
            before = text.strip()
