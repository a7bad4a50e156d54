"""What a person asks for while a simulated run goes on: somebody joins, leaves, or is answered."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.mail import PERSON
from workbench.core.requests import Answer, Reassign, Request, RequestJoin, RequestShutdown, Spawn
from workbench.core.state import RunState
from workbench.testing.simulation.world import World


def change(world: World, state: RunState, number: int) -> e.RequestMade:
    """A request about the team, by dice; ``number`` tells it from the others."""
    name = f"{number:016x}"
    return e.RequestMade(id=name, by=PERSON, request=_drawn(world, state, name))


def _drawn(world: World, state: RunState, seat: str) -> Request:
    dice = world.dice
    if state.asks and dice.random() < 0.3:
        decision = "yes" if dice.random() < 0.7 else "no"
        return Answer(message=dice.choice(list(state.asks)), decision=decision, text="words")
    match dice.randrange(5):
        case 0:
            return Spawn(name=dice.choice(("", "gus", "lead")))
        case 1:
            worktree = dice.choice(("", "/mine", "mine"))
            return RequestJoin(seat=seat, name=dice.choice(("", "ivo", "..")), worktree=worktree)
        case 2:
            to = dice.choice((*state.teammates, "nobody"))
            return Reassign(task=dice.choice((*state.tasks, "nothing")), to=to)
        case _:
            who = dice.choice((*state.teammates, "nobody"))
            return RequestShutdown(teammate=who, reason="enough", now=dice.random() < 0.5)
