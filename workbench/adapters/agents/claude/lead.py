"""Claude Code as the lead: it reads, answers and writes messages, and has no other tool.

What stands before it all the time is appended to its system prompt, so nothing that a teammate writes comes
before it, and no turn is spent on it. Of the repository's own ``.claude`` nothing is read: hooks there are
programs.
"""

from __future__ import annotations

import asyncio
import os.path
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.agents.claude.agent import live
from workbench.adapters.agents.claude.desk import LEAD_TOOLS, desk_server
from workbench.adapters.agents.claude.fence import READERS, Fence, Refusal
from workbench.adapters.agents.claude.permissions import Permissions
from workbench.adapters.agents.claude.sandbox import claude_settings, signing_in_settings
from workbench.adapters.agents.claude.session import Session
from workbench.adapters.agents.claude.settings import ClaudeSettings
from workbench.adapters.agents.claude.tools import SERVER
from workbench.engine.ports import AgentReport, Assignment, Desk, Letter

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions

TOOLS = ("Read", "Grep", "Glob")
"""Claude Code's own tools that a lead has."""


class ClaudeLead:
    """``ports.Lead`` by the real Claude Code, one process for each ``lead``."""

    def __init__(self, settings: ClaudeSettings | None = None) -> None:
        # Without commands there is nothing that a sandbox would hold.
        self._settings = replace(settings or ClaudeSettings(), sandbox="off", setting_sources=())

    async def lead(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
        desk: Desk,
    ) -> None:
        """See ``ports.Lead.lead``; cancelling is as with ``ClaudeAgent.work``."""
        await live(LeadSession(self._settings, assignment, inbox, report, desk), "claude lead")


class Study(Fence):
    """What a lead may look at: the checkout that it was given, and nothing else."""

    def refuses(self, tool: str, given: Mapping[str, Any]) -> Refusal | None:
        """Everything but its own tools is refused, and reading outside its folder is."""
        if tool in LEAD_TOOLS:
            return None
        if tool not in TOOLS:
            return Refusal(tool, "A lead reads and answers; it does not do the work. Teammates do.")
        pattern = str(given.get("pattern", "")) if tool == "Glob" else ""
        path = str(given.get("file_path") or given.get("path") or ".")
        if ".." in Path(pattern).parts or not self._inside(path) or (pattern and not self._inside(pattern)):
            return Refusal(pattern or path, "A lead reads the checkout in its own folder, and nothing else.")
        return super().refuses(tool, given) if tool in READERS else None

    def _inside(self, path: str) -> bool:
        return self._real(path).is_relative_to(os.path.realpath(self._given))


class LeadSession(Session):
    """The life of one Claude Code process that leads."""

    def __init__(
        self,
        settings: ClaudeSettings,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
        desk: Desk,
    ) -> None:
        super().__init__(settings, assignment, inbox, report)
        self._desk = desk

    def opening(self, lost: bool) -> str:
        """It waits for its first letter."""
        return ""

    async def _options(self, folder: Path, *, resume: bool) -> ClaudeAgentOptions:
        from claude_agent_sdk import HookMatcher

        options = await super()._options(folder, resume=resume)
        given = self._assignment
        study = Study(given.worktree, self._home, sandboxed=False)
        self._permissions = Permissions(study, self._settings, self._report, known=LEAD_TOOLS)
        signing_in = signing_in_settings(self._env)
        signing_in.pop("env", None)
        return replace(
            options,
            system_prompt={"type": "preset", "preset": "claude_code", "append": given.brief},
            permission_mode="default",
            tools=list(TOOLS),
            can_use_tool=self._permissions.can_use_tool,
            hooks={"PreToolUse": [HookMatcher(hooks=[self._permissions.before_tool], on_failure="block")]},
            mcp_servers={SERVER: desk_server(self._desk, given.teammates)},
            settings=claude_settings(
                self._settings, in_sandbox=False, home=self._home, signing_in=signing_in, web=False
            ),
        )
