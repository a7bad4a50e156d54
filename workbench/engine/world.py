"""Everything of the world that one run touches, in one value, put together by the composition."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.state import AttemptState
from workbench.engine.ports import Agent, Briefs, Checkouts, Gates, Git, Markers, Worktrees


def no_extras(attempt: AttemptState, worktree: Path) -> Mapping[str, str]:
    """The environment of an attempt needs nothing besides the usual."""
    return {}


@dataclass(frozen=True)
class World:
    """The ports of a run, and the few values effects need.

    ``environment`` is what every agent gets (already reduced to what may reach one);
    ``extras`` adds to it for one attempt. ``nonce`` makes the secret that binds markers to an attempt.
    """

    git: Git
    worktrees: Worktrees
    checkouts: Checkouts
    gates: Gates
    agent: Agent
    markers: Markers
    briefs: Briefs
    environment: Mapping[str, str]
    extras: Callable[[AttemptState, Path], Mapping[str, str]] = no_extras
    nonce: Callable[[], str] = field(default=lambda: secrets.token_hex(16))
