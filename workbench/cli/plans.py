"""check and approve."""

from __future__ import annotations

import json as jsonlib
import shlex
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.findings import show_findings
from workbench.cli.outcome import explain
from workbench.composition import planning
from workbench.composition.drafting import around as around_of
from workbench.composition.place import Place, open_place
from workbench.composition.roles import roles_of
from workbench.core import plan as plans
from workbench.core.models import Plan, Role
from workbench.core.plan.review import NOWHERE, Circumstances, as_data, review
from workbench.core.roles import Remark, in_words
from workbench.errors import PlanError, UsageError


def check_plan(path: Path, repo: Path, *, json: bool) -> int:
    """Print a plan's tasks and graph, or every problem with its line; gives the exit code."""
    text = planning.read_text(path)
    structured = plans.is_structured(text)
    try:
        plan = plans.parse(text, str(path)) if structured else plans.split(text, str(path))
        place, around = run_async(_surroundings(repo))
        roles, remarks = _roles(place, plan, path)
    except PlanError as error:
        if not json:
            raise
        problems = [{"line": p.line, "problem": p.sentence, "hint": p.hint} for p in error.problems]
        print(jsonlib.dumps({"plan": str(path), "ok": False, "problems": problems}, indent=2))
        return error.exit_code
    findings = review(plan, around) if structured else ()
    approved = _approved(path, text, plan, place) if structured else None
    if json:
        found = {"plan": str(path), "ok": True, "structured": structured, "approved": approved}
        found |= {"roles": [role.model_dump(mode="json") for role in roles]}
        found |= {"remarks": [str(remark) for remark in remarks]}
        found |= {"warnings": [as_data(finding) for finding in findings]}
        print(jsonlib.dumps(found | plan.model_dump(mode="json"), indent=2))
        return 0
    print(plans.summary(plan))
    for role in roles:
        print(f"role {in_words(role)}")
    for remark in remarks:
        explain(str(remark))
    show_findings(findings, path)
    if not structured:
        explain(
            "this plan has no tasks section; above is how its own structure splits it",
            f"`workbench run {shlex.quote(str(path))}` splits it (by Claude, if that is the agent) and"
            " writes it beside this",
        )
    elif not approved:
        explain("not approved yet", f"workbench approve {shlex.quote(str(path))}")
    return 0


async def _surroundings(repo: Path) -> tuple[Place | None, Circumstances]:
    """The repository, and what it says about a plan; outside of one there is nothing to ask."""
    try:
        place = await open_place(repo)
    except UsageError:
        return None, NOWHERE
    return place, await around_of(place)


def _approved(path: Path, text: str, plan: Plan, place: Place | None) -> bool | None:
    """Whether the plan is approved here; None outside a repository."""
    ready = planning.ReadyPlan(path, text, plan, plans.sha256(text))
    return None if place is None else place.approved(ready.sha256)


def _roles(place: Place | None, plan: Plan, path: Path) -> tuple[tuple[Role, ...], list[Remark]]:
    """The roles that the plan uses, at the commit from which it would run."""
    if place is None or not any(task.role for task in plan.tasks):
        return (), []

    async def found() -> tuple[tuple[Role, ...], list[Remark]]:
        return await roles_of(place, plan, None, str(path))

    return run_async(found())


def approve_plan(path: Path, repo: Path) -> int:
    """Record the approval of exactly this text; gives the exit code."""
    place = run_async(open_place(repo))
    text = planning.read_text(path)
    if not plans.is_structured(text):
        beside = planning.split_path(path)
        raise UsageError(
            f"{path} has no tasks section, so there is nothing to approve yet.",
            f"`workbench run {shlex.quote(str(path))}` splits it into {beside}; approve that.",
        )
    ready = planning.read_plan(path)
    planning.approve(place, ready)
    count = len(ready.plan.tasks)
    print(f"approved {path}: {count} task{'' if count == 1 else 's'}, sha256 {ready.sha256[:16]}")
    return 0
