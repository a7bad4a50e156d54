"""land: the work of a run goes to the branch it was meant for."""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import asdict
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.composition.place import open_place
from workbench.composition.proposal import Proposal, propose
from workbench.composition.target import Arrival, RedMerge
from workbench.composition.target import land as bring


def land(run: str | None, repo: Path, into: str | None, *, pr: bool, json: bool) -> int:
    """Land a run on its target, or push it and open a pull request; gives the exit code."""

    async def main() -> Arrival | Proposal:
        place = await open_place(repo)
        return await (propose if pr else bring)(place, run, into, explain)

    try:
        done = run_async(main())
    except RedMerge as red:
        print(red.output, file=sys.stderr)
        raise
    if json:
        print(jsonlib.dumps(asdict(done), default=str))
    elif isinstance(done, Proposal):
        _tell_proposal(done)
    else:
        _tell_arrival(done)
    return 0


def _tell_arrival(done: Arrival) -> None:
    if done.how == "already":
        print(f"{done.into} at {done.old[:10]} holds all of run {done.run} already")
        return
    how = "fast-forward to" if done.how == "fast-forward" else "merge of"
    tasks = f"{done.landed} of {done.tasks} tasks of run {done.run}"
    print(f"{done.into} {done.old[:10]}..{done.new[:10]}: {how} {done.branch}, {tasks}")
    if done.checkout is None:
        back = f"git update-ref refs/heads/{done.into} {done.old[:10]} {done.new[:10]}"
    else:
        where = "" if Path.cwd().is_relative_to(done.checkout) else f"-C {done.checkout} "
        back = f"git {where}reset --keep {done.old[:10]}"
    print(f"to take it back: {back}", file=sys.stderr)


def _tell_proposal(done: Proposal) -> None:
    print(f"pushed {done.branch} at {done.commit[:10]} to origin, {done.landed} of {done.tasks} tasks")
    if done.url:
        print(done.url)
        return
    onto = done.into or "the default branch"
    more = f" at {done.visit}" if done.visit else " on the web, or install `gh` and run this again"
    explain(
        "there is no pull request yet: `gh`, GitHub's command line, was not found",
        f"open one from {done.branch} into {onto}{more}",
    )
