"""What is to be said about a plan text: its problems, what it could be better at, whether it is approved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.composition.drafting import around as around_of
from workbench.composition.place import Place
from workbench.composition.roles import roles_of
from workbench.core import plan as plans
from workbench.core.models import Plan
from workbench.core.plan.review import NOWHERE, Circumstances, Finding, review
from workbench.errors import PlanError, Problem, WorkbenchError


@dataclass(frozen=True, slots=True)
class Checked:
    """``text`` as `workbench check` sees it. Without a ``plan`` it has ``problems``, and cannot be run; a
    plan that is not ``structured`` is split when it is run, and is nothing to approve. ``remarks`` stand at
    no line. ``approved`` is None where there is no repository to ask."""

    text: str
    sha256: str
    structured: bool
    plan: Plan | None
    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()
    approved: bool | None = None


async def checked(place: Place | None, text: str, name: str) -> Checked:
    """Look at ``text``, in a thread where that takes long; ``name`` is what problems are told with. What
    the repository cannot say is left out, and that is a remark."""
    around, remarks = NOWHERE, list[str]()
    if place is not None:
        try:
            around = await around_of(place)
        except WorkbenchError as error:
            remarks.append(f"what the repository says about it is not known: {error}")
    found = await asyncio.to_thread(_looked_at, place, text, name, around)
    problems: Sequence[Problem] = ()
    if place is not None and found.plan is not None:
        try:
            remarks += [str(remark) for remark in (await roles_of(place, found.plan, None, name))[1]]
        except PlanError as error:
            problems = error.problems
        except WorkbenchError as error:
            remarks.append(f"the roles were not looked at: {error}")
    plan = None if problems else found.plan
    return Checked(
        text,
        found.sha256,
        found.structured,
        plan,
        found.problems + tuple(problems),
        found.findings,
        found.remarks + tuple(remarks),
        found.approved,
    )


def _looked_at(place: Place | None, text: str, name: str, around: Circumstances) -> Checked:
    sha256 = plans.sha256(text)
    structured = plans.is_structured(text)
    try:
        plan = plans.parse(text, name) if structured else plans.split(text, name)
    except PlanError as error:
        return Checked(text, sha256, structured, None, tuple(error.problems))
    if not structured:
        return Checked(text, sha256, structured, plan)
    approved, remarks = None, list[str]()
    if place is not None:
        try:
            approved = place.approved(sha256)
        except WorkbenchError as error:
            remarks.append(f"whether it is approved is not known: {error}")
    return Checked(text, sha256, structured, plan, (), review(plan, around), tuple(remarks), approved)


def approve_as_shown(place: Place, path: Path, shown: Checked) -> str:
    """Approve exactly the text that was shown. Gives its hash; "" when the file holds another text by now,
    and then nothing is approved. Raises UsageError and StoreError. Blocks."""
    from workbench.composition.planning import ReadyPlan, approve, read_text

    if shown.plan is None or read_text(path) != shown.text:
        return ""
    approve(place, ReadyPlan(path, shown.text, shown.plan, shown.sha256))
    return shown.sha256
