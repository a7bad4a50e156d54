"""Answers Claude Code's questions about permission, so that a run needs nobody and bypasses nothing.

The mode is ``acceptEdits``: edits in the worktree need no question. Everything else is settled here, in
places that Claude Code asks one after the other:

1. a hook before every tool use puts the fence to it (``fence.Fence``). If the hook itself breaks, the
   tool is not used;
2. the same hook goes by the run's policy (``core.policy``): what that denies is denied, and what it asks
   about is made a question, which comes to ``can_use_tool`` with all that Claude Code would ask a person;
3. there, what the policy allows is allowed, what it asks about is put to the person in charge, and what no
   rule names is denied with the reason, or put to that person where the run says so.

What Claude Code would ask of a person at the keyboard goes to the team (``team.Team``).

Without a sandbox a shell command has the power of the user who runs workbench, less a short list of
refusals that stop accidents and not intent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.adapters.agents.claude.fence import Fence
from workbench.adapters.agents.claude.settings import ClaudeSettings
from workbench.adapters.agents.claude.team import Team
from workbench.adapters.agents.claude.tools import TOOL_NAMES
from workbench.core.models import PolicyRule
from workbench.core.policy import SHIPPED, SHIPPED_WITH, Ruling, ruled
from workbench.engine.ports import Denied

if TYPE_CHECKING:
    from claude_agent_sdk import PermissionResultAllow, PermissionResultDeny, ToolPermissionContext
    from claude_agent_sdk.types import HookContext, HookInput, HookJSONOutput

TARGET_LIMIT = 300


class Permissions:
    """The answers for one session; ``report`` hears of every refusal, ``known`` are our own tools. A person
    is asked, where there is one, what the ``policy`` says; if ``asks_unruled``, what no rule names, too."""

    def __init__(
        self,
        fence: Fence,
        settings: ClaudeSettings,
        report: Callable[[Denied], None],
        team: Team | None = None,
        known: Collection[str] = TOOL_NAMES,
        policy: Sequence[PolicyRule] = SHIPPED,
        asks_unruled: bool = True,
    ) -> None:
        self._fence = fence
        self._known = known
        self._policy = policy
        self._asks_unruled = asks_unruled
        self._strict = not any(rule.source == SHIPPED_WITH for rule in policy)
        self._settings = settings
        self._report = report
        self._team = team
        self._reported: set[str] = set()

    async def before_tool(
        self, given: HookInput, tool_use_id: str | None, context: HookContext
    ) -> HookJSONOutput:
        """The PreToolUse hook: deny what the fence refuses, have no opinion on the rest."""
        tool = str(given.get("tool_name", ""))
        target: Any = given.get("tool_input")
        target = target if isinstance(target, dict) else {}
        if self._team is not None and (taken := self._team.takes(tool, target)):
            self._reported.add(tool_use_id or "")  # asked for by other means: nothing was refused
            return _deny(taken)
        refusal = self._fence.refuses(tool, target)
        if refusal is None:
            return self._by_policy(tool, target, tool_use_id)
        self._denied(tool, refusal.target, refusal.reason, tool_use_id)
        return _deny(refusal.reason)

    def _by_policy(self, tool: str, given: dict[str, Any], tool_use_id: str | None) -> HookJSONOutput:
        """Here and not only where Claude Code asks: it does not ask about commands in its sandbox. Without
        the shipped rules, only what a rule names may be used."""
        found = self._ruled(tool, given)
        if found.decision == "deny":
            self._denied(tool, aim(given), _why(found), tool_use_id)
            return _deny(_why(found))
        if found.decision == "ask" or (found.decision is None and self._strict and tool not in self._known):
            return _ask(_why(found))
        return {}

    def _ruled(self, tool: str, given: dict[str, Any]) -> Ruling:
        return ruled(self._policy, tool, self._fence.about(tool, given))

    def used(self, tool: str, given: dict[str, Any]) -> None:
        """Hear of a tool use that nobody was asked about. Claude Code answers for itself when it is to leave
        a plan mode that it is not in; the plan that comes with that is as good as any."""
        if tool == "ExitPlanMode" and self._fence.locked and self._team is not None:
            self._team.submits(str(given.get("plan") or ""))

    def unlock(self) -> None:
        """From now on the teammate may write: its plan is approved."""
        self._fence.locked = False

    async def can_use_tool(
        self, tool: str, given: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResultAllow | PermissionResultDeny:
        """Answer what Claude Code would ask a person."""
        from claude_agent_sdk import PermissionResultAllow, PermissionResultDeny

        refusal = self._fence.refuses(tool, given)
        found = self._ruled(tool, given)
        reason = refusal.reason if refusal is not None else self._objection(tool, given, found)
        if not reason:
            return PermissionResultAllow()
        consult = self._team.consult if self._team is not None else None
        may_ask = found.decision == "ask" or (found.decision is None and self._asks_unruled)
        if refusal is None and consult is not None and may_ask:
            ruling = await consult(tool, _whole(given), reason)
            if ruling.allowed:
                return PermissionResultAllow()
            reason = ruling.why or reason
        self._denied(tool, aim(given), reason, context.tool_use_id)
        return PermissionResultDeny(message=reason)

    def denied_elsewhere(self, denials: list[Any]) -> None:
        """Report refusals that Claude Code decided on by itself, from the list in a turn's result."""
        for denial in denials:
            if isinstance(denial, dict):
                given = denial.get("tool_input")
                self._denied(
                    str(denial.get("tool_name", "")),
                    aim(given if isinstance(given, dict) else {}),
                    "Claude Code refused it by its own rules.",
                    denial.get("tool_use_id"),
                )

    def _objection(self, tool: str, given: dict[str, Any], found: Ruling) -> str:
        if found.decision == "allow" or tool in self._known:
            return ""
        if found.decision is not None:
            return _why(found)
        if tool == "WebFetch":
            host = urlsplit(str(given.get("url", ""))).hostname or ""
            if self._settings.web or _within(host, self._settings.allowed_domains):
                return ""
            return (
                f"Pages of {host or 'no host'} may not be read in this run (settings: web, allowed_domains)."
            )
        return f"{tool} is not among the tools that teammates may use; do it another way."

    def _denied(self, tool: str, target: str, reason: str, tool_use_id: str | None) -> None:
        if tool_use_id is not None:
            if tool_use_id in self._reported:
                return
            self._reported.add(tool_use_id)
        self._report(Denied(tool, target[:TARGET_LIMIT], reason))


def _why(found: Ruling) -> str:
    """A ruling as the model is told it."""
    if found.decision == "ask":
        return f"A person is asked about this in this run ({found})."
    return f"The policy of this run does not allow it ({found}); do it another way."


def _ask(reason: str) -> HookJSONOutput:
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "ask",
            "permissionDecisionReason": reason,
        }
    }


def _whole(given: dict[str, Any]) -> str:
    """What a tool use is about, and all that it is given: who allows it must see what that is."""
    return f"{aim(given)}\n{json.dumps(given, ensure_ascii=False, default=str)}".strip()


def _deny(reason: str) -> HookJSONOutput:
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }
    }


def aim(given: dict[str, Any]) -> str:
    """What a tool use is about, for people: a path, a command, an address, a question."""
    for name in (
        "file_path",
        "notebook_path",
        "command",
        "path",
        "pattern",
        "url",
        "query",
        "description",
        "note",
    ):
        value = given.get(name)
        if isinstance(value, str) and value:
            return value[:TARGET_LIMIT]
    return ""


def _within(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == name or host.endswith("." + name) for name in (d.removeprefix("*.") for d in domains))
