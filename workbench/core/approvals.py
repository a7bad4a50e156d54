"""Tasks whose teammate plans first: what it may do before its plan is approved, and after. Pure."""

from __future__ import annotations

from workbench.core.mail import LEAD, PERSON, WORKBENCH, Message, MessageKind
from workbench.core.state import AttemptState, RunState, TaskState

MOST_PLANS = 3
"""Plans that may be turned down, one after the other, before an attempt is given up."""

NEVER = "it ended without a plan that was approved, so what it made is not landed"


def plans_first(task: TaskState) -> bool:
    """Whether the next attempt at a task may only read, until a plan of its own is approved. Once one is, or
    a person brought work in, it need not plan again."""
    return bool(task.spec.plan_by) and not task.approved and task.commit is None


def approver(state: RunState, task: TaskState) -> str:
    """Who is asked: the lead only where there is one."""
    return LEAD if task.spec.plan_by == "lead" and state.settings.lead else PERSON


def objection(state: RunState, attempt: AttemptState) -> str:
    """Why an attempt may not submit a plan now, as a sentence for its teammate; "" when it may."""
    if not attempt.planning:
        return "no plan is wanted of you, or yours is approved: go on with the task"
    open_plan = submitted(state, attempt)
    if open_plan is not None:
        return f"your plan {open_plan.id} waits for its answer; nobody reads another before that"
    return ""


def submitted(state: RunState, attempt: AttemptState) -> Message | None:
    """The plan for its task that waits for an answer, if there is one."""
    asked = (ask.message for ask in state.asks.values())
    return next((it for it in asked if it.kind is MessageKind.PLAN and it.task == attempt.task), None)


def turned_down(state: RunState, task: str) -> tuple[Message, Message] | None:
    """The latest plan for a task that was turned down, with the answer; None after one that was approved."""
    for asked, answer in reversed(state.answers.items()):
        plan = state.mail[asked]
        if plan.kind is MessageKind.PLAN and plan.task == task:
            said = state.mail[answer]
            return None if said.decision == "yes" else (plan, said)
    return None


def untold(state: RunState, attempt: AttemptState) -> bool:
    """Whether a plan of this attempt was decided on, and it was not told: it has had to go on reading."""
    asked = (state.mail.get(state.mail[name].reply_to) for name in state.teammates[attempt.teammate].unread)
    plans = (it for it in asked if it is not None and it.kind is MessageKind.PLAN)
    return any((plan.task, plan.attempt) == (attempt.task, attempt.number) for plan in plans)


def fault(state: RunState, attempt: AttemptState) -> str:
    """Why an attempt is given up for what it did about its plan; "" when it is not."""
    if attempt.breach:
        return attempt.breach
    if attempt.planning and state.task(attempt.task).turned_down >= MOST_PLANS:
        return f"{MOST_PLANS} plans of it were turned down"
    return ""


def feedback(state: RunState, task: str) -> str:
    """What was said when the latest plan for a task was turned down, as evidence for who tries next."""
    latest = turned_down(state, task)
    if latest is None or latest[1].sender == WORKBENCH:
        return ""
    return latest[1].text
