"""What all events have in common."""

from workbench.core.models import (
    Value,
)


class Event(Value):
    """Base of all events. Ids, nonces and random choices arrive inside; time is in the record."""


class AttemptEvent(Event):
    """Something that happened to one attempt at one task."""

    task: str
    attempt: int
