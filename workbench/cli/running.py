"""run, rehearse and resume."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.ci.step import as_step
from workbench.cli.ci.surroundings import surroundings
from workbench.cli.display import open_display
from workbench.cli.driving import drive, looked_at, run_async
from workbench.cli.outcome import explain
from workbench.cli.trust import asking, say_standing, say_withheld
from workbench.composition import planning
from workbench.composition.ahead import SOON, import_ahead
from workbench.composition.deadline import deadline
from workbench.composition.place import Place, open_place
from workbench.composition.requesting import is_paused
from workbench.composition.runs import Run, resume_run, start_run
from workbench.core import plan as plans
from workbench.errors import UsageError, WorkbenchError

if TYPE_CHECKING:
    from workbench.cli.ci.leaving import Step
    from workbench.core.report import Report


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for."""

    plan: Path
    repo: Path
    overrides: Mapping[str, object]
    base: str | None = None
    run_id: str | None = None
    no_gates: bool = False
    yes: bool = False
    headless: bool = False
    json: bool = False
    ci: bool | None = None
    junit: Path | None = None


def run_plan(wanted: Wanted) -> int:
    """Run an approved plan to its end; gives the exit code."""

    async def main() -> int:
        import_ahead(SOON)
        place = await open_place(wanted.repo, **wanted.overrides)
        ready = await planning.structured(place, wanted.plan)
        if ready.split_from is not None:
            explain(f"{ready.split_from} has no tasks section; it was split into {ready.path}:")
            explain(plans.summary(ready.plan))
        if wanted.yes:
            planning.approve(place, ready)
        else:
            planning.demand_approval(place, ready)
        opening = start_run(
            place,
            ready,
            base=wanted.base,
            run_id=wanted.run_id,
            no_gates=wanted.no_gates,
            ask=asking(wanted.headless, wanted.json),
        )
        return await go(place, opening, wanted.headless, wanted.json, step, wanted.junit)

    with as_step(surroundings(wanted.ci, wanted.junit)) as step:
        return run_async(main())


def rehearse_plan(wanted: Wanted, script_file: Path | None) -> int:
    """Run a plan with the scripted model; gives the exit code."""

    from workbench.rehearsal.author import author
    from workbench.rehearsal.script import load

    async def main() -> int:
        # What the built-in script plans is nobody's to approve.
        unseen = {} if script_file else {"on_plan": "approve"}
        place = await open_place(wanted.repo, **wanted.overrides, **unseen)
        if place.settings.agent != "claude":
            raise UsageError(
                "A rehearsal scripts Claude's model, and the agent here is a command.",
                "Run the command itself on a copy of the repository instead.",
            )
        text = planning.read_text(wanted.plan)
        plan = plans.parse(text, str(wanted.plan)) if plans.is_structured(text) else plans.split(text)
        ready = planning.ReadyPlan(wanted.plan, text, plan, plans.sha256(text))
        script = load(planning.read_text(script_file)) if script_file else author(plan)
        opening = start_run(
            place,
            ready,
            base=wanted.base,
            run_id=wanted.run_id,
            no_gates=wanted.no_gates,
            script=script,
            ask=asking(wanted.headless, wanted.json),
        )
        return await go(place, opening, wanted.headless, wanted.json, step, wanted.junit)

    with as_step(surroundings(wanted.ci, wanted.junit)) as step:
        return run_async(main())


def resume(
    run: str | None,
    repo: Path,
    budget_usd: float | None,
    *,
    headless: bool,
    json: bool,
    deadline_minutes: float | None = None,
    ci: bool | None = None,
    junit: Path | None = None,
) -> int:
    """Go on with a run; gives the exit code."""

    async def main() -> int:
        place = await open_place(repo, deadline_minutes=deadline_minutes)
        if is_paused(place, run):
            from workbench.cli.asking import unpause

            if budget_usd is not None:
                raise UsageError(
                    "The budget of a run that is going on cannot be changed.",
                    "`workbench stop` it first, and resume it with the budget; or resume without.",
                )
            return await unpause(place, run, json=json)
        ask = asking(headless, json)
        opening = resume_run(place, run, budget_usd=budget_usd, say=explain, ask=ask)
        return await go(place, opening, headless, json, step, junit)

    with as_step(surroundings(ci, junit)) as step:
        return run_async(main())


async def go(
    place: Place,
    opening: AbstractAsyncContextManager[Run],
    headless: bool,
    json: bool,
    step: Step | None = None,
    junit: Path | None = None,
) -> int:
    """Let the run that ``opening`` opens go to its end, with report and advice; gives the exit code. ``step``
    is there where this is one of a job, ``junit`` a file for test results."""
    if junit is not None and step is None:  # before anything is spent
        _demand_file(junit)
    began, minutes = time.monotonic(), place.settings.deadline_minutes
    if minutes is None:
        minutes = step.around.minutes if step is not None else 0.0
    if step is not None and not json:
        display = step.display()
    else:
        display = open_display(json=json, headless=headless, plain=place.settings.plain, viewed=place.root)
    async with looked_at(display), opening as run:
        say_standing(run.trust)
        if (found := run.world.protection) is not None:
            say_withheld(found.withheld, found.file)
        if step is not None:
            step.run = run.id
        with deadline(run, minutes, time.monotonic() - began):
            result, code = await drive(place, run, display)
    if step is None and not json:
        result, code = await _as_it_stands(place, run, result, code)
    if junit is not None and step is None:
        from workbench.cli.ci.leaving import write_junit

        try:
            write_junit(junit, result)
        except OSError as error:  # what became of the run is told all the same
            again = f"workbench report {result.run} --format junit"
            explain(f"{junit} cannot be written: {error.strerror}", f"{again} prints what belongs there")
    if step is not None:
        code = step.leave(run.state, result, place.root, place.worktrees(run.id), code)
    elif not json:
        from workbench.cli.results import print_report

        with contextlib.suppress(OSError):  # the reader went away; the exit code is still the run's
            print_report(result)
    if step is not None or not json:
        next_steps(result)
    return code


def _demand_file(wanted: Path) -> None:
    """Raise UsageError unless a file can be written there."""
    from workbench.composition.output import made

    if wanted.is_dir():
        raise UsageError(f"{wanted} is a folder.", "Name a file in it.")
    made(wanted.parent)


async def _as_it_stands(place: Place, run: Run, result: Report, code: int) -> tuple[Report, int]:
    """The report and the exit code once the viewer is closed: a landing may have been undone in it."""
    from workbench.composition.past import proven_report, read_from

    try:
        with place.reading() as store:
            if store.last(run.id) <= run.state.seq:
                return result, code
            state = read_from(store, run.id)
        result = await proven_report(place, state)
    except (WorkbenchError, OSError):  # what is known of it is told
        return result, code
    return result, code or int(not result.complete)


def next_steps(result: Report) -> None:
    """What a person can do now, in a line or two on stderr."""
    branch = result.integration.removeprefix("refs/heads/")
    if result.outcome == "stopped":
        from workbench.core.story.team import afresh

        explain(f"run {result.run} stopped: {result.reason}", afresh(result.run, result.reason))
        return
    if result.outcome == "refused":
        hint = "make the gate green on the base first, or choose another --base"
        if result.protection is not None and result.protection.gates:  # where it is green without
            hint += (
                ". It ran behind walls; if it is red for them, `gate_network` lets it reach the network, and"
                " `sandbox_write` and `sandbox_read` name places outside its worktree (/tmp is its own)"
            )
        explain(result.reason, hint)
        return
    if failed := [task.id for task in result.tasks if task.status in ("failed", "blocked")]:
        what = f"{', '.join(failed[:8])} did not land; what was made of it is kept"
        once_more = f"workbench retry {failed[0]}, then workbench resume {result.run} (tries it again)"
        explain(what, f"workbench resolve {failed[0]} (says how to bring it in yourself), or {once_more}")
    if result.landings:
        onto = result.target or "your branch"
        explain(f"the work is on {branch}; workbench wrote nothing to {onto}", _taking_over(result, branch))


def _taking_over(result: Report, branch: str) -> str:
    if result.scripted:
        return f"`git diff {result.base[:10]} {branch}` shows what the script wrote"
    where = "" if result.target else " --into BRANCH"
    return f"workbench land {result.run}{where} (or git merge {branch}; --pr opens a pull request)"
