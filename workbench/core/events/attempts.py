"""Teammates and their attempts, from the worktree to the end of it all."""

# Annotations are not postponed here: see core.models.

from typing import Literal

from workbench.core.events.base import AttemptEvent, Event
from workbench.core.models import (
    Usage,
    Verdict,
)
from workbench.core.touches import Touch


class WorktreeReady(Event):
    """A teammate's worktree stands; ``seconds`` is what making it took."""

    teammate: str
    path: str
    branch: str
    seconds: float


class AttemptStarted(AttemptEvent):
    """A teammate was given a task. ``start`` is the integration tip it starts from; ``carry`` is
    earlier work merged in before the agent starts; ``why`` says what kind of attempt this is, ``because``
    why this teammate, where there was a choice."""

    teammate: str
    nonce: str
    start: str
    why: Literal["first", "retry", "conflict", "rejected", "continued"]
    carry: str | None = None
    session: str | None = None
    because: str = ""


class AgentStarted(AttemptEvent):
    """The agent's process is up."""

    pid: int | None
    session: str | None = None


class AgentActed(AttemptEvent):
    """The agent used a tool: what it is doing right now."""

    tool: str
    target: str = ""


class AgentSaid(AttemptEvent):
    """The agent wrote text (cut to a few lines)."""

    text: str


class AgentRetried(AttemptEvent):
    """The agent's model API failed and is being tried again by the agent itself."""

    status: int | None
    error: str
    delay_seconds: float


class ActionDenied(AttemptEvent):
    """A tool use was refused: a write outside the worktree, say."""

    tool: str
    target: str
    reason: str


class MarkerReceived(AttemptEvent):
    """A valid marker; ``name`` is its file name, which makes reading it twice harmless."""

    name: str
    kind: str
    note: str = ""
    percent: int | None = None
    confidence: float | None = None
    to: str = ""
    reply_to: str = ""
    decision: Literal["", "yes", "no"] = ""
    namespace: str = ""
    ttl: float | None = None
    paths: tuple[str, ...] = ()


class MarkerQuarantined(AttemptEvent):
    """A marker that was malformed, too large, forged or doubled was set aside."""

    name: str
    reason: str


class Told(AttemptEvent):
    """Text was put into the agent's session. ``kind`` says what for; ``message`` is the one delivered by it,
    if it is one of the team's."""

    kind: Literal[
        "ask_done", "gate_red", "no_change", "unresolved", "weakened", "message", "answer", "quarantine",
        "foreseen", "landed", "nudge", "refused", "ask_plan", "plan_approved", "plan_rejected",
    ]  # fmt: skip
    text: str
    message: str = ""


class TurnEnded(AttemptEvent):
    """The agent stopped working for now. ``live`` means that it can be told more; otherwise its
    process has ended. ``error`` is empty on success; ``login`` marks a missing or refused login, ``limit``
    a rate or usage limit that the agent could not wait out, with the time at which a usage limit is
    reset (Unix seconds), if that is known."""

    live: bool
    error: str = ""
    login: bool = False
    limit: Literal["", "rate", "usage"] = ""
    resets_at: float | None = None
    exit_code: int | None = None
    usage: Usage = Usage()
    session: str | None = None


class WorkCollected(AttemptEvent):
    """What the worktree held was committed where needed and pinned. ``changed`` compares trees
    with the attempt's start; ``snapshot`` says that workbench had to commit leftovers itself;
    ``unresolved`` lists files that still hold conflict markers; ``weakened`` is a sentence when a fix-up
    lost or weakened a test of either side. ``files`` are the first of the paths that it changes. ``touches``
    is what in it needs a person's word, ``patch`` how that is changed: the beginning."""

    commit: str
    tree: str
    changed: bool
    snapshot: bool
    pin: str
    unresolved: tuple[str, ...] = ()
    weakened: str = ""
    files: tuple[str, ...] = ()
    touches: tuple[Touch, ...] = ()
    patch: str = ""


class CheckingStarted(Event):
    """Gates began to run on a commit: of one task's work alone, or of a candidate."""

    task: str
    commit: str
    gates: tuple[str, ...]
    alone: bool


class WorkChecked(AttemptEvent):
    """The gates were run on the collected work alone."""

    commit: str
    verdicts: tuple[Verdict, ...]


class AttemptFailed(AttemptEvent):
    """An attempt is given up; its work stays pinned. ``final`` means that no other will follow, otherwise
    the next comes no sooner than in ``delay_seconds``. ``broke`` says that the agent itself failed: it
    crashed, hung or could not be started."""

    reason: str
    evidence: str = ""
    final: bool = False
    commit: str | None = None
    broke: bool = False
    delay_seconds: float = 0.0


class AttemptEnded(AttemptEvent):
    """The agent's session and process are gone and its teammate is free. ``usage`` is the whole
    of the attempt. ``interrupted`` means that it was cut short and does not count; ``commit`` is
    then what it left, pinned."""

    teammate: str
    usage: Usage = Usage()
    interrupted: bool = False
    commit: str | None = None
    session: str | None = None


class DeadlinePassed(AttemptEvent):
    """An agent gave no sign of life for ``seconds`` (``idle``), or has been at work for that long (``wall``).
    The clock is one that nobody sets, and that does not run while the machine is suspended. The ``last``
    time, the agent had been told before."""

    deadline: Literal["idle", "wall"]
    seconds: float
    last: bool = False


# Notes need no events of their own: what is kept follows from markers, failures and landings, which
# are in the log already (see ``core.traces``).


class NotesGiven(AttemptEvent):
    """The brief of an attempt carries these shared notes, by their ids."""

    notes: tuple[str, ...]
