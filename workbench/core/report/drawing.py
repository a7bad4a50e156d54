"""A report, drawn from the state of a run."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from workbench.core.changes import gist
from workbench.core.changing import open_change
from workbench.core.flakes import excused_failures, flakes
from workbench.core.mail import LEAD
from workbench.core.models import Usage
from workbench.core.protection import protected
from workbench.core.report.values import (
    ConflictReport,
    LandingReport,
    LeadReport,
    ProposalReport,
    Report,
    SemanticReport,
    TaskReport,
    UndoReport,
)
from workbench.core.state import PERSON, AttemptState, Landed, RunState, TaskState, TaskStatus


def report(state: RunState, proven: Mapping[str, bool] | None = None) -> Report:
    """The report of a run as it stands, finished or not."""
    plan = state.plan
    assert plan is not None, "a run that never started has no report"
    tasks = tuple(_task(state, task, (proven or {}).get(name)) for name, task in state.tasks.items())
    started = datetime.datetime.fromtimestamp(state.started_at, datetime.UTC)
    live = sum((attempt.usage for attempt in state.working.values()), Usage())
    return Report(
        run=state.run,
        title=plan.title,
        plan=state.plan_path,
        outcome=state.outcome or "running",
        reason=state.reason,
        complete=all(task.status == "landed" and task.proven is not False for task in tasks),
        scripted=state.settings.scripted,
        agent=state.settings.agent,
        started=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        seconds=round(elapsed(state), 1),
        base=state.base,
        tip=state.tip,
        target=state.target,
        integration=state.integration,
        gates=() if state.settings.no_gates else state.settings.gates,
        gate_runs=state.gate_runs,
        gate_seconds=round(state.gate_seconds, 2),
        messages=state.messages,
        quarantined=state.quarantined,
        denied=sum(attempt.denied for attempt in state.attempts.values()),
        usage=state.spent + live + state.lead.usage,
        tasks=tasks,
        landings=tuple(
            LandingReport(
                task=landing.task,
                teammate=landing.teammate,
                attempt=landing.attempt,
                commit=landing.commit,
                parent=landing.parent,
                delivered=landing.delivered,
            )
            for landing in state.landings
        ),
        undone=tuple(
            UndoReport(task=it.task, landing=it.landing, commit=it.commit, after=undone.after)
            for undone in state.undone
            for it in (undone.reversal,)
        ),
        conflicts=tuple(conflict for landing in state.landings for conflict in _settled(state, landing)),
        semantic_conflicts=tuple(
            SemanticReport(
                task=it.task,
                others=it.others,
                gate=it.gate,
                tests=it.tests,
                certain=it.certain,
                status=state.task(it.task).status.value,
            )
            for it in state.semantics
        ),
        alarms=tuple(raised.alarm for raised in state.alarms),
        flakes=flakes(state),
        excused=excused_failures(state),
        lead=_lead(state) if state.lead.life else None,
        protection=state.protection,
        protected=protected(state.protection, state.settings.agent) if state.protection else (),
        trust=state.trust,
        proposals=tuple(_proposals(state)),
    )


def _lead(state: RunState) -> LeadReport:
    asked = [it.id for it in state.mail.values() if it.asks and it.to == LEAD]
    said = [it for it in state.mail.values() if it.sender == LEAD]
    answers = sum(it.reply_to in asked for it in said)
    waits = sum(name in state.asks and state.asks[name].to == LEAD for name in asked)
    return LeadReport(
        asked=len(asked),
        answered=answers,
        passed=len(asked) - answers - waits,
        wrote=len(said) - answers,
        denied=state.lead.denied,
        out=state.lead.out,
        usage=state.lead.spent + state.lead.usage,
    )


def _proposals(state: RunState) -> Iterator[ProposalReport]:
    if state.proposed is not None and (ask := open_change(state)) is not None:
        proposed = state.proposed
        yield ProposalReport(message=ask.message.id, source=proposed.source, change=gist(proposed.change))


def elapsed(state: RunState) -> float:
    """Seconds the run was at work, pauses between its processes left out."""
    return state.active_seconds if state.finished else state.active_seconds + state.at - state.resumed_at


def _task(state: RunState, task: TaskState, proven: bool | None) -> TaskReport:
    attempts = _attempts(state, task)
    last = state.attempts.get((task.spec.id, task.delivered_by)) or (attempts[-1] if attempts else None)
    ends = [attempt.ended_at or state.at for attempt in attempts]
    end = task.landed_at or max(ends, default=0.0)
    return TaskReport(
        id=task.spec.id,
        title=task.spec.title,
        status=task.status.value,
        teammate=last.teammate if last else "",
        attempts=sum(not attempt.interrupted for attempt in attempts),
        repairs=sum(attempt.repairs for attempt in attempts),
        conflicts=sum(attempt.why == "conflict" for attempt in attempts),
        delivered=task.commit or (last.commit if last and last.commit else ""),
        landed=task.landed or "",
        proven=proven if task.status is TaskStatus.LANDED else None,
        seconds=round(end - attempts[0].started_at, 1) if attempts else 0.0,
        usage=sum((attempt.usage for attempt in attempts), Usage()),
        files=task.files,
        reason=task.reason,
        role=task.spec.role,
        because=attempts[-1].because if attempts else "",
    )


def _settled(state: RunState, landing: Landed) -> Iterator[ConflictReport]:
    """How the conflicts of a landed task were settled: in its worktree, at its merge, or both."""
    task, attempt = state.task(landing.task), state.attempt(landing.task, landing.attempt)
    if attempt.teammate == PERSON and task.conflicts:
        yield ConflictReport(task=landing.task, paths=task.conflicts, rung="person")
    elif attempt.why == "conflict":
        yield ConflictReport(task=landing.task, paths=task.conflicts, rung="agent", by=attempt.teammate)
    if landing.rung:
        yield ConflictReport(task=landing.task, paths=landing.resolved, rung=landing.rung, thrown=task.thrown)


def _attempts(state: RunState, task: TaskState) -> list[AttemptState]:
    numbers = range(1, task.attempt + 1)
    return [state.attempts[task.spec.id, number] for number in numbers]
