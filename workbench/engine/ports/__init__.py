"""What the engine needs from the world, written by its caller: small protocols, plain values.

Adapters fulfil them; ``workbench.testing`` holds fakes that pass the same contract tests. No vendor's
type crosses a port. Every coroutine may be cancelled; what that leaves behind is said at each.

    agents      teammates: what they are given, and what they report
    briefs      prompts
    conflicts   the rungs of the conflict ladder that need no model
    events      the event log, and the way to the loop
    examining   what in work needs a person
    gates       what says whether a tree is green
    git         the user's repository
    guard       the parts of it that no attempt has business with
    lead        who leads a team, and what with
    machine     how much fits into memory
    markers     what teammates drop in their worktrees
    names       what in source code others can use
    notes       what teams share
    planfiles   the plan as files
    requests    what people ask for
    worktrees   where teammates, gates and leads have their files

Each is imported when something of it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

PARTS = {
    "agents": (
        "Acted",
        "Agent",
        "AgentReport",
        "Assignment",
        "Consult",
        "Denied",
        "Ended",
        "Heard",
        "Letter",
        "Retried",
        "Ruling",
        "Said",
        "Started",
    ),
    "briefs": ("Briefs",),
    "conflicts": ("Clash", "Proposal", "Resolver"),
    "events": ("Emit", "Store"),
    "examining": ("Examiner", "Leak"),
    "gates": ("Gates",),
    "git": ("Conflicted", "Git", "Merged"),
    "guard": ("Guard",),
    "lead": ("Desk", "Lead", "Outcome", "Seat"),
    "machine": ("Room", "Roomy"),
    "markers": ("Dropped", "Markers"),
    "names": ("Names", "Versions"),
    "notes": ("Notes",),
    "planfiles": ("PlanFile", "PlanFiles"),
    "requests": ("Requested", "Requests"),
    "worktrees": ("Checkouts", "Collected", "Prepared", "Worktrees"),
}
"""Which module holds what. For type checkers it is said once more below."""

if TYPE_CHECKING:
    from workbench.engine.ports.agents import (
        Acted,
        Agent,
        AgentReport,
        Assignment,
        Consult,
        Denied,
        Ended,
        Heard,
        Letter,
        Retried,
        Ruling,
        Said,
        Started,
    )
    from workbench.engine.ports.briefs import Briefs
    from workbench.engine.ports.conflicts import Clash, Proposal, Resolver
    from workbench.engine.ports.events import Emit, Store
    from workbench.engine.ports.examining import Examiner, Leak
    from workbench.engine.ports.gates import Gates
    from workbench.engine.ports.git import Conflicted, Git, Merged
    from workbench.engine.ports.guard import Guard
    from workbench.engine.ports.lead import Desk, Lead, Outcome, Seat
    from workbench.engine.ports.machine import Room, Roomy
    from workbench.engine.ports.markers import Dropped, Markers
    from workbench.engine.ports.names import Names, Versions
    from workbench.engine.ports.notes import Notes
    from workbench.engine.ports.planfiles import PlanFile, PlanFiles
    from workbench.engine.ports.requests import Requested, Requests
    from workbench.engine.ports.worktrees import Checkouts, Collected, Prepared, Worktrees
else:  # not for type checkers: to them any name would be there
    LATER = {name: part for part, names in PARTS.items() for name in names}

    def __getattr__(name: str) -> object:
        if name not in LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{LATER[name]}"), name)
        return found


__all__ = [
    "Acted", "Agent", "AgentReport", "Assignment", "Briefs", "Checkouts", "Clash", "Collected",
    "Conflicted", "Consult", "Denied", "Desk", "Dropped", "Emit", "Ended", "Examiner", "Gates", "Git",
    "Guard", "Heard", "Lead", "Leak", "Letter", "Markers", "Merged", "Names", "Notes", "Outcome",
    "PlanFile", "PlanFiles", "Prepared", "Proposal", "Requested", "Requests", "Resolver", "Retried",
    "Room", "Roomy", "Ruling", "Said", "Seat", "Started", "Store", "Versions", "Worktrees",
]  # fmt: skip
