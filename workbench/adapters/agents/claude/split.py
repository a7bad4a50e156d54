"""Splitting a plain plan into tasks: one question to Claude with a JSON schema for the answer."""

from __future__ import annotations

import asyncio
import importlib
import os
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.agents.claude.binary import find_claude
from workbench.adapters.agents.claude.launcher import ask_to_end, write_launcher
from workbench.adapters.agents.claude.sandbox import signing_in_settings
from workbench.adapters.agents.claude.settings import ClaudeSettings
from workbench.adapters.agents.claude.translate import SIGN_IN
from workbench.errors import AgentError, LoginError

if TYPE_CHECKING:
    from claude_agent_sdk import ResultMessage

SPLIT_SECONDS = 600.0


async def split_with_claude(
    text: str,
    *,
    schema: dict[str, Any],
    prompt: str,
    cwd: Path,
    env: Mapping[str, str],
    model: str | None = None,
    settings: ClaudeSettings | None = None,
) -> dict[str, Any]:
    """What Claude answers to ``prompt`` about ``text``, as an object that fits the JSON ``schema``.

    Claude gets no tool, reads no settings of the repository and writes nothing but its transcript;
    ``text`` is put to it as data. ``env`` is the whole of its environment. Raises LoginError when it
    cannot sign in and AgentError when it gives no valid answer. Cancelling ends it.
    """
    settings = settings or ClaudeSettings()
    sdk: Any = await asyncio.to_thread(importlib.import_module, "claude_agent_sdk")
    signing_in = signing_in_settings(env)
    whole = {"DISABLE_AUTOUPDATER": "1", **signing_in.pop("env", {}), **env}
    stderr: deque[str] = deque(maxlen=3)
    with tempfile.TemporaryDirectory(prefix="workbench-claude-", dir=settings.launchers) as folder:
        script = write_launcher(
            Path(folder),
            find_claude(settings.claude, env.get("PATH")),
            set(os.environ) - set(whole) - {"PWD"},
        )
        options = sdk.ClaudeAgentOptions(
            cli_path=script,
            cwd=cwd,
            env=whole,
            model=model,
            tools=[],
            permission_mode="plan",
            setting_sources=[],
            strict_mcp_config=True,
            verbatim_prompts=True,
            output_format={"type": "json_schema", "schema": schema},
            stderr=stderr.append,
        )
        question = f"{prompt}\n\n<plan>\n{text}\n</plan>\n"
        try:
            async with asyncio.timeout(SPLIT_SECONDS), sdk.ClaudeSDKClient(options) as client:
                try:
                    await client.query(question)
                    async with aclosing(client.receive_response()) as messages:
                        async for message in messages:
                            if isinstance(message, sdk.ResultMessage):
                                return _answer(message)
                            _check_login(sdk, message)
                except BaseException:
                    ask_to_end(script)
                    raise
        except TimeoutError as error:
            raise AgentError(
                f"Claude did not answer within {SPLIT_SECONDS:.0f} s.",
                "Give the plan a '## Tasks' section yourself.",
            ) from error
        except sdk.ClaudeSDKError as error:
            said = " ".join(stderr) or str(error)
            raise AgentError(
                f"Claude Code failed while splitting the plan: {said}", "Try 'workbench doctor'."
            ) from error
    raise AgentError(
        "Claude Code ended without an answer.", "Try again, or give the plan a '## Tasks' section."
    )


def _answer(result: ResultMessage) -> dict[str, Any]:
    if result.is_error:
        said = "; ".join(result.errors or []) or result.result or result.subtype
        if result.api_error_status == 401:
            raise LoginError(SIGN_IN.format(said=said))
        raise AgentError(
            f"Claude could not split the plan: {said}", "Give the plan a '## Tasks' section yourself."
        )
    if not isinstance(result.structured_output, dict):
        raise AgentError(
            "Claude answered, but not in the form that was asked for.",
            "Try again, or give the plan a '## Tasks' section yourself.",
        )
    return result.structured_output


def _check_login(sdk: Any, message: Any) -> None:
    refused = (
        isinstance(message, sdk.SystemMessage)
        and message.subtype == "api_retry"
        and message.data.get("error_status") == 401
        and int(message.data.get("attempt") or 0) >= 3
    )
    if refused or (isinstance(message, sdk.AssistantMessage) and message.error == "authentication_failed"):
        raise LoginError(SIGN_IN.format(said="the model's API refused the key or token, or there is none"))
