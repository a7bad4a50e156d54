"""Who is in a team: names for its members, and the agent that each of them is."""

from __future__ import annotations

from workbench.core.team import NAMES


def names(size: int) -> tuple[str, ...]:
    """Names for ``size`` teammates, always the same ones in the same order."""
    return NAMES[:size] + tuple(f"mate-{number}" for number in range(len(NAMES) + 1, size + 1))


def continues(agent: str) -> bool:
    """Whether an interrupted session of this agent can be taken up again: Claude Code's can."""
    return agent == "claude"
