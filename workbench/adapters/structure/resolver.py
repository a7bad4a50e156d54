"""The model-free rungs as the engine asks for them: whole merges, of one file or several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from workbench.core.reuse import Hunks
from workbench.core.union import BOTH_NEW, LINES_FIRST, LOOSE, MOVED, THEIRS_FIRST, Resolution
from workbench.engine.ports import Clash, Proposal

WAYS = (
    ("reuse", ""),
    ("structure", BOTH_NEW),
    ("union", ""),
    ("structure", ""),
    ("structure", LOOSE),
    ("structure", THEIRS_FIRST),
    ("structure", MOVED),
    ("structure", LINES_FIRST),
    ("list", ""),
    ("list", THEIRS_FIRST),
    ("union", THEIRS_FIRST),
)
"""Every way to settle a file, in the order to try them: the rung, and how it goes about it."""


class StructuralResolver:
    """Fulfils ``Resolver`` by what was settled before, union, structure and lists, in this order.

    Parsing happens in a thread; the grammars are loaded when the first conflict is there.
    """

    def __init__(self) -> None:
        self._known = Hunks()

    async def propose(self, clashes: Sequence[Clash]) -> list[Proposal]:
        return await asyncio.to_thread(lambda: list(_whole(clashes, self._of)))

    def remember(self, clash: Clash, text: str) -> None:
        self._known.learn(clash.base or "", clash.ours, clash.theirs, text)

    async def weakened(self, clash: Clash, text: str) -> str | None:
        return await asyncio.to_thread(_weakened, clash, text, strict=False)

    def _of(self, clash: Clash) -> list[Resolution]:
        """A file's proposals, those left out that lose a test."""
        from workbench.adapters.structure.ladder import proposals

        texts = (clash.ours, clash.theirs)
        known = self._known.settle(clash.base or "", *texts)
        found = [Resolution("reuse", known)] if known is not None else []
        found += (it for it in proposals(clash.path, clash.base, *texts) if it.text != known)
        return [it for it in found if _weakened(clash, it.text) is None]


def _weakened(clash: Clash, text: str, *, strict: bool = True) -> str | None:
    """Nobody's work is sent back for a file that cannot be read, and whose tests so nobody can compare; what
    a rung makes of it is no loss."""
    from workbench.adapters.structure.weakening import weakened

    return weakened(clash.base, clash.ours, clash.theirs, text, clash.path, strict=strict)


def _whole(clashes: Sequence[Clash], of: Callable[[Clash], list[Resolution]]) -> Iterator[Proposal]:
    """A merge for each way that any file can be settled: every file that way, or, where it cannot, the way
    nearest before it."""
    found: dict[str, list[tuple[int, Resolution]]] = {}
    for clash in clashes:
        several = [(_place(it), it) for it in of(clash)]
        if not several:
            return
        found[clash.path] = several
    seen: list[Mapping[str, str]] = []
    for place in sorted({place for several in found.values() for place, _ in several}):
        chosen = {path: _nearest(several, place) for path, several in found.items()}
        texts = {path: it.text for path, it in chosen.items()}
        if texts not in seen:
            seen.append(texts)
            yield Proposal(_named(chosen.values()), texts)


def _place(resolution: Resolution) -> int:
    return WAYS.index((resolution.rung, resolution.variant))


def _nearest(several: Sequence[tuple[int, Resolution]], place: int) -> Resolution:
    before = [it for at, it in several if at <= place]
    return before[-1] if before else several[0][1]


def _named(chosen: Iterable[Resolution]) -> str:
    """The last of the ways that the files took: the rung that the merge is known by."""
    rung, variant = WAYS[max(map(_place, chosen))]
    return f"{rung}, {variant}" if variant else rung
