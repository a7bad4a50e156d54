"""team and teams: who is in a run, who comes, who goes."""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import asdict
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.cli.printable import printable
from workbench.composition.past import read_run
from workbench.composition.place import open_place
from workbench.composition.requesting import ask
from workbench.composition.teamwork import Member, Team, team_of
from workbench.composition.teamwork import teams as all_teams
from workbench.core import events as e
from workbench.core.requests import Request, RequestShutdown, Spawn
from workbench.errors import UsageError


def show(run: str | None, extra: str | None, repo: Path, *, json: bool) -> int:
    """List a team; gives the exit code."""
    if extra is not None:
        raise UsageError(
            f"{extra!r} is one word too many.", "workbench team [RUN], or: add [NAME], remove NAME"
        )

    async def main() -> tuple[str, list[Member]]:
        state = read_run(await open_place(repo), run)
        return state.run, team_of(state)

    name, members = run_async(main())
    if json:
        print(jsonlib.dumps({"run": name, "members": [asdict(it) for it in members]}))
        return 0
    width = max((len(it.name) for it in members), default=0)
    for it in members:
        print(f"{it.name:<{width}}  {_line(it)}".rstrip())
    return 0


def _line(it: Member) -> str:
    words = [it.state]
    if it.state == "left":
        words.append(f"({printable(it.reason)})")
    if it.task:
        words.append(f"on {it.task}, {it.percent}%")
    if it.waits_for:
        words.append(f"for {it.waits_for} ({it.message})")
    if it.external:
        words.append("[from outside]")
    if it.role:
        words.append(f"[{printable(it.role)}]")
    return " ".join(words)


def add(name: str, role: str, run: str | None, repo: Path, *, json: bool) -> int:
    """Make a team larger; gives the exit code."""
    came = _asked(repo, run, Spawn(name=_short(name), role=_short(role)))
    joined = came if isinstance(came, e.TeammateJoined) else None
    if json:
        print(jsonlib.dumps({"name": joined.name if joined else None, "joined": joined is not None}))
    elif joined is not None:
        print(f"{joined.name} is in the team")
    else:
        print("it will be in the team when the run is resumed")
    return 0


def remove(name: str, reason: str, run: str | None, repo: Path, *, now: bool, json: bool) -> int:
    """Ask somebody to leave, or send them away; gives the exit code."""
    if not name:
        raise UsageError("Who is to leave?", "workbench team remove NAME; `workbench team` lists them")
    request = RequestShutdown(teammate=_short(name), reason=reason[:20_000], now=now)
    came = _asked(repo, run, request)
    asked = came.message if isinstance(came, e.MessageSent) else None
    gone = isinstance(came, e.TeammateLeft)
    if json:
        print(jsonlib.dumps({"name": name, "left": gone, "message": asked.id if asked else None}))
    elif gone:
        print(f"{name} has left the team")
    elif asked is not None:
        print(f"{name} was asked to leave ({asked.id})")
        explain("it may say no; `workbench team` shows how it stands", "--now ends it without asking")
    else:
        print(f"{name} is leaving; what it has is kept")
    return 0


def _asked(repo: Path, run: str | None, request: Request) -> e.Event | None:
    async def main() -> e.Event | None:
        return (await ask(await open_place(repo), run, request)).event

    return run_async(main())


def _short(word: str) -> str:
    if len(word) > 64:
        raise UsageError(f"{printable(word[:20])}… is too long.", "Names and roles have up to 64 characters.")
    return word


def show_all(repo: Path, *, json: bool) -> int:
    """List all teams; gives the exit code."""

    async def main() -> list[Team]:
        return all_teams(await open_place(repo))

    found = run_async(main())
    if json:
        print(jsonlib.dumps({"teams": [asdict(it) for it in found]}))
        return 0
    if not found:
        print("no run goes on, and none can be resumed", file=sys.stderr)
    for it in found:
        how = "going on" if it.going_on else "can be resumed"
        print(f"{it.run}  {how}, {it.landed} of {it.tasks} landed: {', '.join(it.members) or 'nobody'}")
        print(f"  {printable(it.title)}, in {it.repository}")
    return 0
