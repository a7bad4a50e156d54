"""The run itself: begun, resumed, stopped, finished."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core import graph, merge
from workbench.core.apply.moves import confirmed, learn, move, offer, refuted
from workbench.core.apply.table import on
from workbench.core.apply.team import forsake
from workbench.core.pace import Pace
from workbench.core.state import RunState, TaskState, TeammateState
from workbench.errors import IllegalEvent


@on(e.RunStarted)
def _run_started(state: RunState, event: e.RunStarted, at: float) -> None:
    if state.plan is not None:
        raise IllegalEvent("a run starts once")
    tasks = event.plan.tasks
    ranks, followers = graph.ranks(tasks), graph.followers(tasks)
    state.plan, state.settings = event.plan, event.settings
    state.approved, state.plan_file = event.plan, event.plan_file
    state.plan_path, state.plan_sha256 = event.plan_path, event.plan_sha256
    state.base, state.base_tree, state.tip = event.base, event.base_tree, event.base
    state.target, state.integration = event.target, event.integration
    state.environment = event.environment
    state.protection = event.protection
    state.roles = {role.name: role for role in event.roles}
    state.started_at = state.resumed_at = at
    state.pace.room = event.room
    state.trust = event.trust
    state.dependents = graph.dependents(tasks)
    for index, spec in enumerate(tasks):
        state.tasks[spec.id] = TaskState(spec, index, ranks[spec.id], set(spec.after), followers[spec.id])
    for index, name in enumerate(event.settings.team):
        state.teammates[name] = TeammateState(name, index)
    state.free = list(range(len(event.settings.team)))
    state.batch = min(merge.FIRST_BATCH, event.settings.batch)
    for task in state.tasks.values():
        if not task.unmet:
            move(state, task, "release")
            offer(state, task)


@on(e.BaseChecked)
def _base_checked(state: RunState, event: e.BaseChecked, at: float) -> None:
    state.base_flakes = tuple(refuted(state, event.verdicts))
    state.base_red_twice = any(confirmed(state, event.verdicts))
    learn(state, event.verdicts)
    state.base_green = all(verdict.green for verdict in event.verdicts)


@on(e.RunResumed)
def _run_resumed(state: RunState, event: e.RunResumed, at: float) -> None:
    if state.working:
        raise IllegalEvent("a run cannot be resumed while attempts are unaccounted for")
    if state.landing is not None:
        raise IllegalEvent(
            f"a run cannot be resumed while the landing of {', '.join(state.landing.tasks)} is open"
        )
    if state.lead.up:
        raise IllegalEvent("a run cannot be resumed while its lead is unaccounted for")
    if state.undoing:
        raise IllegalEvent("a run cannot be resumed while what was being undone is unaccounted for")
    if state.over_for_good:
        raise IllegalEvent(f"the run is over: {state.outcome}")
    state.stopping = state.login = state.reason = ""
    state.lead.begin_anew()
    state.pace = Pace(warned=state.pace.warned if event.budget_usd is None else set(), room=event.room)
    if state.outcome is None:  # it was cut short: what it did until its last record counts
        state.active_seconds += max(0.0, state.at - state.resumed_at)
    state.outcome, state.ended_at, state.stops, state.trouble = None, None, 0, 0
    state.resumed_at = at
    state.trust = event.trust or state.trust
    state.paused = False  # whoever resumes wants it to go on
    forsake(state)
    state.pairing.clear()  # a search that was cut short is not worth going on with
    state.environment = event.environment or state.environment
    state.protection = event.protection or state.protection
    if event.budget_usd is not None:
        state.settings = state.settings.model_copy(update={"budget_usd": event.budget_usd})


@on(e.StopRequested)
def _stop_requested(state: RunState, event: e.StopRequested, at: float) -> None:
    state.stopping = state.stopping or event.reason
    state.stops += 1


@on(e.RunFinished)
def _run_finished(state: RunState, event: e.RunFinished, at: float) -> None:
    if state.working:
        raise IllegalEvent("a run cannot finish while attempts are live")
    if state.lead.up:
        raise IllegalEvent("a run cannot finish while its lead is at work")
    if state.landing is not None:
        raise IllegalEvent(f"a run cannot finish while {', '.join(state.landing.tasks)} is being landed")
    state.outcome, state.reason = event.outcome, event.reason
    state.ended_at = at
    state.active_seconds += max(0.0, at - state.resumed_at)
