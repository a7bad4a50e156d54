"""Who is in the team."""

# Annotations are not postponed here: see core.models.

from typing import Literal

from workbench.core.events.base import Event


class TeammateJoined(Event):
    """The team has one more from now on: of the run's own agent, or ``external``, somebody's own program or
    session, which takes its tasks from the ``seat`` of that name. ``agent`` says how that one works: a
    ``command`` for each task, or by ``hand``. ``worktree`` is its own checkout, if it brought one; ``by`` is
    who let it in. May follow the end of a run that goes on later."""

    name: str
    by: str
    external: bool = False
    role: str = ""
    agent: Literal["", "hand", "command"] = ""
    worktree: str = ""
    seat: str = ""


class TeammateLeaving(Event):
    """A teammate gets no more tasks, and leaves when what it is at has been ended and kept."""

    name: str
    reason: str


class TeammateLeft(Event):
    """A teammate is not in the team any more. Its name is not given again."""

    name: str
    reason: str
