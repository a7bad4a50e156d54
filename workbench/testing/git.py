"""A repository in memory: commits, trees as mappings from path to text, refs moved by compare-and-swap."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.engine.ports import Conflicted, Merged
from workbench.errors import GitError
from workbench.testing.trees import Tree

Files = Mapping[str, str]


@dataclass(frozen=True)
class FakeCommit:
    """A commit: its tree, its parents and its message."""

    tree: str
    parents: tuple[str, ...]
    message: str


def conflict_text(base: str, ours: str, theirs: str) -> str:
    """A whole file as one conflict, with markers in zdiff3 style."""
    return f"<<<<<<< ours\n{ours}||||||| base\n{base}=======\n{theirs}>>>>>>> theirs\n"


@dataclass
class FakeGit:
    """``engine.ports.Git`` in memory. Files merge whole: both sides changing one file is a conflict,
    unless they changed it alike. ``moves`` lists every ref moved by compare-and-swap, ``probed``
    every pair that was merged on trial, ``written`` what was written to each ref through the port."""

    commits: dict[str, FakeCommit] = field(default_factory=dict)
    trees: dict[str, Tree] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)
    moves: list[tuple[str, str]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    """Commits of teammates' worktrees: whatever becomes of them, none may be lost."""
    probed: list[tuple[str, str]] = field(default_factory=list)
    _order: list[str] = field(default_factory=list)
    _past: dict[str, int] = field(default_factory=dict)
    """The ancestors of each commit, itself included: a bit for each, by its place in ``_order``."""
    written: dict[str, str] = field(default_factory=dict)

    # -- for tests ---------------------------------------------------------------------------------

    def write(self, files: Files) -> str:
        """The id of the tree that holds exactly ``files``."""
        return self._keep(files if isinstance(files, Tree) else Tree.of(files))

    def _keep(self, tree: Tree) -> str:
        self.trees.setdefault(tree.oid, tree)
        return tree.oid

    def add(self, files: Files, *parents: str, message: str = "") -> str:
        """A new commit of ``files``; commits differ even when they say the same."""
        tree = self.write(files)
        body = f"{len(self._order)} {tree} {parents} {message}"
        commit = hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest()
        past = 1 << len(self._order)
        for parent in parents:
            past |= self._past_of(parent)
        self.commits[commit] = FakeCommit(tree, parents, message)
        self._order.append(commit)
        self._past[commit] = past
        return commit

    def files(self, commit: str) -> dict[str, str]:
        """What a commit holds; GitError when there is no such commit."""
        return self.tree(commit).files()

    def tree(self, commit: str) -> Tree:
        """What a commit holds, to be read; GitError when there is no such commit."""
        return self.trees[self._get(commit).tree]

    def ancestors(self, commit: str) -> dict[str, None]:
        """A commit and all that is reachable from it, nearest first."""
        seen: dict[str, None] = {}
        waiting = deque([commit])
        while waiting:
            name = waiting.popleft()
            if name not in seen:
                seen[name] = None
                waiting += self._get(name).parents
        return seen

    def holds(self, commit: str, older: str) -> bool:
        """Whether ``older`` is reachable from ``commit``, or is it."""
        place = self._past_of(older).bit_length() - 1
        return bool(self._past_of(commit) >> place & 1)

    def reachable(self) -> set[str]:
        """Every commit that some ref holds."""
        held = 0
        for commit in self.refs.values():
            held |= self._past[commit]
        return {name for place, name in enumerate(self._order) if held >> place & 1}

    def merge_files(self, ours: str, theirs: str) -> tuple[dict[str, str], tuple[str, ...]]:
        """The merged files, conflicts written into them, and the paths of those."""
        merged, conflicts = self._merged(ours, theirs)
        return merged.files(), conflicts

    def _merged(self, ours: str, theirs: str) -> tuple[Tree, tuple[str, ...]]:
        base = self._base(ours, theirs)
        before, left, right = (self.tree(base) if base else Tree.of({})), self.tree(ours), self.tree(theirs)
        changes: dict[str, str | None] = {}
        conflicts = []
        for path in before.differing(right):
            old, mine, other = before.get(path), left.get(path), right.get(path)
            if mine == old:
                changes[path] = other
            elif mine != other:
                conflicts.append(path)
                changes[path] = conflict_text(old or "", mine or "", other or "")
        return left.changed(changes), tuple(conflicts)

    def _get(self, commit: str) -> FakeCommit:
        try:
            return self.commits[commit]
        except KeyError:
            raise GitError(f"no commit {commit!r} in this repository") from None

    def _past_of(self, commit: str) -> int:
        self._get(commit)
        return self._past[commit]

    def _base(self, ours: str, theirs: str) -> str | None:
        common = self._past_of(ours) & self._past_of(theirs)
        return self._order[common.bit_length() - 1] if common else None  # the newest: none is above it

    # -- the port ------------------------------------------------------------------------------------

    async def tip(self, ref: str) -> str | None:
        return self.refs.get(ref)

    async def tree_of(self, commit: str) -> str:
        return self._get(commit).tree

    async def move_ref(self, ref: str, new: str, old: str | None, why: str) -> bool:
        self._get(new)
        if self.refs.get(ref) != old:
            return False
        self.refs[ref] = self.written[ref] = new
        self.moves.append((ref, new))
        return True

    async def pin(self, ref: str, commit: str) -> None:
        self._get(commit)
        self.refs[ref] = self.written[ref] = commit

    async def merge(self, ours: str, theirs: str) -> Merged:
        files, conflicts = self._merged(ours, theirs)
        if conflicts:
            hunks = "\n".join(f"{path}\n{files[path]}" for path in conflicts)
            return Merged(
                clean=False,
                tree=self.write(files),
                paths=conflicts,
                hunks=hunks,
                files=self._conflicted(ours, theirs, conflicts),
            )
        return Merged(clean=True, tree=self.write(files))

    async def probe(self, pairs: Sequence[tuple[str, str]]) -> list[Merged | GitError]:
        self.probed += pairs
        return [await self._tried(ours, theirs) for ours, theirs in pairs]

    async def _tried(self, ours: str, theirs: str) -> Merged | GitError:
        try:
            return await self.merge(ours, theirs)
        except GitError as problem:
            return problem

    def _conflicted(self, ours: str, theirs: str, paths: Sequence[str]) -> tuple[Conflicted, ...]:
        base = self._base(ours, theirs)
        sides = [self.tree(base) if base else Tree.of({}), self.tree(ours), self.tree(theirs)]
        if any(path not in side for path in paths for side in sides[1:]):
            return ()
        return tuple(Conflicted(path, *(self._blob(side.get(path)) for side in sides)) for path in paths)

    def _blob(self, text: str | None) -> str:
        if text is None:
            return ""
        oid = hashlib.sha1(f"blob {text}".encode(), usedforsecurity=False).hexdigest()
        self.blobs[oid] = text
        return oid

    async def text(self, blob: str) -> str | None:
        return self.blobs.get(blob)

    async def text_at(self, commit: str, path: str) -> str | None:
        return self.tree(commit).get(path)

    async def with_texts(self, tree: str, texts: Mapping[str, str]) -> str:
        files = self.trees[tree]
        if not texts.keys() <= files.keys():
            raise GitError(f"the tree {tree} does not have all of {', '.join(sorted(texts))}")
        return self._keep(files.changed(texts))

    async def commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        if tree not in self.trees:
            raise GitError(f"no tree {tree!r} in this repository")
        return self.add(self.trees[tree], *parents, message=message)

    async def changed_files(self, old: str, new: str) -> tuple[str, ...]:
        return tuple(self.tree(old).differing(self.tree(new)))

    async def links(self, old: str, new: str) -> dict[str, str]:
        return {}  # there are none in memory

    async def is_ancestor(self, older: str, newer: str) -> bool:
        return self.holds(newer, older)

    async def between(self, old: str, new: str) -> list[tuple[str, str]]:
        known, way = self.ancestors(old), list[tuple[str, str]]()
        while new not in known:
            commit = self._get(new)
            way.append((new, commit.message))
            if not commit.parents:
                break
            new = commit.parents[0]
        return way

    async def aclose(self) -> None:
        """Nothing runs."""
