"""What a brief is made of: the values its template is filled with. Pure; rendering is an adapter's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from workbench.core.approvals import approver, turned_down
from workbench.core.heeding import heeds
from workbench.core.mail import MessageKind
from workbench.core.mailing import answered, members, words
from workbench.core.state import AttemptState, RunState, TaskStatus

TEST = re.compile(r"(?:^|[/_.\-])(?:tests?|spec|__tests__)(?:[/_.\-]|$)|Tests?\.\w+$", re.IGNORECASE)
"""What a path looks like that holds tests, in most languages."""


def brief_values(
    state: RunState,
    attempt: AttemptState,
    conflicts: tuple[str, ...],
    notes: Sequence[Mapping[str, str]] = (),
) -> Mapping[str, object]:
    """Everything the brief of ``attempt`` may say; ``conflicts`` are the files that hold conflict
    markers in its worktree now, ``notes`` the shared notes that matter, as ``core.recall.shown`` has them."""
    plan = state.plan
    assert plan is not None, "an attempt belongs to a started run"
    task = state.tasks[attempt.task]
    return {
        "run": state.run,
        "task": task.spec,
        "attempt": attempt.number,
        "teammate": attempt.teammate,
        "teammates": [name for name in members(state) if name != attempt.teammate],
        "plan_title": plan.title,
        "context": plan.context,
        "contract": plan.contract,
        "gates": state.gates_of(attempt.task),
        "why": attempt.why,
        "evidence": task.evidence if attempt.why != "first" else "",
        "conflicts": conflicts,
        "collided": task.conflicts,
        "hunks": task.evidence if attempt.why == "conflict" else "",
        "failing": task.failing if attempt.why == "rejected" else (),
        "other_tests": other_tests(state, task.others),
        "others": [state.tasks[name].spec for name in task.others],
        "landed": [spec.spec for spec in state.tasks.values() if spec.status is TaskStatus.LANDED],
        "left_out": [
            state.tasks[name].spec
            for name in task.spec.after
            if state.tasks[name].status is TaskStatus.SKIPPED
        ],
        "messages": [words(state, state.mail[letter]) for letter in attempt.mail],
        "answered": [
            {"question": asked.text, "sender": answer.sender, "text": answer.text}
            for asked, answer in answered(state, attempt.task)
            if answer.id not in attempt.mail and asked.kind is MessageKind.QUESTION
        ],
        **_planning(state, attempt),
        "notes": notes,
        "agent": tools_of(state, attempt.teammate),
        "role": state.roles.get(task.spec.role) if heeds(state) else None,
    }


def _planning(state: RunState, attempt: AttemptState) -> Mapping[str, object]:
    """What the brief says of a task that is planned first: who approves, what was turned down, what holds."""
    task = state.tasks[attempt.task]
    latest = turned_down(state, attempt.task) if attempt.planning else None
    plan, answer = latest or (None, None)
    return {
        "approver": approver(state, task) if attempt.planning else "",
        "approved": task.approved,
        "turned_down": plan.text if plan is not None else "",
        "feedback": answer.text if answer is not None else "",
    }


def tools_of(state: RunState, teammate: str) -> str:
    """By what a teammate reports: the tools that Claude Code is given, or the command line."""
    own = state.settings.agent == "claude" and not state.teammates[teammate].external
    return "claude" if own else "command"


def other_tests(state: RunState, others: Iterable[str]) -> list[str]:
    """Test files among what ``others`` changed, by their names."""
    paths = {path for name in others for path in state.task(name).files}
    return sorted(path for path in paths if TEST.search(path))


def snapshot_message(attempt: AttemptState, title: str) -> str:
    """The message of the commit that workbench makes of work left uncommitted."""
    return (
        f"{title}\n\nLeft uncommitted by {attempt.teammate}; committed by workbench.\n\n"
        f"Workbench-Task: {attempt.task}\nWorkbench-Attempt: {attempt.number}\n"
        f"Workbench-Teammate: {attempt.teammate}\nWorkbench-Snapshot: true\n"
    )


def landing_message(state: RunState, task: str, rung: str = "") -> str:
    """The message of a landing's merge commit, with the trailers that make the proof readable. ``rung``
    is what settled its conflict, if it had one."""
    standing = state.tasks[task]
    attempt = state.attempts[task, standing.delivered_by]
    return (
        f"Land {task}: {standing.spec.title}\n\n"
        f"Workbench-Run: {state.run}\nWorkbench-Task: {task}\n"
        f"Workbench-Attempt: {attempt.number}\nWorkbench-Teammate: {attempt.teammate}\n"
    ) + (f"Workbench-Resolved: {rung}\n" if rung else "")


def undo_message(state: RunState, task: str, landing: str) -> str:
    """The message of the commit that takes a landing off the integration branch again."""
    return (
        f"Undo {task}: {state.tasks[task].spec.title}\n\n"
        f"Takes what landed as {landing} off the branch; that commit stays in its history.\n\n"
        f"Workbench-Run: {state.run}\nWorkbench-Undo: {task}\nWorkbench-Landing: {landing}\n"
    )
