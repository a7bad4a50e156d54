"""What the engine does next, in the imperative. ``decide`` returns these and performs none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.core.events import Event
from workbench.core.pace import Hold


@dataclass(frozen=True, slots=True)
class Action:
    """Base of all actions."""


@dataclass(frozen=True, slots=True)
class Declare(Action):
    """Record a conclusion that needs no effect: a task delivered, blocked or given up."""

    event: Event


@dataclass(frozen=True, slots=True)
class CheckBase(Action):
    """Run the gates that are not green there on the base commit; gives BaseChecked."""


@dataclass(frozen=True, slots=True)
class StartAttempt(Action):
    """Give a task to a teammate: worktree, brief, agent. AttemptStarted is recorded first. ``because`` says
    why to this one; other words for it do not make another action."""

    task: str
    teammate: str
    attempt: int
    why: str
    carry: str | None = None
    session: str | None = None
    because: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Tell(Action):
    """Put text into a live session: the template ``tell/<kind>`` filled with ``values``. Told is
    recorded first, with the ``message`` that it delivers."""

    task: str
    attempt: int
    kind: str
    values: Mapping[str, object] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True, slots=True)
class CollectWork(Action):
    """Commit what is uncommitted and pin it; gives WorkCollected."""

    task: str
    attempt: int


@dataclass(frozen=True, slots=True)
class CheckWork(Action):
    """Run the gates on collected work; gives WorkChecked."""

    task: str
    attempt: int
    commit: str
    tree: str
    gates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EndAttempt(Action):
    """Close the session and wait until its process is gone; gives AttemptEnded."""

    task: str
    attempt: int
    interrupt: bool = False


@dataclass(frozen=True, slots=True)
class CutShort(Action):
    """Stop an agent that outlived a deadline, with all its processes; gives TurnEnded with ``reason``."""

    task: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class CallLead(Action):
    """Start the lead's session, or go on with it. LeadCalled is recorded first; gives LeadStarted, and
    LeadEnded once its process is gone."""

    life: int
    session: str | None = None


@dataclass(frozen=True, slots=True)
class TellLead(Action):
    """Put text into the lead's session: the template ``lead/<kind>`` filled with ``values``. LeadTold is
    recorded first, with the ``message`` that it delivers or the ones it ``reminds`` of."""

    kind: str
    values: Mapping[str, object] = field(default_factory=dict)
    message: str = ""
    reminds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndLead(Action):
    """Close the lead's session and wait until its process is gone; gives LeadEnded."""


@dataclass(frozen=True, slots=True)
class Rule(Action):
    """Let a tool use go on that waits for somebody's word, or refuse it."""

    task: str
    attempt: int
    key: str
    allowed: bool
    why: str


@dataclass(frozen=True, slots=True)
class Wake(Action):
    """Come back when ``hold`` is over; gives Awoke. A new one takes the place of the one before."""

    hold: Hold


@dataclass(frozen=True, slots=True)
class BuildBatch(Action):
    """Merge delivered commits, one on the other, on the integration tip in memory. LandingStarted is
    recorded first; gives CandidateMade or ConflictFound for each, and BatchBuilt."""

    tasks: tuple[str, ...]
    commits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckCandidate(Action):
    """Run the gates that have no verdict yet for the candidate's tree. CheckingStarted is recorded
    first; gives CandidateChecked."""

    task: str
    commit: str
    tree: str
    gates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StopChecks(Action):
    """End the gates that run on these candidates: their verdicts are not needed any more."""

    commits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Another task that may be what a change collides with: what it ``delivered``, and the ``tip`` on
    which it was merged."""

    task: str
    delivered: str
    tip: str


@dataclass(frozen=True, slots=True)
class FindPair(Action):
    """Look for the one among ``sides``, in the order of their merging, with which ``commit`` is red by
    ``gate``; ``suspects`` are positions to try first. Gives SemanticConflictFound."""

    task: str
    commit: str
    gate: str
    sides: tuple[Side, ...]
    suspects: tuple[int, ...] = ()
    tests: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One merge of a batch: ``task`` on ``parent``; ``resolved`` are files whose conflict it settled."""

    task: str
    attempt: int
    parent: str
    commit: str
    tree: str
    files: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Publish(Action):
    """Move the integration branch by compare-and-swap, from the first candidate's parent to the last
    candidate; gives TaskLanded for each, or PublicationLost."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ReadLanding(Action):
    """See what ``tasks``, which moved the integration branch from ``old`` to ``new`` by changing ``files``,
    mean to those at work; gives LandingRead."""

    tasks: tuple[str, ...]
    old: str
    new: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropLanding(Action):
    """Give up the landing under way unless it is being published; gives LandingDropped."""


@dataclass(frozen=True, slots=True)
class Tidy(Action):
    """Free what the finished run no longer needs: gate worktrees, worktrees of landed work."""

    keep: tuple[str, ...] = ()
