"""The plan files of a run that no process holds, brought up to what was done to it."""

from __future__ import annotations

from functools import partial

from workbench.composition.place import Place
from workbench.core.state import RunState


async def show_plan(place: Place, state: RunState) -> None:
    """Set the boxes as the state has them, in the user's file where the run was to. Nothing is proposed: what
    somebody wrote there is taken up when the run goes on."""
    own = place.plan_file(state.run)
    if not own.exists():  # cleaned away, or the run is older than such files
        return
    from workbench.adapters.planfiles import PlanFolder
    from workbench.composition.planning import approve_ticked
    from workbench.engine.planfiles import PlanView

    view = PlanView(state, PlanFolder(own, partial(approve_ticked, place)), lambda event: None)
    view.close()
    await view.go()
