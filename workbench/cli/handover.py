"""pack and deliver: work goes from the job that made it to the one that may push."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.composition import delivering, packing
from workbench.composition.place import open_place
from workbench.core.report import headline


@dataclass(frozen=True)
class Wanted:
    """What the command line asks of a delivery."""

    folder: Path
    branch: str
    into: str
    gates: tuple[str, ...]
    allow: tuple[str, ...]
    no_gates: bool
    any_plan: bool
    dry_run: bool
    repo: Path
    json: bool


def pack(run: str | None, folder: Path, repo: Path, *, json: bool) -> int:
    """Write a pack; gives the exit code."""

    async def main() -> packing.Packed:
        return await packing.pack(await open_place(repo), run, folder)

    done = run_async(main())
    if json:
        print(done.manifest.model_dump_json())
        return 0
    print(f"{folder}: run {done.manifest.run}, {headline(done.report)}")
    if done.manifest.tip == done.manifest.base:
        explain("nothing has landed: the pack brings the log and the report, and no commit")
    return 0


def deliver(wanted: Wanted) -> int:
    """Verify a pack and push it; gives the exit code."""
    terms = delivering.Terms(wanted.gates, wanted.allow, wanted.no_gates, wanted.any_plan)

    async def main() -> delivering.Delivered:
        place = await open_place(wanted.repo)
        return await delivering.deliver(
            place, wanted.folder, terms, branch=wanted.branch, into=wanted.into, dry_run=wanted.dry_run
        )

    done = run_async(main(), "what was pushed is on origin as a whole, or not at all; run it again")
    if wanted.json:
        print(jsonlib.dumps(asdict(done)))
        return 0
    tasks = f"{done.landed} of {done.tasks} tasks of run {done.run}"
    green = ", ".join(f"`{gate}`" for gate in done.gates) or "no gate"
    if wanted.dry_run:
        print(f"{wanted.folder} holds: {tasks}, green by {green}; nothing was pushed")
    elif not done.pushed:
        print(f"{wanted.folder} holds, and nothing has landed: there is nothing to push")
    else:
        print(f"pushed {done.branch} at {done.commit[:10]} to origin: {tasks}, green by {green}")
        if done.url:
            print(done.url)
        else:
            explain("there is no pull request yet: `gh`, GitHub's command line, was not found")
    return 0
