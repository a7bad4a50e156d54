"""join, team and teams: their options. What they do is in ``joined`` and ``members``."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import HERE, Json, Repo

Name = Annotated[str | None, typer.Option("--name", metavar="N", help="Your name in the team.")]
Role = Annotated[str, typer.Option("--role", metavar="R", help="The role that the new one has.")]
OfRun = Annotated[
    str | None, typer.Option("--run", metavar="RUN", help="Which run; the one going on if not given.")
]


def join(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Which run; the one going on if not given.")
    ] = None,
    repo: Repo = HERE,
    name: Name = None,
    role: Role = "",
    command: Annotated[
        str | None, typer.Option("--command", metavar="CMD", help="Run CMD once for each task.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until you have a task.")] = True,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Do not use this worktree: have a new one made.")
    ] = False,
    following: Annotated[
        bool, typer.Option("--next", help="You have joined: wait for what comes next, and print it.")
    ] = False,
    leave: Annotated[bool, typer.Option("--leave", help="You have joined: leave the team.")] = False,
    json: Json = False,
) -> None:
    """Become a teammate of a run that goes on.

    Call it from a session of Claude Code that you started yourself, or from any shell: it prints your task,
    where to work on it and how to report. In a clean linked worktree of yours you work there, and get it back
    with its branch; elsewhere a worktree is made. With --command a program does each task, as
    `--agent command:CMD` would, until the run ends or you press Ctrl-C. You are let in when somebody says
    `workbench answer ID yes`, or by the setting on_join.
    """
    from workbench.cli.joined import Wish, joining

    wish = Wish(run, repo, name or "", role, command or "", wait, fresh, json)
    raise typer.Exit(joining(wish, following=following, leaving=leave))


def team(
    what: Annotated[
        str | None, typer.Argument(metavar="[RUN | add | remove]", help="A run to list, or what to do.")
    ] = None,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Whom to add (any free name) or remove.")
    ] = None,
    run: OfRun = None,
    repo: Repo = HERE,
    role: Role = "",
    now: Annotated[bool, typer.Option("--now", help="remove: without asking.")] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="remove: why.")] = "",
    json: Json = False,
) -> None:
    """Show who is in the team, make it larger, or let somebody go.

    `workbench team add [NAME]` adds a teammate of the run's agent. `workbench team remove NAME` asks one to
    leave; it may say no, and with --now it is not asked. What it was at is kept, and goes on with somebody
    else.
    """
    from workbench.cli import members as body

    if what == "add":
        raise typer.Exit(body.add(name or "", role, run, repo, json=json))
    if what == "remove":
        raise typer.Exit(body.remove(name or "", reason, run, repo, now=now, json=json))
    raise typer.Exit(body.show(what or run, name, repo, json=json))


def teams(repo: Repo = HERE, json: Json = False) -> None:
    """Runs that go on or can, in all your repositories.

    Each with who is in it.
    """
    from workbench.cli.members import show_all

    raise typer.Exit(show_all(repo, json=json))


def discover(repo: Repo = HERE, json: Json = False) -> None:
    """The same as `workbench teams`."""
    teams(repo, json=json)
