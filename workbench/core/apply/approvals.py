"""Plans that are submitted, approved, turned down and breached; tool uses that wait for somebody's word."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply.table import on
from workbench.core.mail import Message, MessageKind
from workbench.core.mailing import blocking
from workbench.core.state import AttemptState, RunState, TaskState


@on(e.PlanBreached)
def _plan_breached(state: RunState, event: e.PlanBreached, at: float) -> None:
    state.attempt(event.task, event.attempt).breach = event.reason


def submitted(message: Message, attempt: AttemptState | None) -> None:
    """A plan is on its way to who decides on it."""
    if message.kind is MessageKind.PLAN and attempt is not None:
        attempt.plans += 1
        attempt.asked = False


def answered(state: RunState, asked: Message, answer: Message) -> None:
    """Somebody decided on what was asked: a plan that was approved stays with its task."""
    if asked.kind is not MessageKind.PLAN:
        return
    task = state.task(asked.task)
    if answer.decision == "yes":
        task.approved, task.turned_down = asked.text, 0
    else:
        task.turned_down += 1
    attempt = state.working.get((asked.task, task.attempt))
    if attempt is not None and answer.decision == "yes":
        attempt.planning = False


def moot(state: RunState, task: TaskState) -> None:
    """The task is another one now: a plan for it as it was is not one for it as it is."""
    task.approved, task.turned_down = "", 0
    for name in [name for name, ask in state.asks.items() if ask.message.kind is MessageKind.PLAN]:
        if state.asks[name].message.task == task.spec.id:
            del state.asks[name]


def note_wait(state: RunState, attempt: AttemptState | None) -> None:
    """Say of an attempt at work whom it waits for, which may have changed."""
    if attempt is not None:
        ask = blocking(state, attempt)
        attempt.waits_on = ask.to if ask is not None else ""
