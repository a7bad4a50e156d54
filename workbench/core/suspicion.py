"""Which change failing tests point at. A hint: it decides what is looked at first, and blames nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

WORDS = re.compile(r"[^\W_]+")
TEST_WORDS = frozenset({"test", "tests", "spec", "it", "src", "lib", "init", "main", "index"})
"""Words of paths that tell nothing about what is tested."""


def touches(test: str, path: str) -> int:
    """How plainly a failing test's name points at a file: 3 it names the path, 2 the module that it is,
    1 a file whose name it shares (``test_parser.py`` and ``parser.py``), 0 not at all."""
    if path in test:
        return 3
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    module = re.escape(f"{folder}/{stem}".replace("/", "."))
    if folder and re.search(rf"(?<![\w.]){module}(?!\w)", test):
        return 2
    file = re.split(r"::|#| > ", test, maxsplit=1)[0].rpartition("/")[2].partition(".")[0]
    mine = _words(stem)
    return int(bool(mine) and mine == _words(file))


def _words(stem: str) -> frozenset[str]:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", stem).replace("_", " ")
    return frozenset(word.lower() for word in WORDS.findall(split)) - TEST_WORDS


def pointed(tests: Iterable[str], changes: Sequence[Iterable[str]]) -> list[int]:
    """Positions (from 0) of the changes whose files the tests point at most plainly; none when at all
    or nothing is pointed at. A change is the paths it touches."""
    tests = tuple(tests)
    scores = [max((touches(test, path) for test in tests for path in files), default=0) for files in changes]
    best = max(scores, default=0)
    return [place for place, score in enumerate(scores) if score == best] if best else []
