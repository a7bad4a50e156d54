"""What says whether a tree is green."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from workbench.core.models import Verdict


class Gates(Protocol):
    """Runs gate commands on trees, each in a clean detached worktree; knows its environment."""

    async def check(
        self, commit: str, tree: str, commands: Sequence[str], urgent: bool = False
    ) -> list[Verdict]:
        """Run ``commands`` in order on ``commit`` until one is red; a verdict for each that ran.

        Output is cut to its last lines. A command that cannot be found or that outlives its time
        is red and says so. ``urgent`` goes before waiting checks that are not. Cancelling kills the
        command's whole process group.
        """
        ...

    def environment(self) -> str:
        """What a verdict depends on besides tree and command; part of its key."""
        ...
