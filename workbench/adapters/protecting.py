"""Which protection the settings and this machine give, as it is found before anything starts."""

from __future__ import annotations

from workbench.adapters.walls.bubblewrap import bubblewrap_missing
from workbench.config import Settings
from workbench.core.protection import Protection


async def protection(settings: Settings, agent: str, path: str | None) -> Protection:
    """What holds, and what is missing, where ``agent`` is the setting of that name; ``path`` stands for PATH.
    Claude Code brings a sandbox of its own, which works on macOS too, and needs socat besides."""
    wanted = settings.sandbox != "off"
    gates = await bubblewrap_missing(path) if wanted else ""
    agents = gates
    if wanted and agent == "claude":
        from workbench.adapters.agents.claude.sandbox import sandbox_missing

        agents = await sandbox_missing(path)
    return Protection(
        sandbox=settings.sandbox,
        agents=wanted and not agents,
        gates=wanted and not gates,
        missing=gates or agents,
        gate_network=settings.gate_network,
        domains=settings.sandbox_domains,
        write=settings.sandbox_write,
    )
