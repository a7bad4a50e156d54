"""Public names without a grammar."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.models import PublicChange
from workbench.engine.ports import Versions


class LineNames:
    """``engine.ports.Names`` for which every line of a file is a name."""

    async def changes(self, files: Sequence[Versions]) -> list[PublicChange]:
        found: list[PublicChange] = []
        for file in files:
            old, new = ((text or "").splitlines() for text in (file.old, file.new))
            for how, lines, others in (("removed", old, new), ("added", new, old)):
                found += [
                    PublicChange.model_validate(
                        {"path": file.path, "name": line, "how": how, "signature": line}
                    )
                    for line in lines
                    if line not in others
                ]
        return found
