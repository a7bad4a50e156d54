"""Which roles a plan's tasks are played in: those of the repository's agent files, at the run's base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.adapters.git.repository import resolve
from workbench.composition.place import Place
from workbench.core.models import Plan, Role
from workbench.errors import PlanError

if TYPE_CHECKING:
    from workbench.core.roles import Remark


async def roles_of(
    place: Place, plan: Plan, commit: str | None = None, path: str = ""
) -> tuple[tuple[Role, ...], list[Remark]]:
    """The roles that ``plan`` uses, as ``commit`` has them (or the plan's own base), and what is to be said
    about agent files. Where no task names a role
    nothing is read. A model named on the command line goes over a role's; a role's goes over the plan's and
    the settings'.

    Raises PlanError, with the line of each task that names a role which the repository does not have."""
    if not any(task.role for task in plan.tasks):
        return (), []
    from workbench.adapters.git.agentfiles import agent_files
    from workbench.core.roles import chosen, gather

    commit = commit or await resolve(place.repository, plan.base or "HEAD")
    found = gather(await agent_files(place.repository, commit))
    if problems := list(found.missing(plan, commit)):
        raise PlanError(problems, path)
    used = chosen(found.used(plan), model_given="model" in place.given)
    return used, list(found.worth_saying(plan))
