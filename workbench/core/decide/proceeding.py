"""Three questions that come up again and again, and have one answer each: who can start, what lands
next, is the run over."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import allocation, leading, mailing, merge, pacing
from workbench.core import events as e
from workbench.core.decide import held
from workbench.core.decide.table import Actions
from workbench.core.held import asked as asked_about
from workbench.core.held import held as held_back
from workbench.core.mail import MessageKind
from workbench.core.models import BUDGET_SPENT
from workbench.core.state import Phase, RunState, TaskStatus
from workbench.core.team import deserted

ON_ITS_WAY = frozenset({TaskStatus.DELIVERED, TaskStatus.LANDING})
"""What is in the queue may be there for a second time: its publication was lost, or cut short."""

RUN_OVER = "the run is over"


def may_start(state: RunState) -> bool:
    """Whether new attempts may begin at all: base proven, not stopping, money left."""
    return bool(state.base_green) and not state.stopping and not poor(state)


def poor(state: RunState) -> bool:
    """Whether nothing is left of the run's budget."""
    budget = state.settings.budget_usd
    return budget is not None and state.cost_usd >= budget


def start(state: RunState) -> Actions:
    """Pair startable tasks, best first, with free teammates, as ``allocation`` chooses; a task waits for whom
    it prefers when that one is just closing."""
    if not may_start(state) or state.paused or not state.free or not state.startable:
        return []
    places = pacing.places(state)
    names = list(state.teammates)
    free = [names[index] for index in state.free]
    pairs: Actions = []
    held = mailing.held(state)
    closing = {attempt.teammate for attempt in state.working.values() if attempt.phase is Phase.CLOSING}
    for name in allocation.given_first(state):
        if not free or len(pairs) >= places:
            break
        task = state.tasks[name]
        if task.later is not None and task.later.holds(state.at):
            continue
        if name in held:  # it goes on when the answer is there
            continue
        if (name, task.attempt) in state.working:  # its processes are about to be gone
            continue
        given = allocation.given_to(state, name)
        if given is not None and given not in free:  # a person wants that one at it, and nobody else
            continue
        if given is None and task.prefers in closing:  # free in a moment, and AttemptEnded asks again
            continue
        if name in state.pairing:  # its brief is to say what it collides with
            continue
        if any(state.task(other).status in ON_ITS_WAY for other in task.others):
            continue  # a fix-up begins on top of the other side, which is about to be published
        choice = allocation.choose(state, task, free, state.begun + len(pairs))
        teammate = choice.teammate
        free.remove(teammate)
        why, session = task.why, task.session
        if teammate != task.prefers or state.teammates[teammate].held != name:
            # its session is someone else's, or its worktree holds other work by now
            why, session = ("retry" if why == "continued" else why), None
        number, carry = task.attempt + 1, task.carry
        pairs.append(a.StartAttempt(name, teammate, number, why, carry, session, choice.because))
    return pairs


def land(state: RunState) -> Actions:
    """Take the next delivered tasks to be merged, unless a stop was asked for."""
    if state.stopping or not (names := merge.next_batch(state)):
        return []
    return [a.BuildBatch(names, tuple(state.task(name).commit or "" for name in names))]


def finish(state: RunState) -> Actions:
    """End the run when nothing is in flight and nothing more can be. Who came from outside leaves first, who
    wanted to come need not wait, and last goes its lead, if that is there."""
    over = _over(state)
    return _farewell(state) or ([a.EndLead()] if state.lead.up else over) if over else []


def _farewell(state: RunState) -> Actions:
    for mate in state.teammates.values():
        if mate.external and not mate.left:
            return [a.Declare(e.TeammateLeft(name=mate.name, reason=RUN_OVER))]
    for ask in state.asks.values():
        if ask.message.kind is MessageKind.JOIN:
            no = mailing.answer_by_workbench(ask.message, RUN_OVER, "no")
            return [a.Declare(e.MessageSent(message=mailing.message(state, no)))]
    return []


def _over(state: RunState) -> Actions:
    if state.working or state.landing is not None or state.finished:
        return []
    if state.pairing and not state.stopping:
        return []
    landed = sum(task.status is TaskStatus.LANDED for task in state.tasks.values()) if state.stopping else 0
    if state.stopping and landed < len(state.tasks):
        return [a.Declare(e.RunFinished(outcome="stopped", reason=state.stopping))]
    kept = held_back(state)
    if len(kept) < len(state.queue) or not state.base_green:  # the branch is made once the base is green
        return []
    if state.paused and state.over < len(state.tasks):  # a person lets it go on, or stops it
        return []
    if may_start(state) and (state.startable or kept):
        open_asks = mailing.held(state)
        waiting = [open_asks.get(name) for _, name in state.startable]
        waiting += [asked_about(state, name) for name in kept]
        asks = [ask.message for ask in waiting if ask is not None]
        if len(asks) < len(waiting) or any(ask.hold is not None for ask in waiting if ask is not None):
            alone = deserted(state)
            return [a.Declare(e.RunFinished(outcome="stopped", reason=alone))] if alone else []
        waits = "; ".join(f"{ask.id}, a {ask.kind} of {ask.sender} ({ask.task})" for ask in asks[:4])
        reason = f"{mailing.UNANSWERED}: {waits}" + ("; …" if len(asks) > 4 else "")
        return [a.Declare(e.RunFinished(outcome="stopped", reason=reason))]
    if state.over < len(state.tasks):
        if may_start(state):
            return []
        return [a.Declare(e.RunFinished(outcome="stopped", reason=BUDGET_SPENT))]
    missing = [name for name, task in state.tasks.items() if task.status is not TaskStatus.LANDED]
    keep = kept_worktrees(state)
    if not missing:
        return [a.Declare(e.RunFinished(outcome="landed")), a.Tidy(keep)]
    reason = f"{len(missing)} of {len(state.tasks)} tasks did not land: {', '.join(missing[:8])}"
    return [a.Declare(e.RunFinished(outcome="incomplete", reason=reason)), a.Tidy(keep)]


def kept_worktrees(state: RunState) -> tuple[str, ...]:
    """The teammates whose worktrees stay when the run is over: all where that is wished, otherwise who
    worked on what did not land."""
    if state.settings.keep_worktrees:
        return tuple(state.teammates)
    missing = [name for name, task in state.tasks.items() if task.status is not TaskStatus.LANDED]
    return tuple(attempt.teammate for attempt in state.attempts.values() if attempt.task in missing)


def wake(state: RunState) -> Actions:
    """Come back when time has passed that something waits for: a task, if nothing else may let it start, or
    who asked something, or the lead that failed."""
    holds = [ask.hold for ask in state.asks.values()] if not state.stopping else []
    if may_start(state) and state.startable and not state.paused:
        holds.append(pacing.waits(state))
    lead = state.lead
    if state.led and not lead.up and not state.stopping and leading.wanted(state):
        holds.append(lead.later if lead.later is not None and lead.later.holds(state.at) else None)
    found = [hold for hold in holds if hold is not None]
    return [a.Wake(min(found, key=lambda hold: hold.until))] if found else []


def go_on(state: RunState) -> Actions:
    return held.settle(state) or (start(state) + land(state) or finish(state)) + wake(state)
