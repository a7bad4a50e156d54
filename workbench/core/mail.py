"""What members of a team write to each other, as values; ``core.mailing`` says who may, and what follows."""

# Annotations are not postponed here: see core.models.

from enum import StrEnum
from typing import Literal

from pydantic import Field

from workbench.core.models import TEXT_LIMIT, Value

LEAD = "lead"
PERSON = "person"
WORKBENCH = "workbench"
ALL = "all"

RESERVED = frozenset({LEAD, PERSON, WORKBENCH, ALL})
"""Names that no teammate may have: who has one is believed for it."""


class MessageKind(StrEnum):
    """What a message is for. The kinds are those of Claude Code's own teams, ``permission``, ``plan-change``,
    and ``change``: work that may land only with a person's word."""

    MESSAGE = "message"
    QUESTION = "question"
    ANSWER = "answer"
    NOTICE = "notice"
    PLAN = "plan-approval"
    SHUTDOWN = "shutdown"
    JOIN = "join"
    PERMISSION = "permission"
    CHANGE = "plan-change"
    HELD = "change"


ASKING = frozenset(
    {
        MessageKind.QUESTION,
        MessageKind.PLAN,
        MessageKind.SHUTDOWN,
        MessageKind.JOIN,
        MessageKind.PERMISSION,
        MessageKind.CHANGE,
        MessageKind.HELD,
    }
)
"""Kinds that are open until an answer has come."""

Decision = Literal["", "yes", "no"]


class Message(Value):
    """One message, durable in the log.

    ``id`` is ``m`` and a number that counts the run's messages. ``sender`` is a teammate's name, ``lead``,
    ``person`` or ``workbench``: proved by the nonce of a marker or by the way that it came, never by the
    text. ``to`` is one of these, or ``all``. ``reply_to`` is the message that it answers, and ``thread``
    the first one of the exchange. ``decision`` is the yes or no of an answer to what wants one. ``task`` and
    ``attempt`` are the sender's. ``until`` is when (Unix seconds) the one who asks goes on without an answer,
    if that is set; ``key`` tells apart what an agent asks while it waits.
    """

    id: str
    kind: MessageKind
    sender: str
    to: str
    text: str = Field(default="", max_length=TEXT_LIMIT)
    reply_to: str = ""
    thread: str = ""
    decision: Decision = ""
    task: str = ""
    attempt: int = 0
    until: float | None = None
    key: str = ""

    @property
    def asks(self) -> bool:
        """Whether it is open until an answer has come."""
        return self.kind in ASKING
