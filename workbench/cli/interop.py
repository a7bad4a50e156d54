"""Commands that write and read what other programs keep. ``app`` takes them in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import HERE, Json, Repo, RunId
from workbench.errors import UsageError

ClaudeTeam = Annotated[
    bool, typer.Option("--claude-team", help="As the team and task files of Claude Code's own teams.")
]
Force = Annotated[bool, typer.Option("--force", help="Move aside what is there and not ours.")]


def export(
    run: RunId = None,
    claude_team: ClaudeTeam = False,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Below this folder, not CLAUDE_CONFIG_DIR or ~/.claude."),
    ] = None,
    force: Force = False,
    repo: Repo = HERE,
    json: Json = False,
) -> None:
    """Write a run as a team of Claude Code's: members, tasks, mail.

    A snapshot, as the team `workbench-RUN`; exporting again brings it up to date. What Claude Code
    does to these files comes back by `workbench import` only. Its format is experimental.
    """
    _demand(claude_team)
    from workbench.cli.claudeteam import export_team

    raise typer.Exit(export_team(run, to, repo, force=force, json=json))


def import_(
    team: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A team's name, or its folder of tasks.")],
    claude_team: ClaudeTeam = False,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where the plan goes.")
    ] = Path("plan.md"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
    json: Json = False,
) -> None:
    """Make a plan of the tasks of a team of Claude Code's.

    What is completed is left out, and told, as is all else that is not taken. Read the plan before you
    approve it: its text is others'.
    """
    _demand(claude_team)
    from workbench.cli.claudeteam import import_team

    raise typer.Exit(import_team(team, output, force=force, json=json))


def _demand(claude_team: bool) -> None:
    if not claude_team:
        raise UsageError("Say which form is meant.", "There is one: --claude-team.")
