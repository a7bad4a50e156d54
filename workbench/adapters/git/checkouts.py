"""A few reusable detached worktrees in which gates see a commit and nothing else."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from workbench.adapters.git.administration import Linked, drop, establish, linked_at
from workbench.adapters.git.disarming import disarm
from workbench.adapters.git.furnishing import Furnishing
from workbench.adapters.git.objects import full_id
from workbench.adapters.git.process import run
from workbench.adapters.git.repository import Repository
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import GitError


class Checkouts:
    """Fulfils the ``Checkouts`` port: up to ``slots`` worktrees ``root/gates/gate-1``… (or of another
    ``name``), each made when first needed. A lease costs two git processes (checkout, clean).

    Nothing in them is kept: one that a gate damaged is made anew.
    """

    def __init__(
        self,
        repository: Repository,
        root: Path,
        furnishing: Furnishing | None = None,
        *,
        slots: int = 2,
        name: str = "gate",
        cache: Sequence[str] = (),
    ) -> None:
        self._cache = tuple(cache)
        self._spared: dict[Path, tuple[str, ...]] = {}  # what furnishing brought, by worktree
        self._common = repository.common_dir
        self._furnishing = furnishing or Furnishing(repository.root)
        self._free = [
            linked_at(root / "gates" / f"{name}-{number}", self._common, self._furnishing.notice)
            for number in range(1, slots + 1)
        ]
        self._all = tuple(self._free)
        self._waiting: list[tuple[bool, int, asyncio.Future[Linked]]] = []
        self._order = itertools.count()

    @asynccontextmanager
    async def lease(self, commit: str, urgent: bool = False) -> AsyncIterator[Path]:
        """See the port. Raises GitError when there is no such commit, SetupError when a set-up
        command fails."""
        full_id(commit)
        linked = await self._take(urgent)
        try:
            crashpoint("gate.checkout")
            await self._bring_to(linked, commit)
            killpoint("gate.ready")
            yield linked.path
        finally:
            self._give_back(linked)

    async def aclose(self) -> None:
        """Remove them all. Leases must have ended. Safe to call twice."""
        for linked in self._all:
            if linked.path.is_dir() or linked.admin.is_dir():
                await asyncio.to_thread(drop, linked)
            with suppress(OSError):
                linked.path.parent.rmdir()

    async def _take(self, urgent: bool) -> Linked:
        if self._free:
            return self._free.pop(0)
        turn: asyncio.Future[Linked] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), turn))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(turn.result())
            raise

    def _give_back(self, linked: Linked) -> None:
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(linked)
                return
        self._free.insert(0, linked)

    async def _bring_to(self, linked: Linked, commit: str) -> None:
        known = linked.path in self._spared  # one of another process may hold anything
        if known and linked.path.is_dir() and not linked.problem():
            try:
                await self._check_out(linked, commit)
                return
            except GitError:
                # Its index is damaged, or a killed gate left a lock. Should the commit be what is
                # wrong, a new worktree fails in the same words.
                pass
        if linked.path.is_dir() or linked.admin.is_dir():
            await asyncio.to_thread(drop, linked)
        establish(linked, commit, "workbench: a gate's checkout")
        self._spared.pop(linked.path, None)
        await self._check_out(linked, commit)
        await self._furnishing.furnish(linked)
        self._spared[linked.path] = await self._furnishing.brought(linked)

    async def _check_out(self, linked: Linked, commit: str) -> None:
        for sentence in disarm(linked):
            self._furnishing.notice(sentence)
        linked.drop_operations()
        await run(linked.place, "checkout", "-f", "-q", "--detach", commit, "--")
        spared = self._spared.get(linked.path)
        if spared is None:  # it was empty: there is nothing to clean
            return
        # Ignored files too: what one gate made, another tree's gate must not find.
        patterns = [word for path in (*spared, *self._cache) for word in ("-e", path)]
        await run(linked.place, "clean", "-ffdxq", *patterns)
