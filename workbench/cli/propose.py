"""propose: a run goes on by another plan, if that is approved."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.cli.printable import printable
from workbench.composition import planning
from workbench.composition.place import open_place
from workbench.composition.requesting import Requested, ask
from workbench.core import events as e
from workbench.core.changes import gist
from workbench.core.requests import PLAN_LIMIT, ProposeChange
from workbench.errors import UsageError


def propose(plan: Path, run: str | None, repo: Path, *, yes: bool, json: bool) -> int:
    """Ask for another plan; gives the exit code. Raises UsageError for what cannot be asked."""
    text = planning.read_text(plan)
    if not text or len(text) > PLAN_LIMIT:
        what = "too large to be proposed so" if text else "empty"
        raise UsageError(f"{plan} is {what}.", "Change the plan file of the run instead.")
    request = ProposeChange(text=text, name=str(plan), source=str(plan.resolve()), approved=yes)

    async def main() -> Requested:
        return await ask(await open_place(repo), run, request)

    asked = run_async(main())
    change = asked.event.change if isinstance(asked.event, e.PlanChangeProposed) else None
    if json:
        told = {"request": asked.id, "run": asked.run, "taken": change is not None}
        print(jsonlib.dumps(told | {"change": gist(change) if change is not None else None}))
    elif change is None:
        explain(f"run {asked.run} is not going on: this is kept until it is", f"workbench resume {asked.run}")
    else:
        print(printable(f"{asked.run}: {gist(change)}"))
        if not yes:
            explain("it is asked about", "`workbench inbox` shows it in full, with the command to answer")
    return 0
