"""The permission policy in force: the shipped rules, and what the settings add to them."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.composition.place import Place
from workbench.config import from_file
from workbench.core.models import PolicyRule
from workbench.core.policy import SHIPPED


def rules_of(place: Place) -> tuple[PolicyRule, ...]:
    """Every rule with where it comes from."""
    settings, own = place.settings, place.settings.policy
    source = "the environment" if "WORKBENCH_POLICY" in os.environ else from_file(place.root)[0]
    shipped = SHIPPED if own.defaults else ()
    given = [
        PolicyRule(decision=decision, rule=rule.strip(), source=f"policy, {source}")
        for decision, rules in (("deny", own.deny), ("ask", own.ask), ("allow", own.allow))
        for rule in rules
    ]
    hosts = [
        PolicyRule(decision="allow", rule=f"WebFetch(domain:{host})", source="the setting sandbox_domains")
        for host in settings.sandbox_domains
    ]
    web = [PolicyRule(decision="allow", rule="WebFetch", source="the setting web")] if settings.web else []
    return (*given, *hosts, *web, *shipped)


def never(place: Place, tool: str, about: str) -> str:
    """Why a use of ``tool`` on ``about`` (a command, or a path from the top of the worktree) is refused to a
    Claude teammate, whatever the policy says, as it is told; "" where it is not."""
    from workbench.adapters.agents.claude.fence import Fence  # no run needs it at its start

    fence = Fence(place.root, Path.home(), sandboxed=True, logins=os.environ.get("CLAUDE_CONFIG_DIR", ""))
    refusal = fence.refuses(tool, {"command": about, "file_path": about})
    return refusal.reason if refusal else ""
