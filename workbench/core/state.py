"""Where a run stands: plain data, and the tables by which a task and an attempt may move.

Everything that decides what happens next lives here or is derived from here. ``core.apply`` is the
only writer. The tables are the whole truth about order: a move that is not in them is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from workbench.core.alarms import Alarm
from workbench.core.changes import PlanChange
from workbench.core.lead import LeadState
from workbench.core.mail import WORKBENCH, Message
from workbench.core.models import Plan, Reversal, Role, RunOutcome, RunSettings, Task, Usage, Verdict
from workbench.core.pace import Hold, Pace
from workbench.core.protection import Protection
from workbench.core.requests import RequestJoin
from workbench.core.search import Search
from workbench.core.touches import Touch
from workbench.core.traces import Trace
from workbench.core.trust.items import Trust
from workbench.errors import IllegalEvent


class TaskStatus(StrEnum):
    """Where a task is on its way; ``landed`` alone means that its commit is on the integration
    branch."""

    PENDING = "pending"
    HELD = "held"
    READY = "ready"
    RUNNING = "running"
    DELIVERED = "delivered"
    LANDING = "landing"
    LANDED = "landed"
    UNDONE = "undone"
    CONFLICTED = "conflicted"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def stands(self) -> str:
        """The status as the end of a sentence about the task: "is held"."""
        return "was given up" if self is TaskStatus.FAILED else f"is {self}"


T = TaskStatus
TASK_MOVES: dict[tuple[TaskStatus, str], TaskStatus] = {
    (T.PENDING, "release"): T.READY,
    (T.PENDING, "hold"): T.HELD,
    (T.READY, "start"): T.RUNNING,
    (T.READY, "wait"): T.PENDING,  # the plan was changed
    (T.CONFLICTED, "start"): T.RUNNING,
    (T.REJECTED, "start"): T.RUNNING,
    (T.RUNNING, "deliver"): T.DELIVERED,
    (T.RUNNING, "retry"): T.READY,
    (T.RUNNING, "block"): T.BLOCKED,
    (T.RUNNING, "fail"): T.FAILED,
    (T.DELIVERED, "take"): T.LANDING,
    (T.DELIVERED, "reject"): T.REJECTED,  # a person said no to what it touches
    (T.DELIVERED, "fail"): T.FAILED,
    (T.LANDING, "requeue"): T.DELIVERED,
    (T.LANDING, "land"): T.LANDED,
    (T.LANDING, "conflict"): T.CONFLICTED,
    (T.LANDING, "reject"): T.REJECTED,
    (T.LANDING, "fail"): T.FAILED,
    (T.LANDED, "undo"): T.UNDONE,
    # A person brought work in for what had been given up.
    **{(status, "provide"): T.DELIVERED for status in (T.BLOCKED, T.FAILED, T.UNDONE)},
    (T.HELD, "unhold"): T.PENDING,
    # What it waits for was landed and is undone.
    **{(status, "hold"): T.HELD for status in (T.READY, T.DELIVERED, T.CONFLICTED, T.REJECTED)},
    # A person wants it tried again, or left out.
    **{(status, "again"): T.PENDING for status in (T.BLOCKED, T.FAILED, T.SKIPPED)},
    **{(status, "skip"): T.SKIPPED for status in (T.PENDING, T.HELD, T.READY, T.CONFLICTED)},
    **{(status, "skip"): T.SKIPPED for status in (T.REJECTED, T.BLOCKED, T.FAILED)},
}

OVER = frozenset({T.LANDED, T.UNDONE, T.BLOCKED, T.FAILED, T.HELD, T.SKIPPED})


class Phase(StrEnum):
    """What an attempt is doing."""

    WORKING = "working"
    TURN_OVER = "turn over"
    COLLECTED = "collected"
    CHECKED = "checked"
    CLOSING = "closing"
    ENDED = "ended"


P = Phase
LIVE = (P.WORKING, P.TURN_OVER, P.COLLECTED, P.CHECKED)
PHASE_MOVES: dict[tuple[Phase, str], Phase] = {
    (P.WORKING, "turn"): P.TURN_OVER,
    (P.TURN_OVER, "turn"): P.TURN_OVER,
    (P.TURN_OVER, "tell"): P.WORKING,
    (P.COLLECTED, "tell"): P.WORKING,
    (P.CHECKED, "tell"): P.WORKING,
    (P.WORKING, "tell"): P.WORKING,
    (P.TURN_OVER, "collect"): P.COLLECTED,
    (P.COLLECTED, "check"): P.CHECKED,
    (P.CHECKED, "check"): P.CHECKED,
    # An attempt may be given up, for its agent broke, while its work is collected or checked.
    (P.CLOSING, "collect"): P.CLOSING,
    (P.CLOSING, "check"): P.CLOSING,
    **{(phase, "close"): P.CLOSING for phase in LIVE},
    **{(phase, "end"): P.ENDED for phase in (*LIVE, P.CLOSING)},
}


def move_task(task: str, status: TaskStatus, move: str) -> TaskStatus:
    """The status after ``move``; raises IllegalEvent naming the task, its status and the move."""
    try:
        return TASK_MOVES[status, move]
    except KeyError:
        raise IllegalEvent(f"task {task!r} is {status} and cannot {move}") from None


def move_phase(task: str, attempt: int, phase: Phase, move: str) -> Phase:
    """The phase after ``move``; raises IllegalEvent naming the attempt, its phase and the move."""
    try:
        return PHASE_MOVES[phase, move]
    except KeyError:
        raise IllegalEvent(f"attempt {attempt} at {task!r} is {phase} and cannot {move}") from None


PERSON = "a person"
"""Who stands for a teammate where somebody at the keyboard did the work; no teammate's name has a space."""


@dataclass(slots=True)
class Ask:
    """A message that wants an answer: ``to`` is who is waited for, by now. Once ``hold`` is over, who asked
    goes on without one."""

    message: Message
    to: str
    hold: Hold | None = None
    why: str = ""
    """Why it was passed on, in the words of the lead."""


@dataclass(slots=True)
class AttemptState:
    """One teammate trying one task."""

    task: str
    number: int
    teammate: str
    nonce: str
    start: str
    why: str
    started_at: float
    carry: str | None = None
    phase: Phase = Phase.WORKING
    live: bool = True
    prepared: bool = False
    late: bool = False
    done: bool = False
    asked: bool = False
    told_no_change: bool = False
    repairs: int = 0
    reds: tuple[str, ...] = ()
    blocked: str = ""
    doubt: str = ""
    """Why it cannot go on after all, said after it was done: git and the gates tell which is true."""
    error: str = ""
    percent: int = 0
    note: str = ""
    doing: str = ""
    pid: int | None = None
    session: str | None = None
    commit: str | None = None
    tree: str | None = None
    outcome: str = ""
    usage: Usage = field(default_factory=Usage)
    ended_at: float | None = None
    mail: tuple[str, ...] = ()
    """Messages in its brief."""
    told: list[str] = field(default_factory=list)
    """Messages that its session was given, in the brief or since, and has not taken up as far as is known."""
    heard: list[str] = field(default_factory=list)
    """Messages that its session has taken up, those before an interruption included."""
    unsure: bool = False
    """Whether it is to go on with a session, and nobody knows yet whether that is still there. Another one
    hears everything anew, and what it was told by now would come before that."""
    waiting: bool = False
    """Whether its turn is over because it waits for an answer."""
    stranded: bool = False
    """Whether it waited so when it was given up for want of an answer."""
    waits_on: str = ""
    """Whom it cannot go on without: who is to answer what it asked, within its turn or at the end of it."""
    planning: bool = False
    """Whether it may only read: its task wants a plan first, and none is approved yet."""
    plans: int = 0
    """How many it has submitted."""
    breach: str = ""
    """How it did not keep to planning first."""
    sent: int = 0
    """What it has written, as the quota counts."""
    markers: set[str] = field(default_factory=set)
    interrupted: bool = False
    denied: int = 0
    flakes: tuple[Verdict, ...] = ()
    because: str = ""
    files: tuple[str, ...] = ()
    """What it had changed when its work was last collected: the first of them."""
    touches: tuple[Touch, ...] = ()
    """What of that needs a person's word, and ``patch`` how that is changed: the beginning."""
    patch: str = ""
    notes: int = 0


@dataclass(slots=True)
class TaskState:
    """One task on its way. ``unmet`` are the tasks it still waits for, ``thrown`` the rungs of the ladder
    whose result for what it delivered was red. ``breaks`` counts agents that broke at it in a row, and
    ``avoids`` is whose did last; before ``later`` is over it does not start again."""

    spec: Task
    index: int
    rank: int
    unmet: set[str]
    followers: int = 0
    status: TaskStatus = TaskStatus.PENDING
    attempt: int = 0
    tries: int = 0
    fixups: int = 0
    why: str = "first"
    carry: str | None = None
    prefers: str | None = None
    session: str | None = None
    evidence: str = ""
    conflicts: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    commit: str | None = None
    tree: str | None = None
    delivered_by: int = 0
    delivered_at: float | None = None
    landed: str | None = None
    landed_at: float | None = None
    files: tuple[str, ...] = ()
    reason: str = ""
    thrown: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    later: Hold | None = None
    avoids: str | None = None
    breaks: int = 0
    approved: str = ""
    """The plan that was approved for it, for all further attempts."""
    turned_down: int = 0
    """How many plans were turned down, one after the other."""
    touches: tuple[Touch, ...] = ()
    """What of its delivered work waits for a person's word; ``no`` is the message that refused it."""
    no: str = ""
    cleared: dict[str, str] = field(default_factory=dict)
    """What of it a person said yes to: paths, and what the files were."""
    refused: bool = False
    """Whether its work came back because a person said no."""
    spent: Usage = field(default_factory=Usage)


@dataclass(slots=True)
class TeammateState:
    """One member of the team, its worktree, and the mail it was not given. ``held`` is the task whose
    work its worktree holds, empty while that is not known. ``unread`` are messages in the order of their
    sending."""

    name: str
    index: int
    task: str | None = None
    worktree: str = ""
    branch: str = ""
    held: str = ""
    unread: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    landed: int = 0
    tried: list[tuple[str, int]] = field(default_factory=list)
    """Its attempts, oldest first: task and number."""
    external: bool = False
    """Whether it is somebody's own program or session, which takes its tasks from ``seat``."""
    seat: str = ""
    by_hand: bool = False
    """Whether nobody sees it end its turns: a done or blocked is that."""
    own: str = ""
    """The checkout that it brought."""
    role: str = ""
    leaving: bool = False
    """Whether it gets no more tasks, and leaves when what it is at has ended."""
    left: bool = False
    reason: str = ""
    """Why it leaves, or left."""


@dataclass(slots=True)
class Step:
    """One candidate of a batch: see CandidateMade."""

    task: str
    parent: str
    commit: str
    tree: str
    files: tuple[str, ...] = ()
    rung: str = ""
    resolved: tuple[str, ...] = ()
    touches: tuple[Touch, ...] = ()


@dataclass(slots=True)
class Landing:
    """The one landing under way: ``tasks`` that are in it, and a step for each that merged cleanly.
    ``search`` is there once the batch is built, ``red`` once a prefix of it was red twice; ``checking``
    are the prefixes being gated; ``flakes`` are the red verdicts that the last check found to be green,
    ``moot`` the candidates being gated whose verdict it made needless. ``needless`` are all prefixes whose
    gates were called off so: some had ended by then, and ``late`` says that the last verdict is of those."""

    tasks: list[str]
    steps: list[Step] = field(default_factory=list)
    base: str = ""
    base_tree: str = ""
    search: Search | None = None
    red: Verdict | None = None
    checking: set[int] = field(default_factory=set)
    flakes: tuple[Verdict, ...] = ()
    moot: tuple[str, ...] = ()
    needless: set[int] = field(default_factory=set)
    late: bool = False

    def prefix(self, commit: str) -> int | None:
        """How many steps end with ``commit``: 0 for the base, None when it is not in this landing."""
        if commit == self.base:
            return 0
        return next((place for place, step in enumerate(self.steps, 1) if step.commit == commit), None)

    def tree(self, prefix: int) -> str:
        """The tree that a prefix ends with."""
        return self.steps[prefix - 1].tree if prefix else self.base_tree


@dataclass(slots=True)
class Landed:
    """One landing as it happened, for the report and its proof. ``undone`` is the commit that took it
    off the branch again."""

    task: str
    attempt: int
    teammate: str
    commit: str
    parent: str
    delivered: str
    at: float
    files: tuple[str, ...]
    rung: str = ""
    resolved: tuple[str, ...] = ()
    undone: str = ""


@dataclass(slots=True)
class Undone:
    """A landing that was undone; it was the branch's newest change when ``after`` landings had been made."""

    reversal: Reversal
    at: float
    after: int


@dataclass(slots=True)
class Raised:
    """An alarm, and when it was raised. ``restored`` is the ref that was put back, if one was."""

    alarm: Alarm
    at: float
    restored: str = ""


@dataclass(slots=True)
class Semantic:
    """A semantic conflict: see SemanticConflictFound."""

    task: str
    others: tuple[str, ...]
    gate: str
    tests: tuple[str, ...]
    certain: bool
    evidence: str


TELLING = 8
"""Merges before their failure rate means anything."""

# Not validated: that would compile the model whenever this is imported.
GREEN = Verdict.model_construct(tree="", gate="", environment="", green=True, seconds=0.0)
"""Stands for every green verdict that is remembered."""

VerdictKey = tuple[str, str, str]
TestKey = tuple[str, str]
"""A gate and a test of it; no test where the gate named none."""


@dataclass(slots=True)
class Proposed:
    """A change of the plan that was asked for and is not settled: see PlanChangeProposed."""

    source: str
    said: Plan
    change: PlanChange


@dataclass(slots=True)
class RunState:
    """Everything known about a run, folded from its events."""

    run: str = ""
    seq: int = 0
    at: float = 0.0
    started_at: float = 0.0
    ended_at: float | None = None
    active_seconds: float = 0.0
    resumed_at: float = 0.0
    plan: Plan | None = None
    plan_path: str = ""
    plan_sha256: str = ""
    settings: RunSettings = field(default_factory=lambda: RunSettings(team=("t1",)))
    roles: dict[str, Role] = field(default_factory=dict)
    base: str = ""
    base_tree: str = ""
    target: str = ""
    integration: str = ""
    environment: str = ""
    protection: Protection | None = None
    tip: str = ""
    base_green: bool | None = None
    base_red_twice: bool = False
    """Whether the latest look at the base found a gate red that had been red there before."""
    base_flakes: tuple[Verdict, ...] = ()
    """Red verdicts on the base that the latest look at it refuted."""
    stopping: str = ""
    stops: int = 0
    login: str = ""
    outcome: RunOutcome | None = None
    reason: str = ""
    tasks: dict[str, TaskState] = field(default_factory=dict)
    dependents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    teammates: dict[str, TeammateState] = field(default_factory=dict)
    attempts: dict[tuple[str, int], AttemptState] = field(default_factory=dict)
    working: dict[tuple[str, int], AttemptState] = field(default_factory=dict)
    startable: list[tuple[tuple[int, ...], str]] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    wishes: dict[str, str] = field(default_factory=dict)
    """Tasks that a person gave to a teammate, whose name is the value; also when they are over by now."""
    begun: int = 0
    """How many attempts teammates have begun."""
    queue: dict[str, float] = field(default_factory=dict)
    landing: Landing | None = None
    batch: int = 1
    trouble: int = 0
    flakes: dict[str, int] = field(default_factory=dict)
    flaky: dict[TestKey, int] = field(default_factory=dict)
    excused: dict[TestKey, int] = field(default_factory=dict)
    landings: list[Landed] = field(default_factory=list)
    undoing: tuple[Reversal, ...] = ()
    undone: list[Undone] = field(default_factory=list)
    semantics: list[Semantic] = field(default_factory=list)
    pairing: set[str] = field(default_factory=set)
    culprits: int = 0
    publication: tuple[int, int] = (0, 0)
    """Which of the landings the latest publication brought: from, and up to but without."""
    foreseen: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """In which paths a task conflicts with another, both ways round, where neither is over."""
    verdicts: dict[VerdictKey, Verdict] = field(default_factory=dict)
    """The latest word on each tree; where that is green it is ``GREEN``, which says no more than that."""
    gate_runs: int = 0
    runs_of: dict[str, int] = field(default_factory=dict)
    gate_seconds: float = 0.0
    over: int = 0
    pace: Pace = field(default_factory=Pace)
    spent: Usage = field(default_factory=Usage)
    quarantined: int = 0
    mail: dict[str, Message] = field(default_factory=dict)
    """All messages by their ids, in the order of their sending."""
    asks: dict[str, Ask] = field(default_factory=dict)
    """Those that wait for an answer."""
    answers: dict[str, str] = field(default_factory=dict)
    """Which message answered which."""
    for_lead: list[str] = field(default_factory=list)
    """Messages that the lead was not given."""
    lead: LeadState = field(default_factory=LeadState)
    requests: set[str] = field(default_factory=set)
    """Ids of requests that were taken."""
    joining: dict[str, RequestJoin] = field(default_factory=dict)
    """Those of them by which somebody wanted to join, by their ids."""
    paused: bool = False
    """Whether a person paused it."""
    trust: Trust | None = None
    alarms: list[Raised] = field(default_factory=list)
    plan_file: str = ""
    approved: Plan | None = None
    """The plan as it was at first; ``plan`` is the plan as it stands."""
    said: dict[str, Plan] = field(default_factory=dict)
    """What a file said when a change that it asked for was made."""
    proposed: Proposed | None = None
    declined: dict[str, PlanChange] = field(default_factory=dict)
    """The latest change that a file asked for and a person did not want."""
    traces: list[Trace] = field(default_factory=list)

    def task(self, name: str) -> TaskState:
        """The task, or IllegalEvent when the plan has none of that id."""
        try:
            return self.tasks[name]
        except KeyError:
            raise IllegalEvent(f"no task {name!r} in this run") from None

    def attempt(self, task: str, number: int) -> AttemptState:
        """The attempt, or IllegalEvent when it never started."""
        try:
            return self.attempts[task, number]
        except KeyError:
            raise IllegalEvent(f"no attempt {number} at task {task!r}") from None

    @property
    def cost_usd(self) -> float:
        """What the run has cost so far, live attempts included."""
        live = sum(attempt.usage.cost_usd for attempt in self.working.values())
        return self.spent.cost_usd + live + self.lead.usage.cost_usd

    @property
    def led(self) -> bool:
        """Whether there is a lead that may answer: one that failed for good, or can cost no more, may not."""
        if not self.settings.lead or self.lead.out:
            return False
        budget = self.settings.budget_usd
        return budget is None or self.cost_usd < budget

    def budget_of(self, task: str) -> float | None:
        """What all attempts at a task may cost together, in US dollars."""
        own = self.task(task).spec.budget_usd
        return self.settings.task_budget_usd if own is None else own

    def cost_of(self, task: str) -> float:
        """What a task has cost so far, in US dollars, its live attempt included."""
        there = self.task(task)
        live = self.working.get((task, there.attempt))
        return there.spent.cost_usd + (live.usage.cost_usd if live is not None else 0.0)

    def spent_up(self, task: str) -> bool:
        """Whether nothing is left of a task's budget."""
        most = self.budget_of(task)
        return most is not None and self.cost_of(task) >= most

    @property
    def messages(self) -> int:
        """How many messages were written by members of the team, and by people."""
        return sum(message.sender != WORKBENCH for message in self.mail.values())

    @property
    def finished(self) -> bool:
        return self.outcome is not None

    @property
    def over_for_good(self) -> bool:
        """Whether there is nothing that a resumed run could do."""
        if self.outcome == "incomplete":
            return self.over == len(self.tasks)
        return self.outcome in ("landed", "refused")

    @property
    def standing(self) -> list[Landed]:
        """Landings that were not undone, oldest first."""
        return [landing for landing in self.landings if not landing.undone]

    @property
    def published(self) -> str:
        """The tip that workbench itself published last: by a landing, or by undoing one."""
        if self.undone and self.undone[-1].after == len(self.landings):
            return self.undone[-1].reversal.commit
        return self.landings[-1].commit if self.landings else self.base

    def gates_of(self, task: str) -> tuple[str, ...]:
        """The commands that must be green on this task's work and on its landing."""
        own = tuple(gate for gate in self.task(task).spec.gates if gate not in self.settings.gates)
        return () if self.settings.no_gates else self.settings.gates + own

    def files_of(self, task: str) -> tuple[str, ...]:
        """The paths that a task's merge changes, once it is made."""
        steps = self.landing.steps if self.landing is not None else []
        return next((step.files for step in steps if step.task == task), self.task(task).files)

    @property
    def failure_rate(self) -> float:
        """The share of merges that broke what they were merged on; 0 until there is enough to tell."""
        tried = len(self.landings) + self.culprits
        return self.culprits / tried if tried >= TELLING else 0.0

    def unproven(self, tree: str, gates: tuple[str, ...]) -> tuple[str, ...]:
        """Those of ``gates`` that have no green verdict for exactly this tree and environment."""
        return tuple(
            gate
            for gate in gates
            if (verdict := self.verdicts.get((tree, gate, self.environment))) is None or not verdict.green
        )
