"""The operating system's sandbox around Claude Code's Bash tool, and the rest of its settings."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.adapters.agents.claude.settings import ClaudeSettings
from workbench.adapters.agents.environment import SECRETS, claude_environment
from workbench.adapters.walls.bubblewrap import bubblewrap_fails
from workbench.adapters.walls.places import secret_places
from workbench.errors import SetupError

SIGNING_IN = ("apiKeyHelper", "awsAuthRefresh", "awsCredentialExport", "gcpAuthRefresh", "proxyAuthHelper")
"""Of the user's Claude Code settings, those without which some users cannot sign in."""


async def sandbox_missing(path: str | None = None) -> str:
    """Why there is no sandbox on this machine (a phrase), or "" when there is one."""
    system = platform.system()
    if system == "Darwin":
        return "" if shutil.which("sandbox-exec", path=path) else "sandbox-exec is not on PATH"
    if system != "Linux":
        return f"there is none for {system}"
    missing = [name for name in ("bwrap", "socat") if shutil.which(name, path=path) is None]
    if missing:
        return f"{' and '.join(missing)} not found"
    return await bubblewrap_fails(shutil.which("bwrap", path=path) or "bwrap")


async def sandboxed(settings: ClaudeSettings, path: str | None = None) -> bool:
    """Whether teammates are to be sandboxed. Raises SetupError when they must be and cannot."""
    if settings.sandbox == "off":
        return False
    missing = await sandbox_missing(path)
    if missing and settings.sandbox == "on":
        raise SetupError(
            f"The sandbox is switched on but cannot work: {missing}.",
            "Install bubblewrap and socat, or set sandbox = 'auto' to go on without.",
        )
    return not missing


def claude_settings(
    settings: ClaudeSettings,
    *,
    in_sandbox: bool,
    home: Path,
    signing_in: Mapping[str, Any],
    kept: Iterable[Path] = (),
    web: bool = True,
    logins: str = "",
) -> str:
    """The JSON that Claude Code gets as its highest settings. ``kept`` are places where a command in the
    sandbox never writes, whatever else is allowed; ``web`` lets it search there; ``logins`` is Claude Code's
    own folder where that is not below ``home``.

    ``permissions.allow`` stands here rather than in the SDK's ``allowed_tools`` because the tools of
    our own server are to be allowed as a whole, which the SDK warns about.
    """
    allowed = ["mcp__workbench", *(["WebSearch"] if web else [])]
    chosen: dict[str, Any] = {**signing_in, "permissions": {"allow": allowed}}
    if in_sandbox:
        chosen["sandbox"] = {
            "enabled": True,
            "failIfUnavailable": True,
            "autoAllowBashIfSandboxed": True,
            "allowUnsandboxedCommands": False,
            # Without the strict list every new host would be a question nobody answers.
            "network": {"allowedDomains": list(settings.allowed_domains), "strictAllowlist": True},
            "filesystem": {
                "denyRead": [str(place) for place in secret_places(home, logins)],
                "allowWrite": [_at_home(place, home) for place in settings.writable],
                "denyWrite": [str(place) for place in kept],
            },
            # Claude Code has the key, the commands it runs do not.
            "credentials": {"envVars": [{"name": name, "mode": "deny"} for name in SECRETS]},
        }
    else:
        chosen["sandbox"] = {"enabled": False}
    return json.dumps(chosen)


def _at_home(place: str, home: Path) -> str:
    return str(home) + place[1:] if place == "~" or place.startswith("~/") else place


def signing_in_settings(env: Mapping[str, str], allowed: Collection[str] = SIGNING_IN) -> dict[str, Any]:
    """What the user's own ``settings.json`` says about signing in, and nothing else of it.

    A file that is not there or cannot be read says nothing: Claude Code itself then reports that it
    is not signed in.
    """
    folder = (
        Path(env["CLAUDE_CONFIG_DIR"])
        if env.get("CLAUDE_CONFIG_DIR")
        else Path(env.get("HOME", "/"), ".claude")
    )
    try:
        found = json.loads((folder / "settings.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    chosen = {name: found[name] for name in allowed if name in found}
    variables = found.get("env")
    if isinstance(variables, dict):
        kept = _model_variables(variables)
        if kept:
            chosen["env"] = kept
    return chosen


def _model_variables(variables: Mapping[str, Any]) -> dict[str, str]:
    return claude_environment({str(name): str(value) for name, value in variables.items()})


def forgetful(folder: Path) -> Path:
    """A file that Claude Code reads before each shell command: without a sandbox, it takes the model
    provider's secrets out of the command's environment."""
    path = folder / "forget.sh"
    path.write_text(f"unset {' '.join(SECRETS)}\n")
    return path
