"""What came of a run: one value, drawn from the state, and its Markdown and JUnit forms. Pure.

``proven`` arrives from outside: for each task, whether git itself says that what it delivered is an
ancestor of the integration branch. "Landed" in a report means that, and nothing else.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from workbench.core.models import Usage, Value
from workbench.core.state import AttemptState, Landed, RunState, TaskState, TaskStatus

PROOF = (
    "Each landed task was looked for with `git rev-list`: what it delivered is an ancestor of the "
    "integration branch."
)


SHOWN_TESTS = 10
"""Failing tests of a semantic conflict that the Markdown lists; the rest is counted."""


class TaskReport(Value):
    """What came of one task. ``seconds`` runs from its first start to its landing or its end;
    ``proven`` is None when git was not asked."""

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


class LandingReport(Value):
    """One landed task: a merge on the integration branch. Several may have been published at once."""

    task: str
    teammate: str
    attempt: int
    commit: str
    parent: str
    delivered: str


class ConflictReport(Value):
    """A conflict that was settled: in which files, by which rung of the ladder (``agent`` is a fix-up in a
    teammate's worktree), and the rungs whose result was thrown away before."""

    task: str
    paths: tuple[str, ...]
    rung: str
    by: str = ""
    thrown: tuple[str, ...] = ()


class SemanticReport(Value):
    """Work that is green alone and red together: see SemanticConflictFound. ``status`` is what became of
    the task."""

    task: str
    others: tuple[str, ...]
    gate: str
    tests: tuple[str, ...]
    certain: bool
    status: str


class Report(Value):
    """A whole run. ``complete`` means that every task landed and git agrees."""

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
    conflicts: tuple[ConflictReport, ...] = ()
    semantic_conflicts: tuple[SemanticReport, ...] = ()


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
        usage=state.spent + live,
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
    )


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
    )


def _settled(state: RunState, landing: Landed) -> Iterator[ConflictReport]:
    """How the conflicts of a landed task were settled: in its worktree, at its merge, or both."""
    task, attempt = state.task(landing.task), state.attempt(landing.task, landing.attempt)
    if attempt.why == "conflict":
        yield ConflictReport(task=landing.task, paths=task.conflicts, rung="agent", by=attempt.teammate)
    if landing.rung:
        yield ConflictReport(task=landing.task, paths=landing.resolved, rung=landing.rung, thrown=task.thrown)


def _attempts(state: RunState, task: TaskState) -> list[AttemptState]:
    numbers = range(1, task.attempt + 1)
    return [state.attempts[task.spec.id, number] for number in numbers]


# -- as text ---------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """Seconds as a person reads them: ``8.4 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def has_landed(task: TaskReport) -> bool:
    """Whether the log says so and git, if it was asked, agrees."""
    return task.status == "landed" and task.proven is not False


def headline(result: Report) -> str:
    """The run in one sentence."""
    landed = sum(map(has_landed, result.tasks))
    made = (
        "every task landed"
        if landed == len(result.tasks)
        else f"{landed} of {len(result.tasks)} tasks landed"
    )
    cost = "no cost: the model was scripted" if result.scripted else f"${result.usage.cost_usd:.2f}"
    return f"{result.outcome}: {made} in {duration(result.seconds)}, {cost}"


def markdown(result: Report) -> str:
    """The report as a Markdown document."""
    lines = [f"# {result.title}", "", f"Run `{result.run}` · {headline(result)}.", ""]
    if result.reason:
        lines += [f"> {result.reason}", ""]
    if result.scripted:
        lines += ["> The model was scripted: this shows that the run works, not what Claude would do.", ""]
    lines += ["| task | | by | attempts | time | cost | landed as |", "|---|---|---|---|---|---|---|"]
    for task in result.tasks:
        where = f"`{task.landed[:10]}`" if task.landed else _escape(task.reason)
        cost = f"${task.usage.cost_usd:.2f}" if task.usage.cost_usd and not result.scripted else ""
        time = duration(task.seconds) if task.seconds else ""
        cells = (f"`{task.id}` {_escape(task.title)}", _status(task), task.teammate, _tries(task), time)
        lines.append(f"| {' | '.join((*cells, cost, where))} |")
    lines += ["", "## Landings", "", "```text", graph(result), "```", "", _branch(result), ""]
    lines += _conflicts(result) + _semantic_conflicts(result)
    if words := proof_words(result):
        lines += [words, ""]
    return "\n".join(lines)


def _conflicts(result: Report) -> list[str]:
    if not result.conflicts:
        return []
    lines = ["## Conflicts that were settled", "", "| task | in | by |", "|---|---|---|"]
    for conflict in result.conflicts:
        by = f"{conflict.rung} ({conflict.by})" if conflict.by else conflict.rung
        by += f"; red before: {', '.join(conflict.thrown)}" if conflict.thrown else ""
        lines.append(f"| `{conflict.task}` | {_escape(', '.join(conflict.paths))} | {by} |")
    return [*lines, ""]


def _semantic_conflicts(result: Report) -> list[str]:
    if not result.semantic_conflicts:
        return []
    lines = ["## Semantic conflicts", "", "Green alone, merged without a conflict, and red together:", ""]
    for it in result.semantic_conflicts:
        others = ", ".join(f"`{name}`" for name in it.others)
        among = "with" if it.certain else "probably with" if len(it.others) == 1 else "with some of"
        lines.append(f"- `{it.task}` {among} {others}: `{_escape(it.gate)}` ({it.status} in the end)")
        lines += [f"    - `{_escape(test)}`" for test in it.tests[:SHOWN_TESTS]]
        if len(it.tests) > SHOWN_TESTS:
            lines.append(f"    - and {len(it.tests) - SHOWN_TESTS} more")
    return [*lines, ""]


def proof_words(result: Report) -> str:
    """What git says of what the log calls landed; empty when git was not asked."""
    asked = [task for task in result.tasks if task.proven is not None]
    gone = [task.id for task in asked if task.proven is False]
    if gone:
        return (
            f"NOT on the integration branch, although it landed there: {', '.join(gone)}. Somebody moved "
            f"the branch; the landings above name the commits, which are kept."
        )
    return PROOF if asked else ""


def _branch(result: Report) -> str:
    origin = f" on `{result.target}`" if result.target else ""
    times = "once" if result.gate_runs == 1 else f"{result.gate_runs} times"
    return (
        f"Integration branch `{_short(result.integration)}` at `{result.tip[:10]}`, "
        f"from `{result.base[:10]}`{origin}. "
        f"Gates ran {times} in {duration(result.gate_seconds)}."
    )


def _status(task: TaskReport) -> str:
    if task.status == "landed" and task.proven is False:
        return "NOT FOUND"
    return task.status


def _tries(task: TaskReport) -> str:
    words = [str(task.attempts)]
    if task.conflicts:
        words.append(f"{task.conflicts} conflict{'s' if task.conflicts > 1 else ''} resolved")
    if task.repairs:
        words.append(f"{task.repairs} repair{'s' if task.repairs > 1 else ''}")
    return ", ".join(words)


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def graph(result: Report) -> str:
    """The landings as a text graph, newest first: each merges one delivered commit on the branch."""
    lines: list[str] = []
    for landing in reversed(result.landings):
        again = f", attempt {landing.attempt}" if landing.attempt > 1 else ""
        lines.append(f"●─╮ {landing.commit[:10]}  {landing.task}")
        lines.append(f"│ ● {landing.delivered[:10]}  {landing.teammate}{again}")
    lines.append(f"○   {result.base[:10]}  {result.target or 'base'}")
    return "\n".join(lines)


def junit(result: Report) -> str:
    """The report as JUnit XML: a test case for each task, failed unless it landed."""
    failed = [task for task in result.tasks if task.status in ("failed", "blocked") or task.proven is False]
    skipped = [task for task in result.tasks if task not in failed and not has_landed(task)]
    suite = ElementTree.Element(
        "testsuite",
        name=f"workbench {result.run}",
        tests=str(len(result.tasks)),
        failures=str(len(failed)),
        skipped=str(len(skipped)),
        time=f"{result.seconds:.1f}",
        timestamp=result.started,
    )
    for task in result.tasks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=result.run, name=task.id, time=f"{task.seconds:.1f}"
        )
        if task in failed:
            ElementTree.SubElement(case, "failure", message=task.reason or _status(task))
        elif task in skipped:
            ElementTree.SubElement(case, "skipped", message=task.reason or task.status)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"
