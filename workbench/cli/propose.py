"""propose: a run goes on by another plan, if that is approved."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path

from workbench.adapters.lock import owner
from workbench.adapters.requests import leave
from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.composition import planning
from workbench.composition.past import read_run
from workbench.composition.place import open_place
from workbench.core.changes import gist
from workbench.core.changing import applicable
from workbench.core.decide.changes import proposed, read
from workbench.core.requests import PLAN_LIMIT, ProposeChange
from workbench.errors import UsageError


def propose(plan: Path, run: str | None, repo: Path, *, yes: bool, json: bool) -> int:
    """Leave the request; gives the exit code. Raises PlanError and UsageError for what cannot be asked."""
    place = run_async(open_place(repo))
    text = planning.read_text(plan)
    if len(text) > PLAN_LIMIT:
        raise UsageError(
            f"{plan} is too large to be proposed so.", "Change the plan file of the run instead."
        )
    state = read_run(place, run)
    source = str(plan.resolve()) if str(plan.resolve()) == state.plan_file else ""
    wanted = proposed(state, source, read(text, str(plan), state.tasks))
    if wanted is None:
        raise UsageError(f"{plan} asks for nothing that is not so in run {state.run}.", "Was it saved?")
    fit, refused = applicable(state, wanted.change)
    if fit.empty:
        raise UsageError(f"Nothing of it can be done now. {' '.join(refused)}".strip())
    request = ProposeChange(text=text, name=str(plan), source=source, approved=yes)
    name = leave(place.requests(state.run), request)
    holder = owner(place.state_dir)
    going_on = holder is not None and holder.run == state.run
    if json:
        print(jsonlib.dumps({"request": name, "run": state.run, "change": gist(fit), "refused": refused}))
        return 0
    for sentence in refused:
        explain(f"not possible now: {sentence}")
    said = "approved" if yes else "to be approved: `workbench inbox` shows it in full"
    print(f"{state.run}: {gist(fit)} ({said})")
    if not going_on:
        explain("the run is not going on", f"`workbench resume {state.run}` takes it up")
    return 0
