"""Reads what work brings in, from a repository in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from workbench.engine.ports import Leak
from workbench.testing.git import FakeGit

SECRET = "hunter2"  # noqa: S105 - what passes for one
"""What looks like a secret here."""


class FakeExaminer:
    """``engine.ports.Examiner`` for a FakeGit. ``slow`` makes every search for secrets take too long."""

    def __init__(self, git: FakeGit, *, slow: bool = False) -> None:
        self._git, self._slow = git, slow

    async def entries(self, commit: str, paths: Sequence[str]) -> Mapping[str, str]:
        tree = self._git.tree(commit)
        texts = {path: tree.get(path) for path in paths}
        return {path: _oid(text) for path, text in texts.items() if text is not None}

    async def patch(self, old: str, new: str, paths: Sequence[str], limit: int) -> str:
        before, now = self._git.tree(old), self._git.tree(new)
        lines = [f"-{before.get(path)!r}\n+{now.get(path)!r}" for path in paths]
        return "\n".join(lines)[:limit]

    async def leaks(self, known: Sequence[str], new: str) -> Sequence[Leak]:
        if self._slow:
            raise TimeoutError
        found: list[Leak] = []
        before, now = self._git.tree(known[0]), self._git.tree(new)
        for path in before.differing(now):
            there = (before.get(path) or "").splitlines()
            for number, line in enumerate((now.get(path) or "").splitlines(), 1):
                if SECRET in line and line not in there:
                    found.append(Leak(path, number, "Secret Keyword"))
        return found


def _oid(text: str) -> str:
    return "100644 " + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
