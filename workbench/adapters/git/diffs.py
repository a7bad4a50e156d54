"""Which paths differ between two trees, through one long-lived ``diff-tree --stdin``."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping

from workbench.adapters.git.conversation import Conversation
from workbench.adapters.git.objects import full_id
from workbench.adapters.git.process import Place, decoded, encoded
from workbench.errors import GitError

Entries = Mapping[str, tuple[str, str]]

RECENT, PATHS = 256, 20_000
"""How many comparisons are remembered, and of how many paths in all, each some 400 bytes: on its way to the
branch what one task changed is asked for six times."""

SMALL = 1_000
"""Paths of a comparison that is remembered, at most."""


class Diffs:
    """``diff-tree`` echoes and flushes a line that is no object id: a line that nobody can guess,
    sent after the question, marks the end of the answer."""

    def __init__(self, place: Place) -> None:
        self._differ = Conversation(place, "diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames")
        self._end = encoded(f"end {secrets.token_hex(16)}\n")
        self._recent: dict[tuple[str, str], Entries] = {}

    async def paths(self, old_tree: str, new_tree: str) -> tuple[str, ...]:
        """Paths that differ between two trees, sorted. Raises GitError when one of them is not there."""
        return tuple(sorted(await self.entries(old_tree, new_tree)))

    async def entries(self, old_tree: str, new_tree: str) -> Entries:
        """Mode and object id, in the second tree, of each path that differs; the mode of one that is gone is
        made of zeros. Raises GitError when a tree is not there. The last few are remembered until
        ``renew``."""
        if old_tree == new_tree:
            return {}
        recent = self._recent  # another, once ``renew`` was called while we wait
        if (known := recent.get((old_tree, new_tree))) is not None:
            return known
        found = await self._compared(old_tree, new_tree)
        if len(found) <= SMALL:
            recent[old_tree, new_tree] = found
            while len(recent) > RECENT or sum(map(len, recent.values())) > PATHS:
                recent.pop(next(iter(recent)))
        return found

    async def _compared(self, old_tree: str, new_tree: str) -> Entries:
        question = encoded(f"{full_id(old_tree)} {full_id(new_tree)}\n") + self._end

        async def talk(ask: asyncio.StreamWriter, answer: asyncio.StreamReader) -> bytes:
            ask.write(question)
            said = bytearray()
            while not said.endswith(self._end):
                chunk = await answer.read(65536)
                if not chunk:
                    raise asyncio.IncompleteReadError(bytes(said), None)
                said += chunk
            asked, _, names = bytes(said[: -len(self._end)]).partition(b"\n")
            if not asked:  # else the question is repeated
                raise GitError(f"There is no tree {old_tree}, or no tree {new_tree}, in this repository.")
            return names

        # :MODE MODE OBJECT OBJECT STATUS, and the path; see git-diff-tree(1), "Raw output format".
        words = (await self._differ.exchange(talk)).split(b"\0")
        found: dict[str, tuple[str, str]] = {}
        for about, path in zip(words[::2], words[1::2], strict=False):
            _, mode, _, oid, _ = about.decode("ascii").split(" ")
            found[decoded(path)] = mode, oid
        return found

    def renew(self) -> None:
        """Compare by a new process from now on, nothing from memory; see ``Conversation.renew``."""
        self._recent = {}
        self._differ.renew()

    async def aclose(self) -> None:
        await self._differ.aclose()
