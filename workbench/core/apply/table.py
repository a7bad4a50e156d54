"""Which handler takes which event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from workbench.core import events as e
from workbench.core.state import RunState

E = TypeVar("E", bound=e.Event)
Handler = Callable[[RunState, Any, float], None]
HANDLERS: dict[type[e.Event], Handler] = {}
"""One handler for each kind of event that changes the state; the others are only written down."""


def on(
    kind: type[E],
) -> Callable[[Callable[[RunState, E, float], None]], Callable[[RunState, E, float], None]]:
    def register(handler: Callable[[RunState, E, float], None]) -> Callable[[RunState, E, float], None]:
        HANDLERS[kind] = handler
        return handler

    return register
