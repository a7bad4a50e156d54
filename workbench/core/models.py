"""The values everything else speaks in: plans, tasks, settings of a run, usage, markers.

All are frozen: a value that reached an event is never changed afterwards.
"""

# Annotations are not postponed here: pydantic would compile each of them when it is imported, which
# takes longer than all else that a module of values does.

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

TASK_ID = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""What a task id looks like: it becomes part of refs and file names, so it is kept plain."""

NOTE_LIMIT = 2_000
"""Characters of free text one marker may carry; longer markers are quarantined."""

TEXT_LIMIT = 20_000
"""Characters of a message or of gate output that travel in one event."""

FAILING_LIMIT = 50
"""Names of failing tests that travel in one verdict."""


Approver = Literal["", "lead", "person"]
"""Who approves the plan of a task; nobody where none is wanted."""


class Value(BaseModel):
    """Base of all frozen values; unknown fields are refused so that a typo is never silent."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Task(Value):
    """One unit of work in a plan, sized for one teammate.

    ``after`` names tasks that must have landed first. ``files`` are globs the task expects to
    touch (a hint for order and for sparse checkouts, not a fence). ``gates`` are commands that
    must exit 0 on the work besides the gates of the run. ``plan_by`` says who has to approve a plan of the
    teammate's before it may write anything. ``line`` is where its heading stands.
    """

    id: Annotated[str, Field(pattern=TASK_ID)]
    title: str
    body: str = ""
    after: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    role: str = ""
    priority: int = 0
    attempts: int | None = Field(default=None, ge=1, le=20)
    budget_usd: float | None = Field(default=None, gt=0)
    plan_by: Approver = ""
    line: int = 0


class Plan(Value):
    """A validated plan: ids unique, every ``after`` known, no cycle (see ``core.graph``).

    ``context`` is the text for everyone, ``contract`` the shared interfaces that go whole into
    every brief. Fields that are None were not given in the front matter.
    """

    title: str
    tasks: tuple[Task, ...]
    context: str = ""
    contract: str = ""
    team: int | None = Field(default=None, ge=1, le=1000)
    gates: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    budget_usd: float | None = Field(default=None, gt=0)
    model: str | None = None
    base: str | None = None
    lead: Literal["", "claude"] = ""


class Role(Value):
    """A part that a teammate can play: see ``core.roles``. ``tools`` are the only ones of Claude Code's that
    it may use, None for all; ``without`` are taken away. ``model`` is None where the run's counts."""

    name: str
    description: str = ""
    capabilities: tuple[str, ...] = ()
    tools: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    model: str | None = None
    prompt: str = ""
    path: str = ""


Decided = Literal["allow", "ask", "deny"]


class PolicyRule(Value):
    """A line of the permission policy, and where it comes from: see ``core.policy``."""

    decision: Decided
    rule: str
    source: str


class RunSettings(Value):
    """What a run was started with; recorded in its first event so that a resume means the same.

    ``agent`` is ``claude`` or ``command:CMD``; ``continues`` says that its interrupted sessions can be
    taken up again; ``scripted`` that the model was a script. ``attempts`` bounds the attempts at one
    task, ``repairs`` how often red gate output goes back into one live session, ``batch`` how many tasks
    land at once, ``gate_slots`` how many gates run at once. An agent that is silent for ``idle_seconds``,
    or at work for ``attempt_seconds``, is nudged, and stopped ``nudge_seconds`` later; None for never.
    After its agent broke, a task waits for ``retry_seconds`` and twice as long each time. Who asks waits for
    ``answer_seconds``, if the policy is to wait at all. ``message_quota`` bounds what one attempt may write,
    a message to all counting once for each who gets it. ``on_join`` is what becomes of somebody who wants to
    join. ``on_guarded`` and ``secrets`` say whether work waits for a person's word that touches what is
    guarded, ``guarded`` besides what always is, or that seems to hold a secret. ``policy`` is the permission
    policy in force; empty in old logs. Times are seconds.
    """

    team: tuple[str, ...]
    agent: str = "claude"
    model: str | None = None
    gates: tuple[str, ...] = ()
    no_gates: bool = False
    setup: tuple[str, ...] = ()
    copy_files: tuple[str, ...] = ()
    link_files: tuple[str, ...] = ()
    sparse: bool = False
    attempts: int = 3
    repairs: int = 3
    batch: int = Field(default=8, ge=1, le=100)
    gate_slots: int = Field(default=1, ge=1, le=64)
    budget_usd: float | None = None
    task_budget_usd: float | None = None
    idle_seconds: float | None = None
    attempt_seconds: float | None = None
    nudge_seconds: float = 300.0
    retry_seconds: float = 0.0
    gate_seconds: float = 1800.0
    gate_junit: tuple[str, ...] = ()
    quarantine: tuple[str, ...] = ()
    on_question: Literal["proceed", "ask", "hold", "fail"] = "proceed"
    on_plan: Literal["approve", "ask", "hold"] = "hold"
    on_permission: Literal["deny", "ask"] = "deny"
    answer_seconds: float = Field(default=600.0, ge=0)
    lead: Literal["", "claude"] = ""
    on_join: Literal["ask", "approve", "reject"] = "ask"
    topology: Literal["star", "hierarchical", "mesh"] = "star"
    message_quota: int = Field(default=40, ge=0)
    keep_worktrees: bool = False
    scripted: bool = False
    continues: bool = False
    write_back: bool = False
    on_change: Literal["ask", "ignore"] = "ask"
    guarded: tuple[str, ...] = ()
    on_guarded: Literal["hold", "allow"] = "hold"
    secrets: Literal["hold", "allow"] = "hold"
    policy: tuple[PolicyRule, ...] = ()


class Usage(Value):
    """What an agent session has used so far. Tokens count cache reads and writes as input."""

    cost_usd: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    turns: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            cost_usd=self.cost_usd + other.cost_usd,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            turns=self.turns + other.turns,
        )


class MarkerKind(StrEnum):
    """What a teammate can report by dropping a marker."""

    PROGRESS = "progress"
    DONE = "done"
    BLOCKED = "blocked"
    QUESTION = "question"
    MESSAGE = "message"
    ANSWER = "answer"
    PLAN = "plan"
    NOTE = "note"


class Marker(Value):
    """A marker as a teammate writes it: a hint, never proof. See ``core.markers`` for reading one.

    ``percent`` belongs to progress, ``to`` to message (a teammate's name, or ``all``) and question;
    ``confidence`` is the sender's own, 0 to 1. ``reply_to`` is the message that this one answers, with a
    ``decision`` where that wants one.
    ``namespace``, ``ttl`` (seconds) and ``paths`` belong to note.
    """

    kind: MarkerKind
    nonce: str
    note: str = Field(default="", max_length=TEXT_LIMIT)
    percent: int | None = Field(default=None, ge=0, le=100)
    confidence: float | None = Field(default=None, ge=0, le=1)
    to: str = Field(default="", max_length=64)
    reply_to: str = Field(default="", max_length=16)
    decision: Literal["", "yes", "no"] = ""
    namespace: str = ""
    ttl: float | None = None
    paths: tuple[str, ...] = ()


class Verdict(Value):
    """A gate's word on a tree: kept by (tree, gate, environment) and believed for exactly those.

    ``failing`` are the tests that a red gate named, in its JUnit XML or its output, the first
    FAILING_LIMIT of them; empty when none could be read. ``quarantined`` are failing tests too, and the
    only ones: the gate was red, and counts as green because they are excused.
    """

    tree: str
    gate: str
    environment: str
    green: bool
    seconds: float
    output: str = ""
    exit_code: int | None = None
    failing: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()


class Reversal(Value):
    """A landing taken off the branch again: ``commit`` on ``parent`` reverts ``landing``, the merge by
    which ``task`` had landed. ``tree`` is what the branch then holds."""

    task: str
    landing: str
    parent: str
    commit: str
    tree: str


class PublicChange(Value):
    """A name that other files can use, and that a change added, removed, or gave another ``signature``:
    how it is written now (of a removed one, how it was). ``name`` has its class before it."""

    path: str
    name: str
    how: Literal["added", "removed", "changed"]
    signature: str


RunOutcome = Literal["landed", "incomplete", "refused", "stopped"]
"""landed: every task landed; incomplete: some did not; refused: never started (the base is red);
stopped: on request or for want of a login, and can be resumed."""

BUDGET_SPENT = "the budget is spent"
"""Why a run is stopped that may cost no more; only a higher budget lets it go on."""
