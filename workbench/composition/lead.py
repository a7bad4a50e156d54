"""The lead of a run: who it is, where it sits, and whether it can be had at all."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from workbench.adapters.agents.environment import claude_environment
from workbench.adapters.git import restraint
from workbench.adapters.git.checkouts import Checkouts
from workbench.adapters.git.furnishing import Furnishing
from workbench.composition.place import Place
from workbench.core.models import RunSettings
from workbench.engine.ports import Seat
from workbench.errors import SetupError, WorkbenchError

LeadExtras = Callable[[int, Path], Mapping[str, str]]


def no_lead_extras(life: int, place: Path) -> Mapping[str, str]:
    """The environment of a lead needs nothing besides the usual."""
    return {}


@asynccontextmanager
async def open_seat(
    place: Place,
    run: str,
    settings: RunSettings,
    *,
    environment: Mapping[str, str],
    known: Mapping[str, str],
    folder: Path,
    extras: LeadExtras = no_lead_extras,
) -> AsyncIterator[Seat | None]:
    """The lead's seat; None in a run without one. ``environment`` is what there is, ``known`` marks the run's
    own processes. Nothing is made before the lead is called; leaving removes its checkout."""
    if not settings.lead:
        yield None
        return
    from workbench.adapters.agents.claude import ClaudeLead, ClaudeSettings

    # As git has it: what a worktree gets besides is for those who work there.
    plain = Furnishing(place.root)
    checkouts = Checkouts(place.repository, place.worktrees(run), plain, slots=1, name="lead")
    lead = ClaudeLead(ClaudeSettings(claude=place.settings.claude, launchers=folder))
    try:
        env = {**claude_environment(environment, place.settings.env), **restraint.variables(), **known}
        yield Seat(lead, checkouts, env, extras)
    finally:
        await checkouts.aclose()


async def demand_lead(place: Place, settings: RunSettings) -> None:
    """Raise SetupError unless there is a Claude Code that is signed in, to lead. Asked where the teammates
    are commands: of Claude teammates the first one finds out, and the run waits for the login."""
    from workbench.adapters.agents.claude import find_claude, login_state

    without = "or run without a lead (lead = '')"
    try:
        claude = find_claude(place.settings.claude, os.environ.get("PATH"))
        if settings.agent == "claude":
            return
        state = await login_state(claude, claude_environment(os.environ, place.settings.env))
    except WorkbenchError as missing:
        raise SetupError(f"There is no Claude Code to lead: {missing}", f"{missing.hint} {without}") from None
    if not state.signed_in:
        raise SetupError(
            "The lead is a Claude Code session, and Claude Code is not signed in.",
            f"Run 'claude' and /login, or set ANTHROPIC_API_KEY, {without}.",
        )
