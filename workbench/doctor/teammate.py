"""What teammates need: Claude Code, a login and a sandbox, or the command that stands for them."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Mapping
from pathlib import Path

from workbench.adapters.agents.claude.binary import (
    OLDEST,
    claude_version,
    find_claude,
    is_recent,
    login_state,
)
from workbench.adapters.agents.command import absent, finds
from workbench.adapters.agents.environment import claude_environment
from workbench.adapters.protecting import protection
from workbench.config import Settings
from workbench.core.protection import protected
from workbench.doctor.finding import Finding, Level

SIGN_IN = (
    "Run `claude` once and sign in (`claude setup-token` gives a token for machines without a browser), "
    "or set ANTHROPIC_API_KEY. `workbench demo` and `workbench rehearse` need neither."
)
NAMESPACES = (
    "Let bwrap make user namespaces (on Ubuntu by an AppArmor profile, in a container by its security "
    "options), or run in a virtual machine or container that holds nothing else."
)


async def claude(settings: Settings, env: Mapping[str, str]) -> Finding:
    """Claude Code is there and new enough. Raises SetupError or AgentError where it is not."""
    binary = find_claude(settings.claude, env.get("PATH"))
    version = await claude_version(binary)
    told = f"Claude Code {version} ({settings.claude}: {binary})."
    if is_recent(version):
        return Finding("Claude Code", "ok", told)
    oldest = ".".join(map(str, OLDEST))
    return Finding(
        "Claude Code", "fail", f"{told} It is older than {oldest}.", "Update it, or set claude = 'bundled'."
    )


async def login(settings: Settings, env: Mapping[str, str]) -> Finding:
    """How Claude Code would sign in, by its own word; nobody is asked whether a key is accepted."""
    binary = find_claude(settings.claude, env.get("PATH"))
    state = await login_state(binary, claude_environment(env, settings.env))
    if not state.signed_in:
        return Finding("login", "fail", "Claude Code has no login and no key.", SIGN_IN)
    how = state.method + (f" from {state.source}" if state.source else "")
    return Finding("login", "ok", f"Claude Code signs in by {how} ({state.provider or 'unknown provider'}).")


async def sandbox(settings: Settings, env: Mapping[str, str]) -> Finding:
    """What the operating system's sandbox confines, by the same words as a run's report, and why not more."""
    found = await protection(settings, settings.agent, env.get("PATH"))
    told = " ".join(protected(found, settings.agent))
    if settings.sandbox == "off":
        return Finding(
            "sandbox", "warn", told, "Set sandbox = 'auto' unless this machine is a sandbox itself."
        )
    if not found.missing:
        return Finding("sandbox", "ok", told)
    level: Level = "fail" if settings.sandbox == "on" else "warn"
    hint = "Run in a virtual machine or container that holds nothing else."
    if platform.system() == "Linux":
        hint = "Install bubblewrap and socat." if "not found" in found.missing else NAMESPACES
    return Finding("sandbox", level, told, hint)


def command(settings: Settings, where: Path, env: Mapping[str, str]) -> Finding:
    """The program behind ``agent = "command:…"``, as far as its first word tells."""
    line = settings.agent.removeprefix("command:").strip()
    try:
        first = shlex.split(line)[0]
    except (ValueError, IndexError):
        return Finding(
            "agent", "fail", f"{line!r} is not a command that a shell understands.", "Set `agent`."
        )
    path = env.get("PATH", os.defpath)
    found = finds(first, path) or os.access(where / first, os.X_OK)
    if found or any(sign in first for sign in "=$`("):
        return Finding("agent", "ok", f"Teammates are run by: {line}")
    level: Level = "fail" if absent(line, settings.setup, path) else "warn"
    return Finding("agent", level, f"{first} is neither a program on PATH nor in {where}.", "Set `agent`.")
