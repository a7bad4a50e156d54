"""Merges in memory, through one long-lived ``merge-tree --write-tree --stdin``.

One process a merge costs 5 to 10 ms on a big repository; the long-lived one well under 1. It never
flushes its answers, so it runs under ``stdbuf``; without that (macOS) each merge is a process.

Attributes decide how git merges, and ``git merge`` takes them from the files of the branch it merges
into. So the process's work tree is a folder of our own that holds each ``.gitattributes`` of ``ours``. What
the user's index has of them does not count: merging in memory keeps an index of its own.
"""

from __future__ import annotations

import asyncio
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

from workbench.adapters.git.attributes import Attributes
from workbench.adapters.git.conversation import Conversation
from workbench.adapters.git.diffs import Diffs
from workbench.adapters.git.objects import Objects, full_id
from workbench.adapters.git.process import Place, decoded, encoded, run
from workbench.engine.ports import Conflicted, Merged
from workbench.errors import GitError

HUNKS_LIMIT = 12_000
"""Characters of conflict text that are kept for a brief."""

CONTEXT = 6
"""Lines kept around a conflict."""


class Merges:
    """Merges two commits at a time; serialised, since they share a process."""

    def __init__(
        self,
        git_dir: Path,
        folder: Path,
        objects: Objects,
        diffs: Diffs,
        *,
        batched: bool,
        extra: dict[str, str] | None = None,
    ) -> None:
        self._attributes = Attributes(folder, objects, diffs)
        self._place = Place(git_dir, folder, extra or {})
        self._objects = objects
        self._lock = asyncio.Lock()
        stdbuf = batched and shutil.which("stdbuf") is not None
        words = ("merge-tree", "--write-tree", "--stdin", "-z", "--messages")
        self._merger = Conversation(self._place, *words, unbuffered=True) if stdbuf else None

    async def merge(self, ours: str, theirs: str) -> Merged:
        """See the Git port. Raises GitError for everything that is neither clean nor a conflict:
        unrelated histories, missing commits, a damaged repository."""
        full_id(ours)
        full_id(theirs)
        async with self._lock:
            await self._use_attributes_of(ours)
            if self._merger is None:
                clean, fields = await self._by_one_process(ours, theirs)
            else:
                talk = functools.partial(_ask, ours=ours, theirs=theirs)
                clean, fields = await self._merger.exchange(talk)
        tree = decoded(fields[0])
        if clean:
            return Merged(clean=True, tree=tree)
        paths = _conflicted(fields)
        hunks = await self._hunks(tree, paths, fields)
        return Merged(clean=False, tree=tree, paths=paths, hunks=hunks, files=_textual(fields))

    def renew(self) -> None:
        """Merge by a new process from now on; see ``Conversation.renew``."""
        if self._merger is not None:
            self._merger.renew()

    async def aclose(self) -> None:
        if self._merger is not None:
            await self._merger.aclose()

    async def _use_attributes_of(self, commit: str) -> None:
        """Put the commit's attributes where the process looks, and start it anew when they changed: git
        reads each such file once."""
        if await self._attributes.turn_to(commit):
            if self._merger is not None:
                await self._merger.aclose()
            await self._attributes.write()

    async def _by_one_process(self, ours: str, theirs: str) -> tuple[bool, list[bytes]]:
        done = await run(
            self._place, "merge-tree", "--write-tree", "-z", "--messages", ours, theirs, fine=(0, 1)
        )
        fields = done.out.split(b"\0")
        if len(fields[0]) != 40:  # exit 1 without a tree is a failure, not a conflict
            raise GitError(f"git merge-tree failed: {done.err.strip() or 'it wrote no tree'}")
        return done.code == 0, fields

    async def _hunks(self, tree: str, paths: tuple[str, ...], fields: list[bytes]) -> str:
        """The conflicted parts of each file, as git left them in the tree it wrote."""
        parts: list[str] = []
        for path in paths:
            raw = await self._objects.contents(f"{tree}:{path}") if "\n" not in path else None
            text = "" if raw is None or b"\0" in raw else excerpt(raw.decode("utf-8", "replace"))
            parts.append(f"--- {path}\n{text}" if text else f"--- {path}\n{_said(fields, path)}\n")
            if sum(map(len, parts)) > HUNKS_LIMIT:
                break
        whole = "\n".join(parts)
        return whole if len(whole) <= HUNKS_LIMIT else whole[:HUNKS_LIMIT] + "\n[cut]\n"


async def _ask(
    ask: asyncio.StreamWriter, answer: asyncio.StreamReader, ours: str, theirs: str
) -> tuple[bool, list[bytes]]:
    """One merge's answer: a status, then fields; an empty field ends the conflicted files, another
    the messages. Each of those is a number, as many paths, a kind and a text. What stands in a number's
    place ends them even when it is not empty: git writes its advice on submodules in front of that end,
    and who waits for another one waits for ever."""
    ask.write(encoded(f"{ours} {theirs}\n"))
    status = await _field(answer)
    if status not in (b"0", b"1"):
        raise GitError(f"git merge-tree answered {status!r} where 0 or 1 was expected.")
    fields = [await _field(answer)]
    while field := await _field(answer):
        fields.append(field)
    fields.append(b"")
    while (count := await _field(answer)).isdigit():
        fields += [count, *[await _field(answer) for _ in range(int(count) + 2)]]
    fields.append(b"")
    return status == b"1", fields


async def _field(answer: asyncio.StreamReader) -> bytes:
    return (await answer.readuntil(b"\0"))[:-1]


def _conflicted(fields: list[bytes]) -> tuple[str, ...]:
    """Paths of the entries ``mode id stage<TAB>path`` before the first empty field."""
    entries = fields[1 : fields.index(b"")] if b"" in fields else fields[1:]
    return tuple(sorted({decoded(entry.partition(b"\t")[2]) for entry in entries}))


TEXTUAL = (b"CONFLICT (contents)", b"CONFLICT (add/add)")
"""Conflicts that texts in place of the marked ones settle."""

REGULAR = (b"100644", b"100755")


def _textual(fields: list[bytes]) -> tuple[Conflicted, ...]:
    """The files in conflict, when the whole merge is settled by giving each a text: see ``Merged``."""
    end = fields.index(b"")
    stages: dict[bytes, dict[bytes, tuple[bytes, str]]] = {}
    for entry in fields[1:end]:
        info, _, path = entry.partition(b"\t")
        mode, oid, stage = info.split(b" ")
        stages.setdefault(path, {})[stage] = (mode, decoded(oid))
    if any(kind not in TEXTUAL for kind in _kinds(fields[end + 1 :])):
        return ()
    files: list[Conflicted] = []
    for path, have in sorted(stages.items()):
        ours, theirs, base = have.get(b"2"), have.get(b"3"), have.get(b"1")
        if ours is None or theirs is None or ours[0] != theirs[0] or ours[0] not in REGULAR:
            return ()
        if (base is not None and base[0] not in REGULAR) or b"\n" in path:
            return ()
        files.append(Conflicted(decoded(path), base[1] if base else "", ours[1], theirs[1]))
    return tuple(files)


def _kinds(messages: list[bytes]) -> Iterator[bytes]:
    """The kinds of conflict git speaks of; each message is a count, as many paths, a kind, a text."""
    at = 0
    while at < len(messages) and messages[at].isdigit():
        at += 1 + int(messages[at])
        if messages[at].startswith(b"CONFLICT"):
            yield messages[at]
        at += 2


def _said(fields: list[bytes], path: str) -> str:
    """What git said about ``path``: for conflicts that leave no markers."""
    wanted = encoded(path)
    said = [decoded(field).strip() for field in fields if field.startswith(b"CONFLICT") and wanted in field]
    return "\n".join(line for line in said if ":" in line) or "conflict without text to show"


def excerpt(text: str) -> str:
    """The parts of ``text`` that hold conflict markers, with some lines around; "" without any."""
    lines = text.splitlines()
    keep: set[int] = set()
    begin: int | None = None
    for number, line in enumerate(lines):
        if line.startswith("<<<<<<< ") and begin is None:
            begin = number
        elif line.startswith(">>>>>>> ") and begin is not None:
            keep.update(range(max(0, begin - CONTEXT), min(len(lines), number + CONTEXT + 1)))
            begin = None
    parts: list[str] = []
    last = -1
    for number in sorted(keep):
        if number != last + 1:
            parts.append(f"@@ line {number + 1} @@")
        parts.append(lines[number])
        last = number
    return "\n".join(parts) + "\n" if parts else ""
