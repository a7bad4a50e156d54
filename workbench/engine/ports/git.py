"""The user's repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from workbench.errors import GitError


@dataclass(frozen=True, slots=True)
class Conflicted:
    """A file with a conflict in its text: the object ids of its three versions. ``base`` is empty for a
    file that both sides added."""

    path: str
    base: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge in memory. ``tree`` is the result; of a conflicting merge it has markers in the files.
    A conflicting one has ``paths`` and ``hunks`` (the conflicted files' text with zdiff3 markers, cut to
    a readable size), and ``files`` where texts in place of them would settle all of it: not where a file
    was deleted, renamed twice, is binary, a link, or has two modes."""

    clean: bool
    tree: str = ""
    paths: tuple[str, ...] = ()
    hunks: str = ""
    files: tuple[Conflicted, ...] = ()


class Git(Protocol):
    """The user's repository. Nothing here touches its index, working tree, HEAD or own branches."""

    async def tip(self, ref: str) -> str | None:
        """The commit a full ref name points at, or None where there is no such ref."""
        ...

    async def tree_of(self, commit: str) -> str:
        """The tree id of a commit."""
        ...

    async def move_ref(self, ref: str, new: str, old: str | None, why: str) -> bool:
        """Compare-and-swap ``ref`` from ``old`` (None: must not exist) to ``new``, durable.

        False when the ref was not at ``old``; never forces. ``why`` goes to the reflog.
        """
        ...

    async def pin(self, ref: str, commit: str) -> None:
        """Make ``commit`` reachable from ``ref`` (created or moved)."""
        ...

    async def merge(self, ours: str, theirs: str) -> Merged:
        """Merge two commits in memory, as ``git merge`` would; touches no worktree or index."""
        ...

    async def probe(self, pairs: Sequence[tuple[str, str]]) -> list[Merged | GitError]:
        """Merge each pair of commits for its outcome alone, in this order: what is written for it is
        not kept, and no ``merge`` waits for it. A GitError stands for a pair that cannot be merged."""
        ...

    async def commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        """Write a commit object by workbench's identity and give its id; moves no ref."""
        ...

    async def changed_files(self, old: str, new: str) -> tuple[str, ...]:
        """Paths that differ between two commits, sorted."""
        ...

    async def links(self, old: str, new: str) -> Mapping[str, str]:
        """The symbolic links among these paths, as they are in ``new``, by what they lead to; what is another
        repository there (a submodule), or leads to what is no text, to ""."""
        ...

    async def text(self, blob: str) -> str | None:
        """The text of a file by its object id; None when it is binary or not UTF-8."""
        ...

    async def text_at(self, commit: str, path: str) -> str | None:
        """The text of a file in a commit; None when there is none, or it is binary or not UTF-8."""
        ...

    async def with_texts(self, tree: str, texts: Mapping[str, str]) -> str:
        """The tree that differs from ``tree`` in the texts of files it has already; durable."""
        ...

    async def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether ``older`` is reachable from ``newer``."""
        ...

    async def between(self, old: str, new: str) -> list[tuple[str, str]]:
        """Commits with their messages on the way of first parents from ``new`` back to what ``old``
        reaches, newest first."""
        ...

    async def aclose(self) -> None:
        """End helper processes. Safe to call twice."""
        ...
