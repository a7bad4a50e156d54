"""The ``.gitattributes`` of a commit, put where a git without a checkout looks for them.

Attributes decide how git merges (``merge=union``, ``-merge``, a driver), and ``git merge`` takes them from
the checkout that it merges into: the files of that name in every folder, where they are files; it follows
no link there.

All of a tree is listed once, through one ``diff-tree`` against the empty tree. From then on only what
differs from the tree before is looked at, so that a big repository makes no merge dearer.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

from workbench.adapters.git.diffs import Diffs
from workbench.adapters.git.objects import Objects, tree_entries
from workbench.adapters.git.process import encoded
from workbench.errors import GitError

NAME = ".gitattributes"

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

DRIVER = re.compile(rb"(?<![^\s])merge=(?!(?:text|binary|union)(?!\S))\S+")
"""A merge driver that is no part of git: a command out of configuration that any teammate can write. It
could drop what others landed, so none is run, and git merges such files as text."""

FOLDER, REGULAR = b"40000", (b"100644", b"100755")

NEVER = frozenset({"", ".", "..", ".git"})
"""Names that git checks out in no place: a tree that somebody forged may hold them."""


class Attributes:
    """A ``folder`` that holds the attributes of one commit at a time and nothing else. Not to be used by
    two at once."""

    def __init__(self, folder: Path, objects: Objects, diffs: Diffs) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._objects = objects
        self._diffs = diffs
        self._tree = EMPTY_TREE
        self._blobs: dict[str, str] = {}
        self._written: dict[str, str] | None = None  # what an earlier process left is not known

    async def turn_to(self, commit: str) -> bool:
        """Look at ``commit`` from now on. Whether what the folder holds is not what it has: then ``write``
        comes next. Raises GitError when there is no such commit."""
        tree = await self._objects.tree_of(commit)
        if tree != self._tree:
            self._blobs = await self._after(tree)
            self._tree = tree
        return self._blobs != self._written

    async def write(self) -> None:
        """Make the folder hold what the commit has."""
        self._written = None
        files = {path: await self._objects.contents(blob) for path, blob in self._blobs.items()}
        await asyncio.to_thread(_fill, self.folder, files)
        self._written = self._blobs

    async def _after(self, tree: str) -> dict[str, str]:
        """Path and blob of each in ``tree``, told from those of the tree before."""
        blobs = dict(self._blobs)
        try:
            changed = await self._diffs.paths(self._tree, tree)
        except GitError:  # a candidate that came to nothing: somebody cleared it away
            changed = await self._diffs.paths(EMPTY_TREE, tree)
            blobs = {}
        for path in changed:
            *folders, name = path.split("/")
            if name == NAME and not any(folder.lower() in NEVER for folder in folders):
                blob = await self._blob(tree, path)
                blobs.pop(path, None)
                if blob is not None:
                    blobs[path] = blob
        return blobs

    async def _blob(self, tree: str, path: str) -> str | None:
        """The file at ``path``; None where there is none, or a link, or a folder. By one tree after the
        other: a question about a path could not hold every name."""
        mode, found = FOLDER, tree
        for name in path.split("/"):
            raw = await self._objects.contents(found) if mode == FOLDER else None
            entries = {known: (kind, oid) for kind, known, oid in tree_entries(raw or b"")}
            if (entry := entries.get(encoded(name))) is None:
                return None
            mode, found = entry[0], entry[1].hex()
        return found if mode in REGULAR else None


def _fill(folder: Path, files: dict[str, bytes | None]) -> None:
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()
    for path, text in files.items():
        if text is None:
            raise GitError(f"The object of {path} is not in this repository.")
        place = folder / os.fsdecode(encoded(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(DRIVER.sub(b"merge=text", text))
