"""The lead's session."""

# Annotations are not postponed here: see core.models.

from typing import Literal

from workbench.core.events.base import Event
from workbench.core.models import (
    Usage,
)


class LeadCalled(Event):
    """The lead's session is about to be started, for the ``life``-th time; it goes on with ``session``, if
    there is one."""

    life: int
    nonce: str
    session: str | None = None


class LeadStarted(Event):
    """The lead's process is up. A ``session`` other than the one called for knows nothing of what was said
    before."""

    pid: int | None
    session: str | None = None


class LeadTold(Event):
    """Text was put into the lead's session: the ``message`` that it delivers, or that ``reminds`` still wait
    for an answer."""

    text: str
    message: str = ""
    reminds: tuple[str, ...] = ()


class LeadHeard(Event):
    """The lead's session took these messages up; they are not told to it again, whatever happens."""

    messages: tuple[str, ...]


class LeadActed(Event):
    """The lead used a tool."""

    tool: str
    target: str = ""


class LeadDenied(Event):
    """A tool use of the lead was refused: it reads, answers and writes messages, and does nothing else."""

    tool: str
    target: str
    reason: str


class LeadTurnEnded(Event):
    """The lead stopped working for now; the fields are those of TurnEnded."""

    live: bool
    error: str = ""
    login: bool = False
    limit: Literal["", "rate", "usage"] = ""
    resets_at: float | None = None
    usage: Usage = Usage()
    session: str | None = None


class LeadEnded(Event):
    """The lead's process is gone. ``usage`` is what it used since it was called. ``interrupted`` means that
    it was asked to end, or that the run was killed; otherwise it failed."""

    usage: Usage = Usage()
    session: str | None = None
    interrupted: bool = False
