"""What happened, in the past tense. The log of these is the truth about a run.

An event is appended before anything reacts to it. Its class name is its ``type`` in the log and in
``--json`` output, so names and fields are an interface: add, never rename.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any

from workbench.core.events.attempts import (
    ActionDenied,
    AgentActed,
    AgentRetried,
    AgentSaid,
    AgentStarted,
    AttemptEnded,
    AttemptFailed,
    AttemptStarted,
    CheckingStarted,
    DeadlinePassed,
    MarkerQuarantined,
    MarkerReceived,
    NotesGiven,
    Told,
    TurnEnded,
    WorkChecked,
    WorkCollected,
    WorktreeReady,
)
from workbench.core.events.base import (
    AttemptEvent,
    Event,
)
from workbench.core.events.guard import (
    EffectFailed,
    Noticed,
    RefRestored,
    TamperingFound,
)
from workbench.core.events.landings import (
    BatchBuilt,
    CandidateChecked,
    CandidateMade,
    ChangeRefused,
    ConflictCleared,
    ConflictForeseen,
    ConflictFound,
    FlakeSeen,
    LandingDropped,
    LandingRead,
    LandingStarted,
    LandingUndone,
    MergeHeld,
    PublicationLost,
    ResolutionRejected,
    SemanticConflictFound,
    TaskBlocked,
    TaskConflicted,
    TaskDeferred,
    TaskDelivered,
    TaskLanded,
    TaskRejected,
    UndoDropped,
    UndoStarted,
    WorkProvided,
)
from workbench.core.events.lead import (
    LeadActed,
    LeadCalled,
    LeadDenied,
    LeadEnded,
    LeadHeard,
    LeadStarted,
    LeadTold,
    LeadTurnEnded,
)
from workbench.core.events.mail import (
    AskPassedOn,
    MessageRefused,
    MessageSent,
    MessagesRead,
    PermissionAsked,
    PlanBreached,
    RequestMade,
    RequestRefused,
)
from workbench.core.events.pace import (
    Awoke,
    BudgetWarned,
    CircuitClosed,
    CircuitOpened,
    RoomMeasured,
    TeamPaused,
    TeamSlowed,
    TeamUnpaused,
)
from workbench.core.events.plan import (
    PlanChanged,
    PlanChangeDropped,
    PlanChangeProposed,
)
from workbench.core.events.run import (
    BaseChecked,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    RunUnpaused,
    StopRequested,
    TaskReassigned,
    TaskRetried,
    TaskSkipped,
)
from workbench.core.events.team import (
    TeammateJoined,
    TeammateLeaving,
    TeammateLeft,
)

__all__ = [
    "EVENTS",
    "ActionDenied",
    "AgentActed",
    "AgentRetried",
    "AgentSaid",
    "AgentStarted",
    "AskPassedOn",
    "AttemptEnded",
    "AttemptEvent",
    "AttemptFailed",
    "AttemptStarted",
    "Awoke",
    "BaseChecked",
    "BatchBuilt",
    "BudgetWarned",
    "CandidateChecked",
    "CandidateMade",
    "ChangeRefused",
    "CheckingStarted",
    "CircuitClosed",
    "CircuitOpened",
    "ConflictCleared",
    "ConflictForeseen",
    "ConflictFound",
    "DeadlinePassed",
    "EffectFailed",
    "Event",
    "FlakeSeen",
    "LandingDropped",
    "LandingRead",
    "LandingStarted",
    "LandingUndone",
    "LeadActed",
    "LeadCalled",
    "LeadDenied",
    "LeadEnded",
    "LeadHeard",
    "LeadStarted",
    "LeadTold",
    "LeadTurnEnded",
    "MarkerQuarantined",
    "MarkerReceived",
    "MergeHeld",
    "MessageRefused",
    "MessageSent",
    "MessagesRead",
    "NotesGiven",
    "Noticed",
    "PermissionAsked",
    "PlanBreached",
    "PlanChangeDropped",
    "PlanChangeProposed",
    "PlanChanged",
    "PublicationLost",
    "Record",
    "RefRestored",
    "RequestMade",
    "RequestRefused",
    "ResolutionRejected",
    "RoomMeasured",
    "RunFinished",
    "RunPaused",
    "RunResumed",
    "RunStarted",
    "RunUnpaused",
    "SemanticConflictFound",
    "StopRequested",
    "TamperingFound",
    "TaskBlocked",
    "TaskConflicted",
    "TaskDeferred",
    "TaskDelivered",
    "TaskLanded",
    "TaskReassigned",
    "TaskRejected",
    "TaskRetried",
    "TaskSkipped",
    "TeamPaused",
    "TeamSlowed",
    "TeamUnpaused",
    "TeammateJoined",
    "TeammateLeaving",
    "TeammateLeft",
    "Told",
    "TurnEnded",
    "UndoDropped",
    "UndoStarted",
    "WorkChecked",
    "WorkCollected",
    "WorkProvided",
    "WorktreeReady",
    "as_json",
    "dump",
    "load",
]

EVENTS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in list(globals().values())
    if isinstance(cls, type) and issubclass(cls, Event) and cls not in (Event, AttemptEvent)
}
"""Every event class by its type name."""


@dataclass(frozen=True, slots=True)
class Record:
    """An event as the log holds it: its place in the run and when (Unix seconds, UTC)."""

    seq: int
    at: float
    event: Event

    @property
    def type(self) -> str:
        return type(self.event).__name__


def dump(event: Event) -> str:
    """The event's fields as one line of JSON (its type is kept beside it)."""
    try:
        return event.model_dump_json(exclude_defaults=True)
    except ValueError:  # a file name that is no UTF-8: bytes that Python carries as lone surrogates
        return json.dumps(event.model_dump(mode="json", exclude_defaults=True))


def load(type_name: str, body: str | bytes) -> Event:
    """The event that ``dump`` wrote. Raises KeyError for an unknown type, ValueError for a bad body."""
    kind = EVENTS[type_name]
    try:
        return kind.model_validate_json(body)
    except ValueError:
        return kind.model_validate(json.loads(body))


def as_json(run: str, record: Record) -> str:
    """One line of the public stream: ``seq``, ``at`` (UTC, ISO 8601), ``run``, ``type``, fields."""
    at = datetime.datetime.fromtimestamp(record.at, datetime.UTC).isoformat(timespec="milliseconds")
    head: dict[str, Any] = {"seq": record.seq, "at": at.replace("+00:00", "Z"), "run": run}
    head["type"] = record.type
    return json.dumps(head | record.event.model_dump(mode="json"), ensure_ascii=False)
