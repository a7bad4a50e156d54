"""Commands for continuous integration: hand work over to a job that may push, and set a repository up.
``app`` takes them in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import HERE, Json, Repo, RunId


def pack(
    run: RunId = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="The folder that is written.")
    ] = Path("workbench-pack"),
    repo: Repo = HERE,
    json: Json = False,
) -> None:
    """Write what landed as files that another job can push.

    A git bundle, the run's log with its hashes, the report, and a manifest. `workbench deliver DIR` takes
    them, in a checkout with the right to push and without a key for a model.
    """
    from workbench.cli.handover import pack as body

    raise typer.Exit(body(run, output, repo, json=json))


def deliver(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `workbench pack` wrote.")],
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="The branch to push; workbench/PLAN if not given.")
    ] = "",
    into: Annotated[
        str,
        typer.Option("--into", metavar="BRANCH", help="What the pull request is for, if not the default."),
    ] = "",
    gate: Annotated[
        list[str] | None,
        typer.Option("--gate", metavar="CMD", help="A gate that must be green; the plan's if not given."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="GLOB", help="Guarded files that may come; repeatable."),
    ] = None,
    no_gates: Annotated[
        bool, typer.Option("--no-gates", help="Take work that no gate has proven. You mean it.")
    ] = False,
    any_plan: Annotated[
        bool, typer.Option("--any-plan", help="The plan need not be a file of this checkout.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only verify.")] = False,
    repo: Repo = HERE,
    json: Json = False,
) -> None:
    """Verify a pack, push it, and open a pull request.

    Nothing in it is believed: the hashes, the log's chain, the commits against the log, the gates of the tip
    and the files that changed are checked against this checkout. Exit 2, and nothing is pushed, if any of it
    does not hold. A branch on origin is only replaced where nobody else has pushed to it.
    """
    from workbench.cli.handover import Wanted
    from workbench.cli.handover import deliver as body

    wanted = Wanted(
        folder, branch, into, tuple(gate or ()), tuple(allow or ()), no_gates, any_plan, dry_run, repo, json
    )
    raise typer.Exit(body(wanted))


def init(
    repo: Repo = HERE,
    yes: Annotated[bool, typer.Option("--yes", help="Take what was found, and ask nothing.")] = False,
    no_workflow: Annotated[bool, typer.Option("--no-workflow", help="Write workbench.toml only.")] = False,
    requirement: Annotated[
        str | None,
        typer.Option("--requirement", metavar="REQ", help="What a job's pip installs workbench from."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files if they exist.")] = False,
) -> None:
    """Set a repository up: workbench.toml, and a workflow for GitHub.

    Gates and set-up commands are found in the repository's own files. Files that exist are left
    alone, unless --force is given.
    """
    from workbench.cli.init import init as body

    raise typer.Exit(body(repo, yes=yes, workflow=not no_workflow, requirement=requirement, force=force))
