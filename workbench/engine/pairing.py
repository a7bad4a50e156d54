"""Which of several tasks a rejected one collides with: a search of its own, beside the landings."""

from __future__ import annotations

import logging

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import Verdict
from workbench.engine.ports import Emit
from workbench.engine.world import World

log = logging.getLogger(__name__)


async def find_pair(world: World, emit: Emit, action: a.FindPair) -> None:
    """See ``FindPair``. It always answers, for a fix-up waits for it: with all the sides when what was
    tried does not tell."""
    search = _Pairing(world, action)
    try:
        others, certain = await search.pair()
    except Exception:  # whatever it was, the fix-up can begin without knowing more
        log.exception("the search for what %s collides with was given up", action.task)
        others, certain = tuple(side.task for side in action.sides), False
    emit(
        e.SemanticConflictFound(
            task=action.task,
            others=others,
            gate=action.gate,
            tests=action.tests,
            certain=certain,
            evidence=action.evidence,
            verdicts=tuple(search.verdicts),
        )
    )


class _Pairing:
    def __init__(self, world: World, action: a.FindPair) -> None:
        self._world, self._action = world, action
        self.verdicts: list[Verdict] = []

    async def pair(self) -> tuple[tuple[str, ...], bool]:
        """The other side, and whether it is certain. A suspect is tried alone; failing that, the first tip
        on which the change is red is searched for, and who made it is tried alone."""
        sides = self._action.sides
        for place in self._action.suspects:
            if await self._red_on(sides[place].delivered):
                return (sides[place].task,), True
        green, red = 0, len(sides)
        while red - green > 1:
            middle = (green + red) // 2
            found = await self._red_on(sides[middle - 1].tip)
            if found is None:
                return tuple(side.task for side in sides[green:red]), False
            green, red = (green, middle) if found else (middle, red)
        last = sides[red - 1]
        alone = red - 1 not in self._action.suspects and await self._red_on(last.delivered)
        return (last.task,), bool(alone) or red == 1

    async def _red_on(self, other: str) -> bool | None:
        """Whether the gate is red on the change merged with ``other``; None when they do not merge."""
        git, action = self._world.git, self._action
        merged = await git.merge(other, action.commit)
        if not merged.clean:
            return None
        message = f"Look for what {action.task} collides with\n"
        commit = await git.commit(merged.tree, [other, action.commit], message)
        for _ in range(2):  # a red one may be a flake
            verdicts = await self._world.gates.check(commit, merged.tree, (action.gate,))
            self.verdicts += verdicts
            if verdicts[-1].green:
                return False
        return True
