"""Commands as children of this very process: without supervision, where there is none to be had."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from workbench.adapters.children import Child, Mark, Starter


class Direct:
    """A child of this very process. What leaves its group, loses its parent and clears its environment is
    not found when it ends, and all of it goes on when this process is killed."""

    def __init__(self, process: asyncio.subprocess.Process, mark: Mark) -> None:
        self.pid = process.pid
        self._process = process
        self._mark = mark

    @property
    def proven(self) -> bool:
        return False

    async def wait(self) -> int:
        return await self._process.wait()

    async def end(self) -> None:
        from workbench.adapters import processes

        await processes.end(self._process, self._mark)

    async def end_near(self) -> None:
        from workbench.adapters import processes

        await processes.end_group(self._process)

    async def sweep(self) -> None:
        from workbench.adapters import processes

        await processes.sweep(self._mark)


class DirectStarter:
    """Fulfils ``Starter`` without a process in between."""

    async def start(
        self, command: str, *, cwd: Path, env: Mapping[str, str], stdin: int, output: int, mark: Mark
    ) -> Child:
        """See ``Starter.start``. There is no ``preexec_fn``, so that Python can use vfork, and no pipe of
        asyncio's, so that waiting ends with the process whoever else holds its output."""
        try:
            process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                command,
                cwd=cwd,
                env=env,
                stdin=stdin,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except asyncio.CancelledError:
            from workbench.adapters import processes

            await processes.end(None, mark)
            raise
        return Direct(process, mark)


DIRECT: Starter = DirectStarter()
