"""How likely each kind of trouble is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Odds:
    """How likely each kind of trouble is, each time there is a chance for it."""

    done: float = 0.8
    crash: float = 0.05
    broken: float = 0.02
    login: float = 0.0
    blocked: float = 0.03
    unchanged: float = 0.05
    unresolved: float = 0.03
    red: float = 0.2
    conflict: float = 0.2
    lost: float = 0.1
    failed: float = 0.03
    chatter: float = 0.3
    stop: float = 0.0
    kill: float = 0.0
    undo: float = 0.0
    settled: float = 0.5
    team: float = 0.02


CALM = Odds(0.95, 0, 0, 0, 0, 0, 0, 0.1, 0.1, 0, 0, 0.1)
"""Little goes wrong."""
