"""The plan, when it changes."""

# Annotations are not postponed here: see core.models.

from workbench.core.changes import PlanChange
from workbench.core.events.base import Event
from workbench.core.models import (
    Plan,
)


class PlanChangeProposed(Event):
    """Somebody wants another plan for what is left of the run: ``source`` is the file that says so (empty for
    a request), ``said`` the whole plan that it holds now, ``change`` how that differs from what it was made
    of. Takes the place of one that is open. ``approved`` says that the person who asked approves it."""

    source: str
    said: Plan
    change: PlanChange
    approved: bool = False


class PlanChanged(Event):
    """The plan of the run is another from now on. ``change`` is what could be done, ``refused`` has a
    sentence for each part that could not. May follow the end of a run, like the other two."""

    change: PlanChange
    refused: tuple[str, ...] = ()


class PlanChangeDropped(Event):
    """Nothing comes of the change that ``source`` proposed, if that is open. ``declined`` says that a person
    decided so, or that nothing of it could be done: the same is not asked again."""

    source: str
    reason: str
    declined: bool = False
