"""What a Claude Code teammate may not do, whatever the model wants.

Asked before every tool use (a PreToolUse hook that fails closed). Files may be written inside the
worktree only, symlinks resolved, and there neither git's own files, nor workbench's, nor settings that
Claude Code would execute. Files that hold the user's secrets may not be read by its file tools; inside
the sandbox its commands cannot read them either.
"""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.adapters.agents.claude import shell
from workbench.adapters.agents.claude.using import path_of, resolved, subjects
from workbench.adapters.walls.places import secret_places

WRITERS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
READERS = frozenset({"Read", "Glob", "Grep", "LS", "NotebookRead"})

READING = READERS | {
    "Task",
    "Agent",
    "ToolSearch",
    "TodoWrite",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskUpdate",
    "TaskOutput",
    "TaskStop",
    "WebSearch",
    "WebFetch",
}
"""What who plans may use, besides the tools to report with: nothing here writes, and what subagents do is
asked for tool by tool. No Bash: whether a command writes cannot be told from its text."""

ASKING = frozenset({"AskUserQuestion", "ExitPlanMode", "EnterPlanMode"})
"""Tools that wait for a person at the keyboard; there is none."""

LEAVING = frozenset(
    {
        "EnterWorktree",
        "ExitWorktree",
        "CronCreate",
        "CronDelete",
        "CronList",
        "ScheduleWakeup",
        "SendMessage",
        "ListAgents",
        "RemoteTrigger",
        "Workflow",
        "Monitor",
    }
)
"""Tools that leave the worktree, outlive the session, or talk past workbench; taken away altogether."""


OWN = "mcp__workbench__"
"""How the names of workbench's own tools begin."""

PLAN_FIRST = (
    "Your plan is not approved yet, so you may only read: with Read, Grep and Glob. Submit the plan with "
    "mcp__workbench__plan and end your turn; what is said about it comes as a message."
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused tool use: what it was about, and the reason as the model is told it."""

    target: str
    reason: str


class Fence:
    """The fence around one worktree. ``home`` is the teammate's HOME, ``logins`` Claude Code's own folder
    where it is elsewhere; ``tools`` are the only ones that its role leaves it, None for all, and ``without``
    what the role takes away. Those of MCP servers, of which there are only our own, are none of a role's.
    While ``locked``, the teammate may only read."""

    def __init__(
        self,
        worktree: Path,
        home: Path,
        *,
        sandboxed: bool,
        tools: frozenset[str] | None = None,
        without: frozenset[str] = frozenset(),
        locked: bool = False,
        logins: str = "",
    ) -> None:
        self._given = worktree
        self._root = Path(os.path.realpath(worktree))
        self._home = home
        self._secrets = [Path(os.path.realpath(place)) for place in secret_places(home, logins)]
        self._sandboxed = sandboxed
        self._tools = tools
        self._without = without
        self.locked = locked

    def about(self, tool: str, given: Mapping[str, Any]) -> tuple[str, ...]:
        """What a use of ``tool`` is about, for the policy."""
        return subjects(tool, given, self._root, self._home)

    def refuses(self, tool: str, given: Mapping[str, Any]) -> Refusal | None:
        """Why ``tool`` may not be used with the input ``given``, or None when the fence has no objection."""
        if not self._of_the_role(tool):
            return Refusal(tool, f"{tool} is not among the tools of your role.")
        if self.locked and not (tool in READING or tool in ASKING or tool.startswith(OWN)):
            about = given.get("command") or given.get("file_path") or given.get("notebook_path") or tool
            return Refusal(str(about), PLAN_FIRST)
        if tool in WRITERS:
            return self._write(path_of(given))
        if tool in READERS:
            return self._read(path_of(given))
        if tool == "Bash":
            command = str(given.get("command", ""))
            reason = shell.refused(command, self._root, self._home, sandboxed=self._sandboxed)
            return reason and Refusal(command, reason)  # type: ignore[return-value]
        if tool in ASKING:
            return Refusal(
                tool,
                "Nobody sits at this session. Put the question to the team with mcp__workbench__question "
                "and go on with what does not depend on the answer.",
            )
        if tool in LEAVING:
            return Refusal(
                tool, "This tool is not for teammates: the work is done in this worktree and session."
            )
        if tool in {"Task", "Agent"} and given.get("isolation"):
            return Refusal(tool, "Subagents work in this worktree; leave 'isolation' out.")
        return None

    def _of_the_role(self, tool: str) -> bool:
        """Asked here as well, since what Claude Code offers a model is not all that a model may try."""
        if tool.startswith("mcp__") or tool in ASKING:
            return True
        return tool not in self._without and (self._tools is None or tool in self._tools)

    def _write(self, path: str) -> Refusal | None:
        real = self._real(path)
        if real == self._root or not real.is_relative_to(self._root):
            return Refusal(
                path,
                f"{path} is outside your worktree {self._given}. Write inside it; if another place must "
                "change, say so with mcp__workbench__blocked.",
            )
        # Casefolded: on macOS .GIT is .git.
        parts = [part.casefold() for part in real.relative_to(self._root).parts]
        if ".git" in parts:
            return Refusal(path, "Git's own files are not to be edited; use git commands.")
        if parts[0] == ".workbench":
            return Refusal(path, "Markers are dropped with the mcp__workbench__ tools, not by writing files.")
        if parts[0] == ".claude" or parts == [".mcp.json"]:
            return Refusal(
                path,
                "Settings that Claude Code executes are a person's to change; describe the change with "
                "mcp__workbench__question.",
            )
        return None

    def _read(self, path: str) -> Refusal | None:
        real = self._real(path)
        if any(real.is_relative_to(secret) for secret in self._secrets):
            return Refusal(path, "The user's logins are kept there; no task needs them.")
        if real.parts[1:2] == ("proc",) and real.parts[2:3] and real.parts[2].isdigit():
            return Refusal(path, "It shows what another program holds, keys among it; no task needs that.")
        return None

    def _real(self, path: str) -> Path:
        return resolved(path, self._root, self._home)
