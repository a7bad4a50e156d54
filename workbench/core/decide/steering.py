"""What people ask of the run itself and of its tasks: pausing, trying again, leaving out."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.decide.mail import settled
from workbench.core.decide.proceeding import go_on
from workbench.core.decide.requests import Refused, carries
from workbench.core.decide.table import Actions, after
from workbench.core.requests import Pause, Retry, Skip, Unpause
from workbench.core.state import TASK_MOVES, RunState, TaskState, TaskStatus

T = TaskStatus


@carries(Pause)
def _pause(state: RunState, event: e.RequestMade, request: Pause) -> Actions:
    if state.finished or state.stopping:
        raise Refused("The run is not going on.", "`workbench status` says where it stands.")
    if state.paused:
        raise Refused("The run is paused already.", "`workbench resume` lets it go on.")
    return [a.Declare(e.RunPaused(by=event.by))]


@carries(Unpause)
def _unpause(state: RunState, event: e.RequestMade, request: Unpause) -> Actions:
    if state.finished or not state.paused:
        raise Refused("The run is not paused.", "`workbench status` says where it stands.")
    return [a.Declare(e.RunUnpaused(by=event.by))]


@carries(Retry)
def _retry(state: RunState, event: e.RequestMade, request: Retry) -> Actions:
    task = _task(state, request.task, "again")
    if (task.status, "again") not in TASK_MOVES:
        raise Refused(
            f"{request.task} is {task.status}: there is nothing to try again.", _instead(state, task)
        )
    if task.status is not T.SKIPPED and task.unmet:
        first = min(task.unmet)
        raise Refused(
            f"{request.task} waits for {first}, which {state.task(first).status.stands}.",
            f"Bring that in first: `workbench resolve {first}` says how.",
        )
    return [a.Declare(e.TaskRetried(task=request.task, by=event.by))]


@carries(Skip)
def _skip(state: RunState, event: e.RequestMade, request: Skip) -> Actions:
    task = _task(state, request.task, "skip")
    if task.status is T.RUNNING:
        raise Refused(
            f"{request.task} is being worked on.",
            "Wait until its attempt is over, or `workbench stop` the run, skip the task, and resume.",
        )
    if (task.status, "skip") not in TASK_MOVES:
        raise Refused(f"{request.task} is {task.status}: it is not left out any more.", _instead(state, task))
    return [a.Declare(e.TaskSkipped(task=request.task, by=event.by))]


def _task(state: RunState, name: str, move: str) -> TaskState:
    """The task that is meant; Refused when the run has none of that name."""
    if name in state.tasks:
        return state.tasks[name]
    fit = [it for it, task in state.tasks.items() if (task.status, move) in TASK_MOVES]
    hint = f"It could be {', '.join(fit[:8])}{', …' if len(fit) > 8 else ''}." if fit else ""
    raise Refused(f"The run has no task {name!r}.", hint or "`workbench status` lists them.")


def _instead(state: RunState, task: TaskState) -> str:
    """What a person can do with a task where it stands."""
    name = task.spec.id
    match task.status:
        case T.LANDED:
            return f"`workbench undo {name}` takes it off the branch again, once the run is not going on."
        case T.UNDONE:
            return f"`workbench resolve {name}` says how to bring it back."
        case T.HELD:
            return f"It {task.reason}: take that up first."
        case T.SKIPPED:
            return f"`workbench retry {name}` takes it up again."
        case _:
            return "`workbench status` says how far it is."


@after(e.RunUnpaused, e.TaskRetried, e.TaskSkipped)
def _steered(state: RunState, event: e.Event) -> Actions:
    return settled(state) or go_on(state)
