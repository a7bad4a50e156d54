"""What the team says, asks for, and waits for."""

# Annotations are not postponed here: see core.models.

from typing import Any

from pydantic import SerializerFunctionWrapHandler, field_serializer

from workbench.core.events.base import AttemptEvent, Event
from workbench.core.mail import Message
from workbench.core.requests import Request


class MessageSent(Event):
    """A message is in the mailboxes of those whom it is for. One that asks is open until one that answers
    it is sent."""

    message: Message


class AskPassedOn(Event):
    """Who was asked did not answer, or left it to somebody else: ``to`` is waited for from now on, until
    ``until`` (Unix seconds), if that is set. ``why`` is what the lead says about it."""

    message: str
    to: str
    until: float | None = None
    why: str = ""


class MessageRefused(AttemptEvent):
    """A teammate may not write that: to whom, or so much."""

    to: str
    reason: str


class MessagesRead(AttemptEvent):
    """The agent's session took these up, whether they came in its brief or in its turn. They are not
    delivered to this session again, whatever happens."""

    messages: tuple[str, ...]


class RequestMade(Event):
    """Somebody asked for something: a person by a front end, or the lead. ``id`` tells it apart."""

    id: str
    by: str
    request: Request

    @field_serializer("request", mode="wrap")
    def _with_its_kind(self, request: Any, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """``what`` has a default in each kind, and a log without it could not be read again."""
        return {"what": request.what, **dumped(request)}


class RequestRefused(Event):
    """Nothing comes of a request: the sentence says why, and the hint what would help."""

    id: str
    reason: str
    hint: str = ""


class PlanBreached(AttemptEvent):
    """An attempt that was to plan first wrote before it had approval. What it made is pinned, not landed."""

    reason: str


class PermissionAsked(AttemptEvent):
    """The agent waits in the middle of a ``tool`` use for somebody's word. ``key`` tells its waits apart,
    ``reason`` is why it may not without."""

    key: str
    tool: str
    target: str
    reason: str
