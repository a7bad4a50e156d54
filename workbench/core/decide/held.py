"""What follows from work that may land only with a person's word."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import held
from workbench.core.decide.requests import send
from workbench.core.decide.table import Actions
from workbench.core.state import Landing, RunState


def settle(state: RunState) -> Actions:
    """Ask about the first held task that nobody was asked about, or send back the first that got a no. The
    event that comes of it asks for the next."""
    for name in state.queue:
        task = state.tasks[name]
        if not task.touches:
            continue
        if task.no:
            words = state.mail[task.no].text
            refused = e.ChangeRefused(
                task=name,
                evidence=held.verdict(task, words),
                final=held.final(state, task),
                tainted=held.leaks(task.touches),
            )
            return [a.Declare(refused)]
        if held.asked(state, name) is None:
            return send(state, held.draft(state, task))
    return []


def set_aside(state: RunState, landing: Landing) -> Actions:
    """Drop a landing whose merges change what nobody has seen; the others in it are taken again."""
    found = held.surprises(state, landing)
    if not found:
        return []
    aside = [a.Declare(e.MergeHeld(task=task, touches=touches)) for task, touches in found.items()]
    return [*aside, a.Declare(e.LandingDropped())]
