"""Where Claude Code is, which version it is, and whether it is signed in."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import AgentError, SetupError

OLDEST = (2, 1, 248)
"""The first version that delivers text exactly as written, which messages between teammates need."""

ANSWER_SECONDS = 20.0
"""How long Claude Code may take to answer a question about itself; it takes a quarter of a second."""


def find_claude(which: str, path: str | None = None) -> Path:
    """The Claude Code that the setting ``which`` means (see ClaudeSettings), ``path`` standing for PATH.

    Raises SetupError when it is not there. Does not import the SDK.
    """
    if which == "bundled":
        spec = importlib.util.find_spec("claude_agent_sdk")
        if spec is not None and spec.origin is not None:
            found = Path(spec.origin).parent / "_bundled" / "claude"
            if os.access(found, os.X_OK):
                return found
        raise SetupError(
            "The installed claude-agent-sdk carries no Claude Code for this machine.",
            "Install Claude Code (https://claude.com/claude-code) and set claude = 'path'.",
        )
    if which == "path":
        on_path = shutil.which("claude", path=path)
        if on_path is None:
            raise SetupError(
                "There is no 'claude' on PATH.", "Install Claude Code or set claude = 'bundled'."
            )
        return Path(on_path).absolute()
    given = Path(which).expanduser()
    if not given.is_absolute():
        raise SetupError(
            f"The setting claude = {which!r} is neither 'bundled', 'path' nor an absolute path.",
            "Use one of the three.",
        )
    if not (given.is_file() and os.access(given, os.X_OK)):
        raise SetupError(f"There is no program at {given}.", "Correct the setting 'claude'.")
    return given


async def claude_version(path: Path | str) -> str:
    """The version of the Claude Code at ``path``, like ``2.1.329``. Raises AgentError if it gives none."""
    code, out, err = await _ask(path, {}, "--version")
    found = re.match(r"\d+\.\d+\.\d+\S*", out)
    if code != 0 or found is None:
        said = (err or out).strip().splitlines()
        raise AgentError(
            f"{path} does not answer as Claude Code does: {said[-1] if said else f'exit code {code}'}",
            "Reinstall Claude Code or correct the setting 'claude'.",
        )
    return found.group()


def is_recent(version: str) -> bool:
    """Whether ``version`` is one that workbench can work with."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    return numbers >= OLDEST


@dataclass(frozen=True, slots=True)
class LoginState:
    """How Claude Code would sign in. ``method`` is its own word (``api_key``, ``oauth_token``,
    ``claude.ai``, ``third_party``, ``none``…), ``provider`` who serves the model, ``source`` where a
    key comes from. None of them is a secret. Signed in does not mean that the key is accepted."""

    signed_in: bool
    method: str
    provider: str
    source: str = ""


async def login_state(path: Path | str, env: Mapping[str, str]) -> LoginState:
    """Ask the Claude Code at ``path`` how it is signed in with ``env`` as its whole environment.

    It knows keys, tokens, its credentials file, the macOS keychain, key helpers and cloud providers.
    Makes no request to anyone. Raises AgentError when it gives no answer.
    """
    code, out, err = await _ask(path, env, "auth", "status", "--json")
    answer: Any = None
    with suppress(ValueError):
        answer = json.loads(out)
    if not isinstance(answer, dict) or "loggedIn" not in answer:
        said = (err or out).strip().splitlines()
        raise AgentError(
            f"Claude Code did not say whether it is signed in: {said[-1] if said else f'exit code {code}'}",
            "Run 'claude auth status' yourself.",
        )
    return LoginState(
        signed_in=bool(answer["loggedIn"]),
        method=str(answer.get("authMethod", "")),
        provider=str(answer.get("apiProvider", "")),
        source=str(answer.get("apiKeySource") or ""),
    )


async def _ask(path: Path | str, env: Mapping[str, str], *words: str) -> tuple[int | None, str, str]:
    try:
        process = await asyncio.create_subprocess_exec(
            str(path),
            *words,
            env={"PATH": os.defpath, **env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise AgentError(f"{path} cannot be started: {error.strerror}.", "Reinstall Claude Code.") from error
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise AgentError(
            f"{path} did not answer within {ANSWER_SECONDS:.0f} s.", "Try it by hand."
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")
