"""Commands about what a repository may do, and what was decided. ``app`` takes them in."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import HERE, Json, Repo, RunId


def trust(
    repo: Repo = HERE,
    at: Annotated[
        str | None, typer.Option("--at", metavar="REF", help="The commit to look at, if not HEAD.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="You have read the list: trust all of it.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust nothing here any more.")] = False,
    json: Json = False,
) -> None:
    """Show what a repository can run, and trust it.

    CLAUDE.md, `.claude`, MCP servers, git hooks, filters and drivers, and commands in workbench.toml: each
    with its hash, and what is new. Without your word runs load none of it for teammates. A change asks
    again. Exit 1: not trusted.
    """
    from workbench.cli.trust import trust as body

    raise typer.Exit(body(repo, at, yes=yes, revoke=revoke, json=json))


def audit(
    run: RunId = None,
    repo: Repo = HERE,
    form: Annotated[
        str | None, typer.Option("--format", metavar="FORM", help="json (lines) or csv, if not a table.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the log's chain, and its landings against git.")
    ] = False,
) -> None:
    """Who decided what in a run, and what landed.

    Approvals, answers, permissions asked and denied, landings with their verdicts, what was undone, alarms,
    and who asked for what. Exit 1: --verify found something that does not hold.
    """
    from workbench.cli.audit import audit as body

    raise typer.Exit(body(run, repo, "json" if json else form, verify=verify))
