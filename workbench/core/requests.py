"""What a person, or the lead, asks of a run that is going on. A front end writes these; it holds no truth.

A request becomes the event RequestMade before anything comes of it. What it calls for follows at once, or
RequestRefused says why not; both stand directly behind it in the log.
"""

# Annotations are not postponed here: see core.models.

from typing import Annotated, Literal

from pydantic import Field

from workbench.core.mail import Decision
from workbench.core.models import TEXT_LIMIT, Value

REQUEST_ID = r"^[0-9a-f]{8,32}$"
"""Drawn by who asks, so that the same request is taken once however often it is seen."""


PLAN_LIMIT = 150_000
"""Characters of a plan that a request may carry; a larger one is changed in its file."""


class Write(Value):
    """Write to a member of the team, to the lead, to the person, or to ``all``."""

    what: Literal["write"] = "write"
    to: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=TEXT_LIMIT)
    reply_to: str = Field(default="", max_length=16)


class Answer(Value):
    """Answer what is open: a question with ``text``; a plan, a shutdown, a joining or a permission with a
    ``decision``, and with ``text`` if there is something to say about it."""

    what: Literal["answer"] = "answer"
    message: str = Field(min_length=1, max_length=16)
    decision: Decision = ""
    text: str = Field(default="", max_length=TEXT_LIMIT)


class Escalate(Value):
    """The lead leaves what it was asked to the person, and says ``why``."""

    what: Literal["escalate"] = "escalate"
    message: str = Field(min_length=1, max_length=16)
    why: str = Field(default="", max_length=TEXT_LIMIT)


class Stop(Value):
    """Stop gracefully, as Ctrl-C does."""

    what: Literal["stop"] = "stop"


NAME_FIELD = Field(default="", max_length=64)


class Spawn(Value):
    """Make the team larger by a teammate of the run's agent. Without a ``name`` it gets the next free one."""

    what: Literal["spawn"] = "spawn"
    name: str = NAME_FIELD
    role: str = Field(default="", max_length=64)


class RequestJoin(Value):
    """Somebody's own program or session wants to be a teammate: ``seat`` is where it waits for its tasks,
    ``agent`` whether a command is run for each of them. ``worktree`` is a checkout that it brings, empty when
    workbench is to make one."""

    what: Literal["join"] = "join"
    seat: str = Field(pattern=REQUEST_ID)
    name: str = NAME_FIELD
    role: str = Field(default="", max_length=64)
    agent: Literal["hand", "command"] = "hand"
    command: str = Field(default="", max_length=2_000)
    worktree: str = Field(default="", max_length=4_096)


BY_ITSELF = "it left"
"""The ``reason`` of a RequestShutdown that somebody from outside makes for itself."""


class RequestShutdown(Value):
    """Ask a teammate to leave the team, or with ``now`` let it leave without asking."""

    what: Literal["shutdown"] = "shutdown"
    teammate: str = Field(min_length=1, max_length=64)
    reason: str = Field(default="", max_length=TEXT_LIMIT)
    now: bool = False


class ProposeChange(Value):
    """Go on by another plan, whose whole text this is; tasks that it has not are dropped. It is asked about
    like every change, unless ``approved`` says that who asks has read it. ``name`` is what problems in it
    are told with, ``source`` the absolute path of its file."""

    what: Literal["propose"] = "propose"
    text: str = Field(min_length=1, max_length=PLAN_LIMIT)
    name: str = Field(default="plan.md", max_length=1000)
    source: str = Field(default="", max_length=4096)
    approved: bool = False


class Pause(Value):
    """Start nothing new. What is at work goes on, and what is delivered lands."""

    what: Literal["pause"] = "pause"


class Unpause(Value):
    """Start attempts again."""

    what: Literal["unpause"] = "unpause"


class Retry(Value):
    """Try a task again, as often as a new one, that was given up or left out."""

    what: Literal["retry"] = "retry"
    task: str = Field(min_length=1, max_length=64)


class Skip(Value):
    """Leave a task out: what waits for it goes on without it."""

    what: Literal["skip"] = "skip"
    task: str = Field(min_length=1, max_length=64)


class Reassign(Value):
    """Let a teammate work on a task, whoever is at it or would get it: see TaskReassigned."""

    what: Literal["reassign"] = "reassign"
    task: str = Field(min_length=1, max_length=64)
    to: str = Field(min_length=1, max_length=64)


OF_THE_MOMENT = (Stop, Pause, Unpause, RequestJoin, RequestShutdown)
"""What is asked of the process that holds the run, and means nothing to the next one."""

Request = Annotated[
    Write
    | Answer
    | Escalate
    | Stop
    | Pause
    | Unpause
    | Retry
    | Skip
    | Reassign
    | Spawn
    | RequestJoin
    | RequestShutdown
    | ProposeChange,
    Field(discriminator="what"),
]
