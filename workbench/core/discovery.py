"""Which gates a repository has: found in its own files, ranked, each with the reason. Pure.

``wanted`` says which files are worth reading, ``discover`` what follows from them. Nothing is run, and of
what the files say only fixed names get into a command: a repository cannot smuggle one in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workbench.core.invocations import Invocation, invocations, path_like
from workbench.core.manifests import COVERING, LOOKS, TEST_FILE, Found, Workshop

DEEPEST = 2
"""Folders below the top in which a project of its own is looked for."""

MOST_READ = 80
MOST_TESTS = 6
"""Files that are read at most, and test files among them."""

MANIFESTS = frozenset(
    {
        "pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini", "noxfile.py", "package.json", "Makefile",
        "makefile", "GNUmakefile", "Cargo.toml", "go.mod", "build.gradle", "build.gradle.kts", "pom.xml",
        "justfile", "Justfile", ".justfile",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a repository offers: ``found``, best first; ``known``, every program of it, script, target and
    recipe that there is, each with its folder; and ``paths``, all its files."""

    found: tuple[Found, ...]
    known: frozenset[tuple[str, str]]
    paths: frozenset[str]

    def doubt(self, command: str) -> str:
        """Why ``command`` will hardly do as a gate here, a phrase; empty when the repository shows it.

        A command is shown when one of its parts is: a program that it uses, or a script of its own. A
        word for word match is not asked for: ``pytest tests/new`` is pytest.
        """
        parts = list(invocations(command))
        doubts = [self._doubt(part) for part in parts]
        if "" in doubts:
            return ""
        return doubts[0] if doubts else "it holds no command"

    def shows(self, command: str) -> bool:
        """Whether ``command`` is one that was found here, with plain words behind it at most, or exactly the
        set-up of one: nobody but the repository thought of it."""
        return any(
            command in (found.command, found.setup)
            or (
                command.startswith(f"{found.command} ") and PLAIN_WORDS.fullmatch(command, len(found.command))
            )
            for found in self.found
        )

    def _doubt(self, part: Invocation) -> str:
        if part.runs and path_like(part.runs):
            where = f"{part.folder}/{part.runs}" if part.folder else part.runs
            if where.removeprefix("./") in self.paths:
                return ""
        if (part.folder, part.family) in self.known:
            return ""
        if part.family in ABSENT:
            return f"the repository does not show that {ABSENT[part.family]}"
        kind, _, name = part.family.partition(":")
        if kind in NAMED:
            return f"there is no {NAMED[kind]} {name!r}" + (f" in {part.folder}" if part.folder else "")
        if part.runs and path_like(part.runs):
            return f"there is no file {part.runs}"
        return f"nothing in the repository says that {part.family.removeprefix('program:')} checks it"


PLAIN_WORDS = re.compile(r"[\w ./:=@%+-]*")

ABSENT = {
    "pytest": "its tests run with pytest",
    "unittest": "its tests run with unittest",
    "tox": "it uses tox",
    "nox": "it uses nox",
    "cargo": "it is built with cargo",
    "go": "it is a Go module",
    "gradle": "it is built with Gradle",
    "maven": "it is built with Maven",
}
NAMED = {"script": "script", "make": "make target", "just": "recipe"}


def wanted(paths: Iterable[str]) -> tuple[str, ...]:
    """Which of a repository's files ``discover`` wants to see, the outermost first."""
    near = [path for path in paths if path.count("/") <= DEEPEST + 2 and _plain(path)]
    near.sort(key=lambda path: (path.count("/"), path))
    manifests = [path for path in near if _name(path) in MANIFESTS and path.count("/") <= DEEPEST]
    tests = [path for path in near if TEST_FILE.search(path)][:MOST_TESTS]
    return tuple(manifests[: MOST_READ - len(tests)] + tests)


def discover(paths: Iterable[str], texts: Mapping[str, str]) -> Surroundings:
    """What a repository offers, by all its ``paths`` and the ``texts`` of those that are ``wanted``."""
    every = frozenset(paths)
    folders = sorted({_folder(path) for path in texts if _name(path) in MANIFESTS} | {""})
    found: list[Found] = []
    known: set[tuple[str, str]] = set()
    claimed: set[str] = set()
    for folder in sorted(folders, key=lambda name: (name.count("/") + bool(name), name)):
        inside = {
            path.removeprefix(f"{folder}/") if folder else path: text
            for path, text in texts.items()
            if not folder or path.startswith(f"{folder}/")
        }
        for look in LOOKS:
            shop = Workshop(folder, every, found, known)
            # What stands at the top covers what lies below, in most repositories.
            if look.__name__ in claimed:
                continue
            look(shop, inside)
            if shop.seen and not folder and look in COVERING:
                claimed.add(look.__name__)
    unique = {item.command: item for item in sorted(found, key=_worth, reverse=True)}
    ranked = sorted(unique.values(), key=lambda item: (-item.rank, item.path.count("/"), item.command))
    return Surroundings(tuple(ranked), frozenset(known), every)


def _worth(item: Found) -> tuple[int, int]:
    return (-item.rank, item.path.count("/"))


def _plain(path: str) -> bool:
    return path.isprintable() and not path.startswith("-")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def shown(found: Iterable[Found], most: int = 12) -> Iterator[Found]:
    """The first few, for a prompt or a person."""
    for number, item in enumerate(found):
        if number >= most:
            return
        yield item
