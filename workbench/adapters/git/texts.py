"""Texts of files in trees, read and replaced without an index or a worktree."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.adapters.git.objects import Objects, full_id, tree_entries
from workbench.adapters.git.process import encoded
from workbench.errors import GitError


class Texts:
    """Files as text: UTF-8 and free of NUL, or not text at all."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def of(self, blob: str) -> str | None:
        """See ``Git.text``."""
        return _text(await self._objects.contents(full_id(blob)))

    async def at(self, commit: str, path: str) -> str | None:
        """See ``Git.text_at``."""
        if "\n" in path or path.endswith("\r"):  # git asks by lines, and takes such an end of one off
            blob = await self._found(commit, path)
            return None if blob is None else await self.of(blob)
        found = await self._objects.info(f"{full_id(commit)}:{path}")
        return await self.of(found[0]) if found is not None and found[1] == "blob" else None

    async def _found(self, commit: str, path: str) -> str | None:
        """The file at ``path``, looked for folder by folder."""
        oid, kind = await self._objects.tree_of(commit), b"40000"
        for part in encoded(path).split(b"/"):
            raw = await self._objects.contents(oid) if kind == b"40000" else None
            entries = {name: (mode, it.hex()) for mode, name, it in tree_entries(raw or b"")}
            if part not in entries:
                return None
            kind, oid = entries[part]
        return None if kind in (b"40000", b"160000") else oid

    async def replaced(self, tree: str, texts: Mapping[str, str]) -> str:
        """See ``Git.with_texts``. Raises GitError for a path that the tree does not have as a file."""
        blobs = {
            tuple(encoded(path).split(b"/")): await self._objects.write("blob", text.encode())
            for path, text in texts.items()
        }
        return await self._rewritten(tree, blobs)

    async def _rewritten(self, tree: str, blobs: Mapping[tuple[bytes, ...], str]) -> str:
        """The tree with ``blobs`` at their paths: only the folders on the way are written anew."""
        raw = await self._objects.contents(full_id(tree))
        if raw is None:
            raise GitError(f"There is no tree {tree} in this repository.")
        heads = {path[0] for path in blobs}
        out = bytearray()
        for mode, name, oid in tree_entries(raw):
            new = oid
            if name in heads:
                heads.discard(name)
                below = {path[1:]: blob for path, blob in blobs.items() if path[0] == name}
                blob = below.pop((), None)
                if (blob is None) is not (mode == b"40000") or (blob is not None and below):
                    raise GitError(f"{name!r} in the tree {tree} is not what it was taken for.")
                new = bytes.fromhex(blob if blob is not None else await self._rewritten(oid.hex(), below))
            out += mode + b" " + name + b"\0" + new
        if heads:
            raise GitError(f"The tree {tree} has no {min(heads)!r}.")
        return await self._objects.write("tree", bytes(out))


def _text(raw: bytes | None) -> str | None:
    if raw is None or b"\0" in raw:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
