"""Commands that keep house after runs. ``app`` takes them in."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import HERE, Json, Repo, RunId


def clean(
    run: RunId = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every run that is not going on, and what no log knows.")
    ] = False,
    repo: Repo = HERE,
    into: Annotated[
        str | None,
        typer.Option("--into", metavar="BRANCH", help="The branch it was landed on, if not the target."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and its size.")] = False,
    without_log: Annotated[
        bool,
        typer.Option(
            "--without-log", help="Also free the worktrees of RUN when its log is gone: all is pinned first."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Free worktrees, processes and disk after a run.

    What has not landed stays, and is named with the reason. What a worktree holds is pinned before it
    goes: `workbench undo --list` shows it. Branches and pins go when what they hold has landed. The log
    stays, so that `workbench report` still works. Exit 1: something could not be removed.
    """
    from workbench.cli.clean import clean as body

    raise typer.Exit(
        body(run, repo, every=every, into=into, without_log=without_log, dry_run=dry_run, json=json)
    )
