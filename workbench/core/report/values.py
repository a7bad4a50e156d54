"""The values of a report."""

from __future__ import annotations

from workbench.core.alarms import Alarm
from workbench.core.flakes import Unreliable
from workbench.core.models import Usage, Value
from workbench.core.protection import Protection
from workbench.core.trust.items import Trust


class TaskReport(Value):
    """What came of one task. ``seconds`` runs from its first start to its landing or its end;
    ``proven`` is None when git was not asked; ``because`` says why its latest attempt went to that
    teammate."""

    id: str
    title: str
    status: str
    teammate: str = ""
    attempts: int = 0
    repairs: int = 0
    conflicts: int = 0
    delivered: str = ""
    landed: str = ""
    proven: bool | None = None
    seconds: float = 0.0
    usage: Usage = Usage()
    files: tuple[str, ...] = ()
    reason: str = ""
    role: str = ""
    because: str = ""


class LandingReport(Value):
    """One landed task: a merge on the integration branch. Several may have been published at once."""

    task: str
    teammate: str
    attempt: int
    commit: str
    parent: str
    delivered: str


class UndoReport(Value):
    """One landing taken off the integration branch again, by ``commit``, after ``after`` landings."""

    task: str
    landing: str
    commit: str
    after: int


class ConflictReport(Value):
    """A conflict that was settled: in which files, by which rung of the ladder (``agent`` is a fix-up in a
    teammate's worktree), and the rungs whose result was thrown away before."""

    task: str
    paths: tuple[str, ...]
    rung: str
    by: str = ""
    thrown: tuple[str, ...] = ()

    @property
    def settler(self) -> str:
        """The rung, and who it was where that is a person or an agent."""
        return f"{self.rung} ({self.by})" if self.by else self.rung


class SemanticReport(Value):
    """Work that is green alone and red together: see SemanticConflictFound. ``status`` is what became of
    the task."""

    task: str
    others: tuple[str, ...]
    gate: str
    tests: tuple[str, ...]
    certain: bool
    status: str

    @property
    def among(self) -> str:
        """The words between the task and the others."""
        if self.certain:
            return "with"
        return "probably with" if len(self.others) == 1 else "with some of"


class LeadReport(Value):
    """What the lead did: of what it was asked it ``answered`` some, and left some to the person (``passed``).
    It ``wrote`` so many messages besides. ``out`` says why it was not called any more."""

    asked: int
    answered: int
    passed: int
    wrote: int
    denied: int
    out: str
    usage: Usage


class ProposalReport(Value):
    """A change of the plan that waits for a person: answer ``message``."""

    message: str
    source: str
    change: str


class Report(Value):
    """A whole run. ``complete`` means that every task landed and git agrees. ``quarantined`` counts
    markers; ``excused`` are the failures of quarantined tests; ``protected`` is ``protection`` in words."""

    run: str
    title: str
    plan: str
    outcome: str
    reason: str
    complete: bool
    scripted: bool
    agent: str
    started: str
    seconds: float
    base: str
    tip: str
    target: str
    integration: str
    gates: tuple[str, ...]
    gate_runs: int
    gate_seconds: float
    messages: int
    quarantined: int
    denied: int
    usage: Usage
    tasks: tuple[TaskReport, ...]
    landings: tuple[LandingReport, ...]
    undone: tuple[UndoReport, ...] = ()
    conflicts: tuple[ConflictReport, ...] = ()
    semantic_conflicts: tuple[SemanticReport, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    flakes: tuple[Unreliable, ...] = ()
    excused: tuple[Unreliable, ...] = ()
    lead: LeadReport | None = None
    trust: Trust | None = None
    proposals: tuple[ProposalReport, ...] = ()
    protection: Protection | None = None
    protected: tuple[str, ...] = ()
