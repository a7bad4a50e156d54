"""Worktrees, checkouts and gates over a ``FakeGit``: files are mappings, a gate is a function of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.models import Verdict
from workbench.engine.ports import Collected, Prepared
from workbench.errors import GitError, UsageError
from workbench.testing.git import FakeGit, Files


@dataclass
class FakeWorktree:
    """One teammate's worktree: ``head`` is its commit, ``files`` what lies in it now."""

    head: str
    files: dict[str, str]
    merging: str | None = None


@dataclass
class FakeWorktrees:
    """``engine.ports.Worktrees`` in memory. ``at`` gives a worktree by the path that was prepared. With
    ``run`` given, a teammate's branch in that run is where its worktree starts. ``borrowed`` are the
    user's own by teammate; those ``not_lent`` cannot be."""

    git: FakeGit
    root: Path = Path("/worktrees")
    standing: dict[str, FakeWorktree] = field(default_factory=dict)
    run: str = ""
    borrowed: dict[str, Path] = field(default_factory=dict)
    not_lent: set[Path] = field(default_factory=set)
    _pins: int = 0

    def at(self, path: Path) -> FakeWorktree:
        """The worktree that stands at ``path``; GitError when none does."""
        return self._get(path.name)

    def commit(self, path: Path, message: str) -> str:
        """Commit what lies in the worktree at ``path``, as its teammate does; the commit it is at then."""
        return self._snapshot(self.at(path), message)

    def _get(self, teammate: str) -> FakeWorktree:
        try:
            return self.standing[teammate]
        except KeyError:
            raise GitError(f"the worktree of {teammate} is gone") from None

    def _hold(self, teammate: str, commit: str) -> str:
        self._pins += 1
        pinned = f"refs/workbench/held/{teammate}/{self._pins}"
        self.git.refs[pinned] = commit
        return pinned

    async def prepare(
        self, teammate: str, start: str, *, carry: str | None, keep: bool, sparse: Sequence[str]
    ) -> Prepared:
        path, branch = self.root / teammate, f"refs/heads/workbench/{teammate}"
        created = teammate not in self.standing
        if keep and not created:
            return Prepared(path, branch, created=False)
        pinned = None
        if not created:
            old = self.standing[teammate]
            pinned = self._hold(teammate, self._snapshot(old, "held"))
        worktree = FakeWorktree(start, self.git.files(start))
        self.standing[teammate] = worktree
        if self.run:
            own = f"refs/heads/workbench/{self.run}/{teammate}"
            if (tip := self.git.refs.get(own)) is not None:
                self._hold(teammate, tip)
            await self.git.pin(own, start)
        conflicts: tuple[str, ...] = ()
        if carry is not None and not self.git.holds(start, carry):
            worktree.files, conflicts = self.git.merge_files(start, carry)
            worktree.merging = carry
        return Prepared(path, branch, created, conflicts, pinned)

    async def collect(self, teammate: str, start: str, message: str, pin: str) -> Collected:
        worktree = self._get(teammate)
        before = worktree.head
        commit = self._snapshot(worktree, message)
        await self.git.pin(pin, commit)
        tree = await self.git.tree_of(commit)
        unresolved = tuple(path for path, text in worktree.files.items() if text.startswith("<<<<<<< "))
        changed = tree != await self.git.tree_of(start)
        return Collected(commit, tree, changed, snapshot=commit != before, unresolved=unresolved)

    def _snapshot(self, worktree: FakeWorktree, message: str) -> str:
        tree = self.git.tree(worktree.head)
        before, now = tree.files(), worktree.files
        if worktree.merging is None and now == before:
            return worktree.head
        changes: dict[str, str | None] = {
            path: text for path, text in now.items() if before.get(path) != text
        }
        changes |= {path: None for path in before if path not in now}
        parents = [worktree.head, *([worktree.merging] if worktree.merging else [])]
        worktree.head, worktree.merging = self.git.add(tree.changed(changes), *parents, message=message), None
        self.git.made.append(worktree.head)
        return worktree.head

    async def fingerprint(self, teammate: str) -> str:
        return repr(sorted(self._get(teammate).files.items()))

    async def borrow(self, teammate: str, path: Path) -> None:
        if path in self.not_lent:
            raise UsageError(f"{path} is not clean")
        self.borrowed[teammate] = path

    async def remove(self, teammate: str) -> None:
        self.borrowed.pop(teammate, None)
        worktree = self.standing.pop(teammate, None)
        if worktree is not None:
            self._hold(teammate, self._snapshot(worktree, "held"))


@dataclass
class FakeCheckouts:
    """``engine.ports.Checkouts`` in memory: counts leases, makes nothing."""

    leased: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def lease(self, commit: str, urgent: bool = False) -> AsyncIterator[Path]:
        self.leased.append(commit)
        yield Path("/gates") / str(len(self.leased))

    async def aclose(self) -> None:
        """Nothing stands."""


def always_green(command: str, files: Files) -> bool:
    """A gate that likes everything."""
    return True


@dataclass
class FakeGates:
    """``engine.ports.Gates``: ``judge(command, files)`` says whether a tree is green. ``runs`` lists
    every (command, commit) that was run."""

    git: FakeGit
    judge: Callable[[str, Files], bool] = always_green
    runs: list[tuple[str, str]] = field(default_factory=list)

    async def check(
        self, commit: str, tree: str, commands: Sequence[str], urgent: bool = False
    ) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for command in commands:
            self.runs.append((command, commit))
            green = self.judge(command, self.git.files(commit))
            verdicts.append(
                Verdict(
                    tree=tree, gate=command, environment=self.environment(), green=green, seconds=0.0,
                    output="" if green else f"{command} is red", exit_code=0 if green else 1,
                )
            )  # fmt: skip
            if not green:
                break
        return verdicts

    def environment(self) -> str:
        return "fake"
