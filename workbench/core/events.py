"""What happened, in the past tense. The log of these is the truth about a run.

An event is appended before anything reacts to it. Its class name is its ``type`` in the log and in
``--json`` output, so names and fields are an interface: add, never rename.
"""

# Annotations are not postponed here: pydantic would compile each of them when it is imported, which
# takes longer than all else that a module of values does.

import datetime
import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_serializer

from workbench.core.alarms import Alarm, restored
from workbench.core.changes import PlanChange
from workbench.core.mail import Message
from workbench.core.models import (
    Plan,
    PublicChange,
    Reversal,
    Role,
    RunOutcome,
    RunSettings,
    Usage,
    Value,
    Verdict,
)
from workbench.core.requests import Request


class Event(Value):
    """Base of all events. Ids, nonces and random choices arrive inside; time is in the record."""


class AttemptEvent(Event):
    """Something that happened to one attempt at one task."""

    task: str
    attempt: int


# -- the run ---------------------------------------------------------------------------------


class RunStarted(Event):
    """A run began. ``base`` is the commit it starts from, ``target`` the branch the user was on
    (empty when HEAD was detached); ``integration`` is a full ref name; ``room`` is how many agents fit
    into the machine's memory, if that is known; ``roles`` are those that tasks name, as the base has them;
    ``plan_file`` is the absolute path of the plan."""

    plan: Plan
    plan_text: str
    plan_sha256: str
    plan_path: str
    settings: RunSettings
    base: str
    base_tree: str
    target: str
    integration: str
    environment: str = ""
    dirty: bool = False
    room: int | None = None
    roles: tuple[Role, ...] = ()
    plan_file: str = ""


class BaseChecked(Event):
    """The gates were run on the base before anything started; all must be green to go on. Comes once more
    after a red one, for the gates that are not green yet: only what is red twice refuses the run."""

    verdicts: tuple[Verdict, ...]


class RunResumed(Event):
    """The run goes on in a new process; everything that was in flight has been accounted for."""

    pid: int
    environment: str = ""
    budget_usd: float | None = None
    room: int | None = None


class StopRequested(Event):
    """A person or a signal asked the run to stop; live attempts are interrupted and kept."""

    reason: str


class RunFinished(Event):
    """The run is over (``stopped`` runs can be resumed). ``reason`` is a sentence for a person."""

    outcome: RunOutcome
    reason: str = ""


# -- teammates and their attempts --------------------------------------------------------------


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
    lost or weakened a test of either side. ``files`` are the first of the paths that it changes."""

    commit: str
    tree: str
    changed: bool
    snapshot: bool
    pin: str
    unresolved: tuple[str, ...] = ()
    weakened: str = ""
    files: tuple[str, ...] = ()


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


# -- what the team says ------------------------------------------------------------------------


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


# -- the plan, when it changes ---------------------------------------------------------------------


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


# -- the lead ------------------------------------------------------------------------------------


class LeadCalled(Event):
    """The lead's session is about to be started, for the ``life``-th time; it goes on with ``session``, if
    there is one."""

    life: int
    nonce: str
    session: str | None = None


class LeadStarted(Event):
    """The lead's process is up. A ``session`` other than the one called for knows nothing of what was said
    before."""

    pid: int | None
    session: str | None = None


class LeadTold(Event):
    """Text was put into the lead's session: the ``message`` that it delivers, or that ``reminds`` still wait
    for an answer."""

    text: str
    message: str = ""
    reminds: tuple[str, ...] = ()


class LeadHeard(Event):
    """The lead's session took these messages up; they are not told to it again, whatever happens."""

    messages: tuple[str, ...]


class LeadActed(Event):
    """The lead used a tool."""

    tool: str
    target: str = ""


class LeadDenied(Event):
    """A tool use of the lead was refused: it reads, answers and writes messages, and does nothing else."""

    tool: str
    target: str
    reason: str


class LeadTurnEnded(Event):
    """The lead stopped working for now; the fields are those of TurnEnded."""

    live: bool
    error: str = ""
    login: bool = False
    limit: Literal["", "rate", "usage"] = ""
    resets_at: float | None = None
    usage: Usage = Usage()
    session: str | None = None


class LeadEnded(Event):
    """The lead's process is gone. ``usage`` is what it used since it was called. ``interrupted`` means that
    it was asked to end, or that the run was killed; otherwise it failed."""

    usage: Usage = Usage()
    session: str | None = None
    interrupted: bool = False


# -- what a person does to the run ---------------------------------------------------------------


class RunPaused(Event):
    """Somebody paused the run: nothing new starts until RunUnpaused, or until it is resumed by another
    process. What is at work goes on, and what is delivered lands."""

    by: str


class RunUnpaused(Event):
    """Somebody let the run go on."""

    by: str


class TaskRetried(Event):
    """Somebody wants a task tried again that was given up or left out. All its tries are before it again, and
    what waited for it waits again. May follow the end of a run."""

    task: str
    by: str


class TaskSkipped(Event):
    """Somebody left a task out; what waits for it goes on without it. May follow the end of a run."""

    task: str
    by: str


# -- what wants somebody's word first ------------------------------------------------------------


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


# -- the pace of the team ------------------------------------------------------------------------


class TeamSlowed(Event):
    """A rate limit was met: at most ``cap`` attempts at once for now, and one more with each quiet minute.
    Nothing new starts for ``seconds``."""

    cap: int
    seconds: float
    status: int | None = None


class TeamPaused(Event):
    """A limit ended a session: nothing starts before ``until`` (Unix seconds). ``resets`` says that this
    is when the provider lifts it; otherwise it is a guess, and longer each time."""

    limit: Literal["rate", "usage"]
    until: float
    reason: str
    resets: bool = False


class TeamUnpaused(Event):
    """The time that the team was to rest is over."""


class CircuitOpened(Event):
    """The agent failed ``failures`` times in a row, whoever used it: nothing starts for ``seconds``, and then
    one attempt, as a trial."""

    agent: str
    failures: int
    seconds: float
    reason: str


class CircuitClosed(Event):
    """An attempt showed that the agent works again."""

    agent: str


class RoomMeasured(Event):
    """``attempts`` is how many fit into the machine's free memory by now, those at work included."""

    attempts: int
    free_mb: int


class BudgetWarned(Event):
    """Four fifths of a budget are spent: the run's, or that of ``task``."""

    spent_usd: float
    budget_usd: float
    task: str = ""


class Awoke(Event):
    """Time has passed that something waited for."""


# -- tasks and landings --------------------------------------------------------------------------


class TaskDelivered(AttemptEvent):
    """Work that is green alone entered the merge queue."""

    commit: str
    tree: str


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
    of the ladder settled it, in the files ``resolved``; it is empty for a clean merge."""

    task: str
    parent: str
    commit: str
    tree: str
    files: tuple[str, ...] = ()
    rung: str = ""
    resolved: tuple[str, ...] = ()


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


# -- shared notes --------------------------------------------------------------------------------
# Notes need no events of their own: what is kept follows from markers, failures and landings, which
# are in the log already (see ``core.traces``).


class NotesGiven(AttemptEvent):
    """The brief of an attempt carries these shared notes, by their ids."""

    notes: tuple[str, ...]


# -- what is guarded -----------------------------------------------------------------------------


class RefRestored(Event):
    """A ref of the run was moved or deleted by somebody else, and was put back from ``found`` ("" when it was
    gone) to ``put_back``. ``kept`` is the ref that holds what was found, ``suspects`` are the attempts that
    were live meanwhile, which proves nothing; ``hint`` is what to do if it was meant. May follow the end of
    a run."""

    ref: str
    found: str
    put_back: str
    kept: str = ""
    suspects: tuple[str, ...] = ()
    hint: str = ""

    def as_alarm(self) -> Alarm:
        """The same in words."""
        kept = (self.kept,) if self.kept else ()
        sentence = restored(self.ref, self.found, self.put_back)
        return Alarm(kind="ref", sentence=sentence, hint=self.hint, suspects=self.suspects, kept=kept)


class TamperingFound(Event):
    """Something outside the run's own was changed that no attempt has business with, and was left so: it may
    have been the user. What it would have lost is pinned. May follow the end of a run."""

    alarm: Alarm


class Noticed(Event):
    """Something odd that a person should know of, and that stops nothing."""

    sentence: str


class EffectFailed(Event):
    """Something workbench itself tried did not work; ``action`` names it, ``error`` says why. ``full`` says
    that there is no room on a disk, or that it cannot be written to: whatever comes next would fail, too."""

    action: str
    error: str
    task: str | None = None
    attempt: int | None = None
    full: bool = False


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
