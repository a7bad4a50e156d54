"""Trees of text files that share what they have in common, as git's do."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache

SHELVES = 64
WIDTH = 160


@lru_cache(maxsize=65_536)
def _shelf_of(path: str) -> int:
    return zlib.crc32(path.encode("utf-8", "surrogateescape")) % SHELVES


def _weight(path: str, text: str) -> int:
    body = f"{len(path)} {path}{text}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha1(body, usedforsecurity=False).digest(), "big")


class Tree(Mapping[str, str]):
    """What a commit holds; it never changes. ``oid`` is a sum over its files, so that a tree that differs in
    little is named, made and compared with little work, however large it is."""

    __slots__ = ("_shelves", "_sum")

    def __init__(self, shelves: dict[int, dict[str, str]], total: int) -> None:
        self._shelves, self._sum = shelves, total

    @classmethod
    def of(cls, files: Mapping[str, str]) -> Tree:
        """The tree of exactly ``files``."""
        return cls({}, 0).changed(files)

    @property
    def oid(self) -> str:
        return f"{self._sum:040x}"

    def changed(self, changes: Mapping[str, str | None]) -> Tree:
        """This tree with other texts; None takes a file out."""
        shelves, total, fresh = dict(self._shelves), self._sum, set[int]()
        for path, text in changes.items():
            number = _shelf_of(path)
            if number not in fresh:
                shelves[number] = dict(shelves.get(number, ()))
                fresh.add(number)
            before = shelves[number].pop(path, None)
            if before is not None:
                total -= _weight(path, before)
            if text is not None:
                shelves[number][path] = text
                total += _weight(path, text)
        for number in fresh:
            if not shelves[number]:
                del shelves[number]
        return Tree(shelves, total % (1 << WIDTH))

    def differing(self, other: Tree) -> list[str]:
        """Paths that are not alike in both, sorted."""
        if self._sum == other._sum:
            return []
        paths: list[str] = []
        for number in self._shelves.keys() | other._shelves.keys():
            mine, theirs = self._shelves.get(number, {}), other._shelves.get(number, {})
            if mine is not theirs:
                paths += [path for path in mine.keys() | theirs.keys() if mine.get(path) != theirs.get(path)]
        return sorted(paths)

    def files(self) -> dict[str, str]:
        """All of it, to be changed at will."""
        found: dict[str, str] = {}
        for shelf in self._shelves.values():
            found.update(shelf)
        return found

    def __getitem__(self, path: str) -> str:
        return self._shelves[_shelf_of(path)][path]

    def __iter__(self) -> Iterator[str]:
        for shelf in self._shelves.values():
            yield from shelf

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self._shelves.values())
