"""Trial merges: whether two pieces of work in progress would merge, and nothing kept of it.

They go through a ``merge-tree`` of their own. Landings never wait for them, what they merge writes
nothing into the user's repository, and no time goes into making durable what nobody will ask for: new
objects go to a folder beside it, which is emptied.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from workbench.adapters.git.diffs import Diffs
from workbench.adapters.git.merges import Merges
from workbench.adapters.git.objects import Objects
from workbench.adapters.git.process import Place
from workbench.engine.ports import Merged
from workbench.errors import GitError


class Probes:
    """Merges pairs one after another. Its processes are started by the first, and its ``folder`` made;
    ``diffs`` is of the repository."""

    def __init__(self, common_dir: Path, folder: Path, diffs: Diffs, *, batched: bool) -> None:
        self._common = common_dir
        self._folder = folder
        self._diffs = diffs
        self._batched = batched
        self._merges: Merges | None = None
        self._objects: Objects | None = None

    async def probe(self, pairs: Sequence[tuple[str, str]]) -> list[Merged | GitError]:
        """See the Git port."""
        found: list[Merged | GitError] = []
        for ours, theirs in pairs:
            try:
                found.append(await self._ready().merge(ours, theirs))
            except GitError as problem:
                found.append(problem)
        return found

    def _ready(self) -> Merges:
        if self._merges is None:
            shutil.rmtree(self._folder, ignore_errors=True)  # what a killed run left
            objects = self._folder / "objects"
            objects.mkdir(parents=True)
            extra = {
                "GIT_OBJECT_DIRECTORY": str(objects),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(self._common / "objects"),
                # The last of the same name wins: the settings of all our commands come before.
                "GIT_CONFIG_PARAMETERS": "'core.fsync=none'",
            }
            self._objects = Objects(Place(self._common, self._folder, extra), self._common)
            self._merges = Merges(
                self._common,
                self._folder / "merge",
                self._objects,
                self._diffs,
                batched=self._batched,
                extra=extra,
            )
        return self._merges

    async def aclose(self) -> None:
        """End the processes and delete what they wrote. Safe to call twice."""
        if self._merges is None or self._objects is None:
            return
        await self._merges.aclose()
        await self._objects.aclose()
        self._merges = self._objects = None
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


def _quoted(path: Path) -> str:
    """A path in a list that git takes apart at colons."""
    text = os.fspath(path)
    if os.pathsep not in text and not text.startswith('"'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
