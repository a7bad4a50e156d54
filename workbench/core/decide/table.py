"""Which decider answers which event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.state import RunState

Actions = list[a.Action]
E = TypeVar("E", bound=e.Event)
Decider = Callable[[RunState, Any], Actions]
DECIDERS: dict[type[e.Event], Decider] = {}
"""One decider for each kind of event that calls for something."""


def after(*kinds: type[E]) -> Callable[[Callable[[RunState, E], Actions]], Callable[[RunState, E], Actions]]:
    def register(decider: Callable[[RunState, E], Actions]) -> Callable[[RunState, E], Actions]:
        for kind in kinds:
            DECIDERS[kind] = decider
        return decider

    return register
