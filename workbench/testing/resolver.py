"""A ladder to order: rungs that a test names, each a function of the three texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workbench.engine.ports import Clash, Proposal

Rung = Callable[[Clash], str | None]


def both(clash: Clash) -> str:
    """Ours, then theirs."""
    return clash.ours + clash.theirs


@dataclass
class FakeResolver:
    """``engine.ports.Resolver`` without rungs, unless a test gives it some. A text is weakened when it
    lacks a line ``test …`` that either side has. ``remembered`` lists what landed."""

    rungs: dict[str, Rung] = field(default_factory=dict)
    remembered: list[tuple[Clash, str]] = field(default_factory=list)

    async def propose(self, clashes: Sequence[Clash]) -> list[Proposal]:
        found: list[Proposal] = []
        for name, rung in self.rungs.items():
            texts = {clash.path: rung(clash) for clash in clashes}
            settled = {path: text for path, text in texts.items() if text is not None}
            lost = [await self.weakened(clash, settled.get(clash.path, "")) for clash in clashes]
            if len(settled) == len(clashes) and not any(lost):
                found.append(Proposal(name, settled))
        return found

    def remember(self, clash: Clash, text: str) -> None:
        self.remembered.append((clash, text))

    async def weakened(self, clash: Clash, text: str) -> str | None:
        for line in f"{clash.ours}\n{clash.theirs}".splitlines():
            if line.startswith("test ") and line not in text.splitlines():
                return f"{clash.path}: {line!r} is gone"
        return None
