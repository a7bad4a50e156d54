"""Starts commands behind walls, by whoever starts commands."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from workbench.adapters.children import WALLED, Child, Mark, Starter
from workbench.adapters.walls.layout import (
    Ground,
    Kind,
    admin_of,
    cache_of,
    cache_variables,
    log_of,
    options,
)


class WalledStarter:
    """Fulfils ``children.Starter``: ``starter`` starts bubblewrap, and that the command."""

    def __init__(self, starter: Starter, ground: Ground, kind: Kind) -> None:
        self._starter, self._ground, self._kind = starter, ground, kind

    async def start(
        self, command: str, *, cwd: Path, env: Mapping[str, str], stdin: int, output: int, mark: Mark
    ) -> Child:
        """See ``Starter.start``; ``cwd`` is the worktree that the command may write to."""
        ground = self._ground
        cache = cache_of(ground, cwd)
        cache.mkdir(parents=True, exist_ok=True)
        make_ready(ground, cwd, self._kind)
        report = env.get("WORKBENCH_JUNIT")
        inside = {**cache_variables(cache), **env, **WALLED}
        if (scratch := inside.get("TMPDIR")) and not _among(scratch, ground):
            del inside["TMPDIR"]  # /tmp is its own
        walls = options(
            ground,
            cwd,
            self._kind,
            path=env.get("PATH", os.defpath),
            report=Path(report) if report else None,
        )
        line = shlex.join([ground.bwrap, *walls, "--", "/bin/sh", "-c", command])
        return await self._starter.start(
            f"exec {line}", cwd=cwd, env=inside, stdin=stdin, output=output, mark=mark
        )


def make_ready(ground: Ground, cwd: Path, kind: Kind) -> None:
    """Make what must be there when walls are put up around commands of a ``kind`` in the worktree ``cwd``."""
    if kind == "teammate":
        for name in ("refs", "logs/refs"):  # where a first commit makes its lock and its log
            (ground.common / name / "heads" / "workbench" / ground.run).mkdir(parents=True, exist_ok=True)
    _steady(ground, cwd)


def _steady(ground: Ground, cwd: Path) -> None:
    """Make the files that are given to the command one by one: what is not there, it could make itself."""
    admin = admin_of(ground, cwd)
    if admin is None:
        return
    log = log_of(ground, admin)
    steady = [log] if log is not None else []
    if b"worktreeconfig" in (ground.common / "config").read_bytes().lower():
        steady.append(admin / "config.worktree")
    for path in steady:
        if path.is_symlink():
            path.unlink()
        path.touch()


def _among(place: str, ground: Ground) -> bool:
    real = Path(os.path.realpath(place))
    return any(real.is_relative_to(it) for it in ground.opened(ground.write))
