"""What is left of a role where nobody trusts the repository that describes it."""

from __future__ import annotations

from workbench.core.models import Role
from workbench.core.state import RunState


def role_of(state: RunState, name: str) -> Role | None:
    """The role of that name; without its text and model where the repository is not trusted. That it takes
    tools away always holds."""
    role = state.roles.get(name)
    if role is None or heeds(state):
        return role
    return role.model_copy(update={"prompt": "", "description": "", "model": None})


def heeds(state: RunState) -> bool:
    """Whether the run goes by what its repository says of itself."""
    return state.trust is not None and state.trust.trusted
