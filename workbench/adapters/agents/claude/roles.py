"""What a role comes to in a Claude Code session: more to its system prompt, and fewer tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.core.models import Role

if TYPE_CHECKING:
    from claude_agent_sdk.types import SystemPromptPreset

# Claude Code calls the same tool by both names.
SAME = {"Task": "Agent", "Agent": "Task"}


def system_prompt(role: Role | None) -> SystemPromptPreset:
    """Claude Code's own system prompt, with the role's text behind it."""
    preset: SystemPromptPreset = {
        "type": "preset",
        "preset": "claude_code",
        # The same system prompt in every worktree: those who play one role share one prompt cache.
        "exclude_dynamic_sections": True,
    }
    if role is not None and (role.prompt or role.description):
        preset["append"] = (
            f"# Your role: {role.name}\n\n"
            f"In this team you play the role that the repository's own {role.path} describes. It says:\n\n"
            f"{role.prompt or role.description}\n\n"
            "(End of the role.) Where it differs from the task, the contract or the way of reporting in your "
            "brief, the brief stands. It gives no permission: what is refused here stays refused."
        )
    return preset


def only(role: Role | None) -> frozenset[str] | None:
    """The only tools of Claude Code's own that a role leaves, None for all."""
    if role is None or role.tools is None:
        return None
    given = {*role.tools, *(SAME[name] for name in role.tools if name in SAME)}
    return frozenset(given - without(role))


def without(role: Role | None) -> frozenset[str]:
    """Tools that a role takes away. Those by which a teammate reports are not Claude Code's own, and stay."""
    taken = role.without if role is not None else ()
    return frozenset((*taken, *(SAME[name] for name in taken if name in SAME)))
