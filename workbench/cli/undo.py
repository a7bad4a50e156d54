"""undo: what landed is taken off the integration branch again."""

from __future__ import annotations

import json as jsonlib
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.composition.place import open_place
from workbench.composition.undo import RedUndo, Undone
from workbench.composition.undo import undo as take_off


def undo(tasks: list[str], run: str | None, repo: Path, *, dry_run: bool, json: bool) -> int:
    """Undo landings of a run; gives the exit code."""

    async def main() -> Undone:
        place = await open_place(repo)
        return await take_off(place, tasks, run, explain, dry_run=dry_run)

    try:
        done = run_async(main())
    except RedUndo as red:
        print(red.output, file=sys.stderr)
        raise
    if json:
        found = asdict(done) | {"reversals": [it.model_dump() for it in done.reversals]}
        print(jsonlib.dumps(found))
    else:
        _tell(done)
    return 0


def _tell(done: Undone) -> None:
    words = "would be undone" if done.dry_run else "undone"
    for it in done.reversals:
        why = done.why[it.task]
        because = "" if why == "named" else f" ({why})"  # nobody wonders about what they named
        print(f"{it.task} {words}{because}: landed as {it.landing[:10]}")
    if done.dry_run:
        gates = ", ".join(f"`{gate}`" for gate in done.gates)
        print(f"then {done.branch} would have to be green on {gates}" if gates else "no gate would run")
        return
    print(f"{done.branch} {done.old[:10]}..{done.new[:10]}")
    for folder in done.behind:
        explain(
            f"{folder} shows this branch, and its files are as they were: a commit there takes the undo back",
            f"git -C {shlex.quote(folder)} read-tree -m -u {done.old[:10]} {done.new[:10]}",
        )
    if done.held:
        print(f"held, for they wait for what is undone: {', '.join(done.held)}", file=sys.stderr)
    if done.there:
        print(
            f"{done.target} has {', '.join(done.there)} already; "
            f"`workbench land {done.run}` brings the revert there, too",
            file=sys.stderr,
        )
    landings = " ".join(it.landing[:10] for it in reversed(done.reversals))
    print(
        f"nothing is lost; to have it back: `git switch -c NAME {done.branch} && "
        f"git cherry-pick -m 1 {landings}`",
        file=sys.stderr,
    )
