"""What work brings in, read from its commits: entries of files, a diff to be shown, lines that it adds."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.adapters.git.objects import full_id
from workbench.adapters.git.patches import ALONE, WORDS
from workbench.adapters.git.process import Place, decoded, opening, run
from workbench.adapters.git.repository import Repository
from workbench.core.redaction import shape_in
from workbench.engine.ports import Leak

MOST = 8_000_000
"""Bytes of added lines, with what is round them, that are searched for secrets."""

MOST_BINARY, MOST_BINARIES = 1_000_000, 50
"""Bytes of a file that git takes for binary, and such files of one task's work, that are searched for tokens
known by their looks: a text in UTF-16 is one of those."""

BASELINE = ".secrets.baseline"
"""Where a project says which of its secrets are none; that of the base counts, not the work's own."""

Search = Callable[[Sequence[tuple[str, str]]], Awaitable[list[tuple[int, str, str]]]]
"""Index, kind and fingerprint of each line (path and text) that seems to hold a secret."""

_HASHED = re.compile(r'"hashed_secret": "[0-9a-f]{40}",?')
"""A line of a baseline that is no secret, though it looks like one; the file itself waits for a person."""

MESSAGE = "(a commit's message)"
"""Stands for the path of a line that is in no file; a message goes with its commit wherever that goes."""

NAME = "(a file's name)"
"""Stands for the path of what is a path itself."""

_HUNK = re.compile(r"@@ -\S+ \+(\d+)")


@dataclass(frozen=True, slots=True)
class Added:
    """A line that a commit adds to a file."""

    commit: str
    path: str
    line: int
    text: str


class Examining:
    """Fulfils ``engine.ports.Examiner``; ``search`` looks for secrets."""

    def __init__(self, repository: Repository, search: Search) -> None:
        self._place = Place(repository.common_dir, repository.state_dir, ALONE)
        self._search = search

    async def entries(self, commit: str, paths: Sequence[str]) -> Mapping[str, str]:
        words = ("--literal-pathspecs", "ls-tree", "-z", "--full-tree", full_id(commit), "--", *paths)
        said = decoded((await run(self._place, *words)).out).split("\0")
        entries = (it.partition("\t") for it in said if it)
        return {path: " ".join(about.split()[::2]) for about, _, path in entries}

    async def patch(self, old: str, new: str, paths: Sequence[str], limit: int) -> str:
        words = ("--literal-pathspecs", *WORDS, full_id(old), full_id(new), "--", *paths)
        text, cut = await opening(self._place, *words, most=limit)
        return text + ("… (cut)\n" if cut else "")

    async def leaks(self, known: Sequence[str], new: str) -> Sequence[Leak]:
        # What was added on the way counts too: it would be on the branch with all else. Of a merge only what
        # differs from what git makes of it.
        shown = [word for word in WORDS[1:] if word not in ("--unified=3", "--find-renames")]
        words = ("log", "--format=commit %H%n%w(0,1,1)%B", "-p", "--remerge-diff", "--full-index",
                 "--unified=0", *shown)  # fmt: skip
        without = tuple(f"^{full_id(commit)}" for commit in dict.fromkeys(known))
        text, cut = await opening(
            self._place, *words, "--no-renames", full_id(new), *without, "--", most=MOST
        )
        if cut:
            raise TimeoutError
        added = [
            it for it in added_lines(text) if it.path != BASELINE or not _HASHED.fullmatch(it.text.strip())
        ]
        # Of a name only what has the looks of a token counts: hashes and the like are names every day.
        named = [kind for it in added if it.path == NAME and (kind := shape_in(it.text))]
        leaks: dict[Leak, None] = {Leak(NAME, 0, kind): None for kind in named}
        for path, blob in list(dict.fromkeys(binaries(text)))[:MOST_BINARIES]:
            said, _ = await opening(self._place, "cat-file", "blob", blob, most=MOST_BINARY)
            if kind := shape_in(said.replace("\0", "")):
                leaks[Leak(path, 1, kind)] = None
        added = [it for it in added if it.path != NAME]
        found = await self._search([(it.path, it.text) for it in added])
        if not found:
            return tuple(leaks)
        excused = await self._excused(known[0])
        for index, kind, fingerprint in found:
            it = added[index]
            if (it.path, fingerprint) not in excused:
                leaks[Leak(it.path, await self._line(new, it), kind)] = None
        return tuple(leaks)

    async def _line(self, new: str, added: Added) -> int:
        """Where the line is now; 0 where it is gone."""
        if added.commit == new:
            return added.line
        done = await run(self._place, "cat-file", "blob", f"{new}:{added.path}", fine=(0, 128))
        lines = decoded(done.out).splitlines() if done.code == 0 else []
        return lines.index(added.text) + 1 if added.text in lines else 0

    async def _excused(self, base: str) -> frozenset[tuple[str, str]]:
        done = await run(self._place, "cat-file", "blob", f"{full_id(base)}:{BASELINE}", fine=(0, 128))
        try:
            results = json.loads(done.out)["results"] if done.code == 0 else {}
            return frozenset((path, it["hashed_secret"]) for path, them in results.items() for it in them)
        except (ValueError, KeyError, TypeError, AttributeError):  # it excuses nothing then
            return frozenset()


def added_lines(log: str) -> Iterator[Added]:
    """The lines that are added, as ``git log -p --unified=0`` tells them, those of messages, which begin with
    a space there, and the names of files."""
    commit, path, line, inside = "", "", 0, False
    for row in log.split("\n"):
        if row.startswith("commit "):
            commit, inside, line = row[7:], False, 1
        elif row.startswith(" ") and not inside:
            yield Added(commit, MESSAGE, line, row[1:])
            line += 1
        elif row.startswith("diff --git "):
            inside = False
            yield Added(commit, NAME, 0, row)
        elif row.startswith("+++ ") and not inside:
            path = _path(row[4:])
        elif hunk := _HUNK.match(row):
            line, inside = int(hunk[1]), True
        elif inside and row.startswith("+"):
            yield Added(commit, path, line, row[1:])
            line += 1


def binaries(log: str) -> Iterator[tuple[str, str]]:
    """Path and object id of each binary file that is added or changed. Lines of files begin with a sign
    there, those of messages with a space."""
    blob = ""
    for row in log.split("\n"):
        if row.startswith("index "):
            blob = row.removeprefix("index ").partition("..")[2].partition(" ")[0]
        elif row.startswith("Binary files ") and blob.strip("0"):
            names = row.removeprefix("Binary files ").removesuffix(" differ")
            yield _path(names.rpartition(" and ")[2]), full_id(blob)


def _path(said: str) -> str:
    """A path as a diff writes it: after ``b/``, and in quotes where it is unusual."""
    said = said.rstrip("\t")
    if said.startswith('"') and said.endswith('"'):
        raw = re.sub(rb"\\([0-7]{3})", lambda it: bytes([int(it[1], 8)]), said[1:-1].encode())
        said = decoded(raw.replace(b'\\"', b'"').replace(b"\\\\", b"\\"))
    return said.removeprefix("b/")
