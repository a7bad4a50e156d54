"""The Names port: grammars are loaded in a thread, when the first source file is to be read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from workbench.core.models import PublicChange
from workbench.engine.ports import Versions


class SourceNames:
    """Fulfils ``engine.ports.Names`` for the languages that there are grammars for."""

    async def changes(self, files: Sequence[Versions]) -> list[PublicChange]:
        return await asyncio.to_thread(_changes, files)


def _changes(files: Sequence[Versions]) -> list[PublicChange]:
    from workbench.adapters.structure.names import public_changes

    return [change for file in files for change in public_changes(file.path, file.old, file.new)]
