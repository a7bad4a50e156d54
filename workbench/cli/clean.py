"""clean: what was freed, and what was kept and why."""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from workbench.adapters.disk import readable
from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.cli.printable import printable
from workbench.cli.progress import Patience
from workbench.composition.cleaning import Cleaned
from workbench.composition.cleaning import clean as clean_up
from workbench.composition.clearing import Thing
from workbench.composition.place import open_place

SHOWN = 8
"""Things of one kind that are named for one run."""


def clean(
    run: str | None,
    repo: Path,
    *,
    every: bool,
    into: str | None,
    without_log: bool,
    dry_run: bool,
    json: bool,
) -> int:
    """Clean up after runs; gives the exit code."""

    async def main() -> Cleaned:
        place = await open_place(repo)
        return await clean_up(
            place, run, Patience().say, every=every, into=into, without_log=without_log, dry_run=dry_run
        )

    done = run_async(main())
    if json:
        found = asdict(done) | {"bytes": done.size.bytes, "failed": done.failed}
        print(jsonlib.dumps(found, default=str))
    else:
        _tell(done)
    return 1 if done.failed else 0


def _tell(done: Cleaned) -> None:
    verb = "would be freed" if done.dry_run else "freed"
    for run in [*done.runs, ""]:
        freed = [it for it in done.freed if it.run == run]
        kept = [it for it in done.kept if it.run == run]
        if freed or kept:
            print(f"{run or 'left by processes that were killed'}:")
        for kind, things in _kinds(freed):
            for it in things[:SHOWN]:
                size = f"  {readable(it.size)}" if it.size else ""
                print(f"  {verb:<8} {kind:<9} {printable(it.what)}{size}{f'  ({it.why})' if it.why else ''}")
            _more(things)
        for _, things in _kinds(kept):
            for it in things[:SHOWN]:
                _tell_kept(it)
            _more(things)
    for note in done.notes:
        print(f"note: {printable(note)}")
    print(f"{verb}: {readable(done.size)}; the event log stays, for `workbench report`: {readable(done.log)}")
    if done.live:
        print(f"run {done.live} is going on, and was not touched")
    if done.others:
        explain(f"{len(done.others)} other runs have worktrees left", "workbench clean --all")


def _tell_kept(it: Thing) -> None:
    words = "FAILED " if it.failed else "kept"
    size = f"  {readable(it.size)}" if it.size else ""
    print(f"  {words:<8} {it.kind:<9} {printable(it.what)}{size}: {printable(it.why)}")
    for command in it.commands:
        print(f"             {command}")


def _kinds(things: list[Thing]) -> list[tuple[str, list[Thing]]]:
    return [(kind, list(found)) for kind, found in groupby(things, key=lambda it: it.kind)]


def _more(things: list[Thing]) -> None:
    if len(things) > SHOWN:
        print(f"           and {len(things) - SHOWN} more like that (--json names all)")
    sys.stdout.flush()
