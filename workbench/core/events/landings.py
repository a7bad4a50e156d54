"""Tasks on their way to the branch, landings, and what is taken off again."""

# Annotations are not postponed here: see core.models.

from typing import Literal

from pydantic import Field

from workbench.core.events.base import AttemptEvent, Event
from workbench.core.models import (
    PublicChange,
    Reversal,
    Verdict,
)
from workbench.core.touches import Touch


class TaskDelivered(AttemptEvent):
    """Work that is green alone entered the merge queue."""

    commit: str
    tree: str


class MergeHeld(Event):
    """The merge of ``task`` changes what needs a person's word, and what was delivered did not show it. The
    landing is dropped, and the person is asked."""

    task: str
    touches: tuple[Touch, ...]


class ChangeRefused(Event):
    """The person said no to what delivered work touches: ``evidence`` is what the next attempt is told.
    ``final`` means that no attempt is left. Nobody builds on work that is ``tainted``: its commits hold what
    must not land."""

    task: str
    evidence: str
    final: bool = False
    tainted: bool = False


class WorkProvided(AttemptEvent):
    """A person brought ``commit`` in as the work of a task that was given up; it is queued like any other
    work. ``start`` is the newest landing that it is built on, or the base. May follow the end of a run."""

    commit: str
    tree: str
    start: str


class TaskBlocked(AttemptEvent):
    """The teammate says that it cannot go on; what it had is pinned."""

    reason: str
    commit: str | None = None


class LandingStarted(Event):
    """Delivered tasks were taken from the queue, to be merged one on the other on the integration tip."""

    tasks: tuple[str, ...]


class CandidateMade(Event):
    """A merge of ``task`` on ``parent`` exists in memory. ``parent`` is the tip, or the candidate before
    it in the batch; ``files`` are the paths that it changes there. Where git found a conflict, ``rung``
    of the ladder settled it, in the files ``resolved``; it is empty for a clean merge. ``touches`` is what
    needs a person's word for what it holds there, not for its name."""

    task: str
    parent: str
    commit: str
    tree: str
    files: tuple[str, ...] = ()
    rung: str = ""
    resolved: tuple[str, ...] = ()
    touches: tuple[Touch, ...] = ()


class BatchBuilt(Event):
    """Every task of the landing was merged, or stepped aside; what is left of the batch is gated next."""

    tasks: tuple[str, ...]
    base: str
    base_tree: str


class CandidateChecked(Event):
    """The gates were run on a candidate: on ``task`` and all before it in the batch. For the base,
    where the batch begins, ``commit`` is the base and ``task`` the first of the batch."""

    task: str
    commit: str
    verdicts: tuple[Verdict, ...]


class TaskLanded(Event):
    """The integration branch was moved from ``parent`` to ``commit`` by compare-and-swap."""

    task: str
    attempt: int
    commit: str
    parent: str
    tree: str
    files: tuple[str, ...] = ()


class PublicationLost(Event):
    """The integration branch had moved; what was to land is merged anew on the new tip. ``found`` is empty
    where there is none that holds what had landed."""

    expected: str
    found: str


class ConflictFound(Event):
    """The merge of ``task`` on ``parent`` has textual conflicts in ``paths``; ``hunks`` shows them.
    ``behind`` are the tasks before it in the batch, which have not landed yet."""

    task: str
    parent: str
    paths: tuple[str, ...]
    hunks: str = ""
    behind: tuple[str, ...] = ()


class ResolutionRejected(Event):
    """What a rung of the conflict ladder made of ``task`` was red, and is thrown away. The task is back in
    the queue, and the next rung starts from the original conflict."""

    task: str
    rung: str
    paths: tuple[str, ...]
    evidence: str = ""


class TaskDeferred(Event):
    """A task stepped aside, unblamed, and is back in the queue: what it collides with has not landed
    yet, or the batch that it was in is landed in parts."""

    task: str
    why: Literal["conflict", "behind"]


class FlakeSeen(Event):
    """A gate was red and then green on the same tree. ``tests`` failed in the red run and not in the
    green one; empty when the gate named none. ``task`` is empty for the base."""

    task: str
    gate: str
    evidence: str = ""
    tests: tuple[str, ...] = ()


class LandingDropped(Event):
    """A landing was given up half way (a stop, a crash, a failure of ours); its tasks are back in the
    queue."""

    reason: str = ""


class TaskConflicted(Event):
    """A task needs a fix-up for its conflict; ``others`` are the landed tasks on the other side.
    ``final`` means that no attempt is left to resolve it."""

    task: str
    paths: tuple[str, ...]
    others: tuple[str, ...] = ()
    evidence: str = ""
    final: bool = False


class TaskRejected(Event):
    """The merge was clean but its gates were red. ``others`` are the tasks on the other side, among which
    ``gate`` and ``tests`` have it that something collides. ``final`` as above."""

    task: str
    evidence: str
    others: tuple[str, ...] = ()
    final: bool = False
    gate: str = ""
    tests: tuple[str, ...] = ()


class SemanticConflictFound(Event):
    """``task`` is green alone and merges without a conflict, and ``gate`` is red on it together with
    ``others``, which are green without it. ``certain`` when so few were seen red together that nobody
    else can be meant; ``tests`` are those that fail, ``verdicts`` what was run to find out."""

    task: str
    others: tuple[str, ...]
    gate: str
    tests: tuple[str, ...] = ()
    certain: bool = False
    evidence: str = ""
    verdicts: tuple[Verdict, ...] = ()


class UndoStarted(Event):
    """Landings are about to be taken off the integration branch, newest first: each reversal is a commit
    on the one before it, and the last one's tree is green, as ``verdicts`` and those known before say.
    Recorded before the branch is moved; the only events that may follow a finished run are these three
    and RunResumed."""

    reversals: tuple[Reversal, ...]
    verdicts: tuple[Verdict, ...] = ()


class LandingUndone(Event):
    """The integration branch was moved from ``parent`` to ``commit``, which reverts ``landing``, the merge
    by which ``task`` had landed. That merge and what was delivered stay reachable."""

    task: str
    landing: str
    parent: str
    commit: str
    tree: str


class UndoDropped(Event):
    """What UndoStarted announced was not done: the branch did not move, or somebody else moved it."""

    reason: str = ""


class ConflictForeseen(Event):
    """What ``task`` and ``other`` have committed so far, neither of it landed, does not merge: in ``paths``;
    ``hunks`` shows some of it. Said once for a pair and a set of paths."""

    task: str
    other: str
    paths: tuple[str, ...]
    hunks: str = ""


class ConflictCleared(Event):
    """What ``task`` and ``other`` have committed merges cleanly again."""

    task: str
    other: str


class LandingRead(Event):
    """What a publication means to those at work: ``tasks`` landed and ``commit`` is the new tip;
    ``changes`` are public names that are other than before, and ``more`` counts those left out;
    ``touched`` are the landed files that a task at work declares or has changed itself, by task."""

    tasks: tuple[str, ...]
    commit: str
    changes: tuple[PublicChange, ...] = ()
    more: int = 0
    touched: dict[str, tuple[str, ...]] = Field(default_factory=dict)
