"""What is guarded, over a ``FakeGit``: tests set a ref, a file, a hook behind the run's back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.guard import Snapshot, Stashed
from workbench.testing.git import FakeGit


@dataclass
class FakeGuard:
    """``engine.ports.Guard`` in memory. ``looks`` counts looks; ``own`` is what ``own_tip`` gives for a ref,
    ``gone`` the worktrees that are none any more, ``checkout`` what the user's checkout holds besides its
    HEAD. A configuration file here has a key and a value in each line."""

    git: FakeGit
    stash: tuple[Stashed, ...] = ()
    heads: dict[str, str] = field(default_factory=lambda: {"/repo": "ref: refs/heads/main"})
    files: dict[str, bytes] = field(default_factory=dict)
    hooks: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    checkout: dict[str, str] = field(default_factory=dict)
    looks: int = 0
    _known: Mapping[str, str] = field(default_factory=dict)
    _written: Mapping[str, str] = field(default_factory=dict)

    root = Path("/repo")
    git_dir = Path("/repo/.git")

    async def look(self, whole: bool = False) -> Snapshot:
        self.looks += 1
        if self.git.refs != self._known:
            self._known = dict(self.git.refs)
        fresh = frozenset(ref for ref, at in self.git.written.items() if self._written.get(ref) != at)
        self._written = dict(self.git.written)
        return Snapshot(
            packed=self._known,
            stash=self.stash,
            heads=dict(self.heads),
            files=dict(self.files),
            hooks=dict(self.hooks),
            ours=self.git.written,
            fresh=fresh,
        )

    async def keys(self, content: bytes) -> tuple[tuple[str, str], ...]:
        pairs = (line.partition(" ") for line in content.decode().splitlines())
        return tuple((name, value) for name, _, value in pairs)

    def own_tip(self, worktree: Path, ref: str) -> str:
        return self.own.get(ref, "")

    def problem(self, worktree: Path) -> str:
        return f"The worktree is gone: {worktree}." if worktree.name in self.gone else ""

    async def fingerprint(self) -> Mapping[str, str]:
        return dict(self.checkout)

    async def blob_at(self, commit: str, path: str) -> str:
        return self.git.files(commit).get(path, "")
