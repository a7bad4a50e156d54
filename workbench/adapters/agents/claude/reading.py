"""A Claude Code that only reads, and answers in the form it is asked for.

What holds it to that, each alone sufficient: it has no other tools than those named; a hook before
every tool use refuses everything else, and every path outside its folder, and fails closed; and whatever
Claude Code would ask a person is refused. Its own mode ``plan`` would add nothing but a page of prompt that
tells the model to write its plan into a file, by a tool it has not got. It reads no settings of
the repository, so nothing that stands there is run, and no session or memory of it is kept.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.agents.claude import launcher, translate
from workbench.adapters.agents.claude.binary import find_claude
from workbench.adapters.agents.claude.fence import LEAVING, READERS, WRITERS
from workbench.adapters.agents.claude.permissions import aim
from workbench.adapters.agents.claude.sandbox import signing_in_settings
from workbench.adapters.agents.claude.settings import ClaudeSettings
from workbench.adapters.agents.environment import SECRETS
from workbench.core.models import Usage
from workbench.engine.ports import Acted, AgentReport, Denied
from workbench.errors import AgentError, LoginError

if TYPE_CHECKING:
    from claude_agent_sdk import (
        ClaudeAgentOptions,
        ClaudeSDKClient,
        PermissionResultDeny,
        ResultMessage,
        ToolPermissionContext,
    )
    from claude_agent_sdk.types import HookContext, HookInput, HookJSONOutput

LOOKING = ("Read", "Glob", "Grep")
"""All the tools that reading a repository takes."""

ANSWERING = "StructuredOutput"
"""The tool by which Claude Code has the model fill in a JSON schema."""

NEVER = (*sorted(WRITERS | LEAVING), "Bash", "PowerShell", "Task", "Agent", "Skill", "WebFetch", "WebSearch")

NOT_HERE = "{tool} is not for this session: it reads, and changes nothing."

REFUSED_LOGINS = 3
"""After so many refused logins in a row the remaining retries, three minutes of them, are not awaited."""

OURS = {"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1"}
"""Variables every session starts with; those it is given go over them."""

Hear = Callable[[AgentReport], None]


def deaf(_: AgentReport) -> None:
    """For a caller who does not want to know."""


@dataclass(frozen=True)
class Purpose:
    """What a session is for, in words: ``doing`` fits behind "Claude Code failed while", and ``hint`` says
    what a person can do when it gives no answer."""

    doing: str
    hint: str


class Reader:
    """One session; made by ``reading``. ``usage`` is what it has used so far."""

    def __init__(self, client: ClaudeSDKClient, purpose: Purpose, seconds: float, hear: Hear) -> None:
        self._client = client
        self._purpose = purpose
        self._seconds = seconds
        self._hear = hear
        self._meter = translate.Meter(Usage())
        self.answering = False

    @property
    def usage(self) -> Usage:
        return self._meter.usage

    async def ask(self, question: str) -> dict[str, Any]:
        """The answer to ``question``, an object that fits the session's schema; later questions come in the
        same conversation. Raises LoginError or AgentError."""
        self.answering = True
        try:
            async with asyncio.timeout(self._seconds):
                await self._client.query(question)
                result = await self._result()
        except TimeoutError as error:
            raise AgentError(
                f"Claude did not answer within {self._seconds:.0f} s.", self._purpose.hint
            ) from error
        self.answering = False
        self._meter.count(result)
        return self._answer(result)

    async def _result(self) -> ResultMessage:
        from claude_agent_sdk import AssistantMessage, ResultMessage, SystemMessage

        async with aclosing(self._client.receive_response()) as messages:  # type: ignore[type-var]
            async for message in messages:
                if isinstance(message, ResultMessage):
                    return message
                _check_login(message)
                if isinstance(message, AssistantMessage):
                    self._tell(message)
                elif isinstance(message, SystemMessage) and message.subtype == "api_retry":
                    self._hear(translate.retried(message))
        raise AgentError("Claude Code ended without an answer.", f"Try again. {self._purpose.hint}")

    def _tell(self, message: Any) -> None:
        for report in translate.heard(message):
            if isinstance(report, Acted) and report.tool == ANSWERING:
                continue
            if (
                isinstance(report, Acted) and report.tool not in LOOKING
            ):  # Claude Code knows no such tool here
                report = Denied(report.tool, report.target, NOT_HERE.format(tool=report.tool))
            self._hear(report)

    def _answer(self, result: ResultMessage) -> dict[str, Any]:
        if result.is_error:
            said = "; ".join(result.errors or []) or result.result or result.subtype
            if result.api_error_status == 401:
                raise _no_login(said)
            raise AgentError(f"Claude Code failed while {self._purpose.doing}: {said}", self._purpose.hint)
        if not isinstance(result.structured_output, dict):
            raise AgentError(
                "Claude answered, but not in the form that was asked for.", f"Try again. {self._purpose.hint}"
            )
        return result.structured_output


@asynccontextmanager
async def reading(
    purpose: Purpose,
    *,
    schema: dict[str, Any],
    cwd: Path,
    env: Mapping[str, str],
    tools: Sequence[str] = LOOKING,
    model: str | None = None,
    settings: ClaudeSettings | None = None,
    seconds: float,
    hear: Hear = deaf,
) -> AsyncIterator[Reader]:
    """A session in the folder ``cwd`` whose answers fit the JSON ``schema``.

    It has ``tools``, and sees nothing outside ``cwd``. ``env`` is the whole of its environment, ``seconds``
    how long an answer may take, and ``hear`` is told what it reads, says and is refused. Leaving, by a
    cancellation too, ends its process and waits until it is gone.
    """
    settings = settings or ClaudeSettings()
    await asyncio.to_thread(importlib.import_module, "claude_agent_sdk")
    from claude_agent_sdk import ClaudeSDKClient, ClaudeSDKError

    # It logs what it also raises.
    logging.getLogger("claude_agent_sdk").setLevel(logging.CRITICAL)
    stderr: deque[str] = deque(maxlen=3)
    with tempfile.TemporaryDirectory(
        prefix="workbench-claude-", dir=settings.launchers, ignore_cleanup_errors=True
    ) as folder:
        signing_in = signing_in_settings(env)
        whole = {**OURS, **signing_in.pop("env", {}), **env, "TMPDIR": folder}  # what it leaves goes, too
        script = launcher.write_launcher(
            Path(folder),
            find_claude(settings.claude, env.get("PATH")),
            set(os.environ) - set(whole) - {"PWD"},
        )
        options = _options(schema, cwd, whole, tools, model, hear)
        options.cli_path = script
        options.stderr = stderr.append
        client = ClaudeSDKClient(options)
        reader = Reader(client, purpose, seconds, hear)
        try:
            try:
                await _connect(client, purpose)
                yield reader
            except BaseException:
                reader.answering = True
                raise
            finally:
                await _close(client, script, busy=reader.answering)
        except ClaudeSDKError as error:
            said = _without_secrets(" ".join(stderr) or str(error), whole)
            raise AgentError(
                f"Claude Code failed while {purpose.doing}: {said}", "Try 'workbench doctor'."
            ) from error


def _options(
    schema: dict[str, Any],
    cwd: Path,
    env: Mapping[str, str],
    tools: Sequence[str],
    model: str | None,
    hear: Hear,
) -> ClaudeAgentOptions:
    from claude_agent_sdk import ClaudeAgentOptions, HookMatcher

    glass = Glass(cwd, tools, hear)
    return ClaudeAgentOptions(
        cwd=cwd,
        env=dict(env),
        model=model,
        tools=list(tools),
        disallowed_tools=list(NEVER),
        system_prompt={"type": "preset", "preset": "claude_code", "exclude_dynamic_sections": True}
        if tools
        else None,
        permission_mode="dontAsk",
        can_use_tool=glass.can_use_tool,
        hooks={"PreToolUse": [HookMatcher(hooks=[glass.before_tool], on_failure="block")]},
        setting_sources=[],
        strict_mcp_config=True,
        # An @path in what is read to it must not pull in a file, a / not be a command.
        verbatim_prompts=True,
        output_format={"type": "json_schema", "schema": schema},
        extra_args={"no-session-persistence": None},
    )


class Glass:
    """What stands between the session and everything: it sees ``root``, and touches nothing."""

    def __init__(self, root: Path, tools: Sequence[str], hear: Hear) -> None:
        self._root = Path(os.path.realpath(root))
        self._tools = frozenset(tools) | {ANSWERING}
        self._hear = hear

    def refuses(self, tool: str, given: Mapping[str, Any]) -> str:
        """Why ``tool`` may not be used with the input ``given``; empty when it may."""
        if tool not in self._tools:
            return NOT_HERE.format(tool=tool)
        if tool not in READERS:
            return ""
        pattern = str(given.get("pattern") or "") if tool == "Glob" else ""
        places = [str(given.get(name) or "") for name in ("file_path", "notebook_path", "path", "glob")]
        for place in (*places, pattern):
            if place.startswith("~") or ".." in place.split("/"):
                return f"{place} leaves the copy of the repository that this session reads."
            # Up to the first wildcard: what a pattern names may be a link that leads out.
            fixed = place.split("*", 1)[0].split("?", 1)[0].split("{", 1)[0].split("[", 1)[0]
            if not Path(os.path.realpath(self._root / fixed)).is_relative_to(self._root):
                return f"{place} is outside the copy of the repository that this session reads."
        return ""

    async def before_tool(
        self, given: HookInput, tool_use_id: str | None, context: HookContext
    ) -> HookJSONOutput:
        """The PreToolUse hook."""
        tool, target = str(given.get("tool_name", "")), given.get("tool_input")
        aimed: dict[str, Any] = target if isinstance(target, dict) else {}
        reason = self.refuses(tool, aimed)
        if not reason:
            return {}
        self._hear(Denied(tool, aim(aimed), reason))
        return {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": reason,
            }
        }

    async def can_use_tool(
        self, tool: str, given: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResultDeny:
        """Whatever would be asked of a person is refused: there is nothing here that needs to be."""
        from claude_agent_sdk import PermissionResultDeny

        reason = self.refuses(tool, given) or f"{tool} with this input is not allowed in this session."
        self._hear(Denied(tool, aim(given), reason))
        return PermissionResultDeny(message=reason)


async def _connect(client: ClaudeSDKClient, purpose: Purpose) -> None:
    from claude_agent_sdk import ClaudeSDKError

    try:
        await client.connect()
    except ClaudeSDKError:
        raise
    except Exception as error:
        # The SDK raises plain Exception when its handshake fails.
        sentence = f"Claude Code could not be started for {purpose.doing}: {error}"
        raise AgentError(sentence, "Try 'workbench doctor'.") from error


async def _close(client: ClaudeSDKClient, script: Path, *, busy: bool) -> None:
    """End the process in good order, then see that nothing of it is left."""
    if busy:
        launcher.ask_to_end(script)
    try:
        await client.disconnect()  # waits for the relay, and so for all below it
    finally:
        if launcher.shim_pid(script) is not None:
            await asyncio.to_thread(launcher.kill, script)


def _check_login(message: Any) -> None:
    from claude_agent_sdk import AssistantMessage, SystemMessage

    refused = (
        isinstance(message, SystemMessage)
        and message.subtype == "api_retry"
        and message.data.get("error_status") == 401
        and int(message.data.get("attempt") or 0) >= REFUSED_LOGINS
    )
    if refused or (isinstance(message, AssistantMessage) and message.error == "authentication_failed"):
        raise _no_login("the model's API refused the key or token, or there is none")


def _no_login(said: str) -> LoginError:
    return LoginError(
        f"Claude Code could not sign in: {said}.",
        "Run 'claude' and /login, or set ANTHROPIC_API_KEY; then try again.",
    )


def _without_secrets(text: str, env: Mapping[str, str]) -> str:
    for name in SECRETS:
        if len(value := env.get(name, "")) >= 8:
            text = text.replace(value, f"<{name}>")
    return text
