"""resolve: a person brings in the work of a task that was given up."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.cli.running import go
from workbench.cli.trust import asking
from workbench.composition.past import read_run
from workbench.composition.place import open_place
from workbench.composition.provided import Stuck, stuck
from workbench.composition.runs import resume_run


def resolve(task: str, commit: str | None, run: str | None, repo: Path, *, headless: bool, json: bool) -> int:
    """Say how to bring ``task`` in, or take ``commit`` for it and go on with the run; the exit code."""

    async def main() -> int:
        place = await open_place(repo)
        if commit is None:
            found = stuck(place, read_run(place, run), task)
            print(jsonlib.dumps(asdict(found)) if json else _words(found))
            return 0
        ask = asking(headless, json)
        opening = resume_run(place, run, provided=(task, commit), say=explain, ask=ask)
        return await go(place, opening, headless, json)

    return run_async(main())


def _words(found: Stuck) -> str:
    why = f": {found.reason}" if found.reason else ""
    lines = [f"{found.task}: {found.title}", f"{found.status}{why}"]
    if found.paths:
        others = f" with {', '.join(found.others)}" if found.others else ""
        lines.append(f"it conflicts{others} in {', '.join(found.paths)}")
    if found.evidence and found.evidence.strip() != found.reason:
        lines += ["", *(f"  {line}".rstrip() for line in found.evidence.splitlines())]
    return "\n".join([*lines, "", *found.commands])
