"""The pace of the team."""

# Annotations are not postponed here: see core.models.

from typing import Literal

from workbench.core.events.base import Event


class TeamSlowed(Event):
    """A rate limit was met: at most ``cap`` attempts at once for now, and one more with each quiet minute.
    Nothing new starts for ``seconds``."""

    cap: int
    seconds: float
    status: int | None = None


class TeamPaused(Event):
    """A limit ended a session: nothing starts before ``until`` (Unix seconds). ``resets`` says that this
    is when the provider lifts it; otherwise it is a guess, and longer each time."""

    limit: Literal["rate", "usage"]
    until: float
    reason: str
    resets: bool = False


class TeamUnpaused(Event):
    """The time that the team was to rest is over."""


class CircuitOpened(Event):
    """The agent failed ``failures`` times in a row, whoever used it: nothing starts for ``seconds``, and then
    one attempt, as a trial."""

    agent: str
    failures: int
    seconds: float
    reason: str


class CircuitClosed(Event):
    """An attempt showed that the agent works again."""

    agent: str


class RoomMeasured(Event):
    """``attempts`` is how many fit into the machine's free memory by now, those at work included."""

    attempts: int
    free_mb: int


class BudgetWarned(Event):
    """Four fifths of a budget are spent: the run's, or that of ``task``."""

    spent_usd: float
    budget_usd: float
    task: str = ""


class Awoke(Event):
    """Time has passed that something waited for."""
