"""undo --list, and undo of what was kept aside: it comes back as a branch."""

from __future__ import annotations

import datetime
import json as jsonlib
import shlex
from dataclasses import asdict
from pathlib import Path

from workbench.cli.driving import run_async
from workbench.cli.printable import printable
from workbench.composition.place import open_place
from workbench.composition.salvage import Recovered, recover, recoverable
from workbench.core.salvage import Recoverable
from workbench.errors import UsageError

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The tree with nothing in it, for what has no commit before it."""


def recovering(
    ids: list[str],
    run: str | None,
    repo: Path,
    name: str | None,
    *,
    listing: bool,
    dry_run: bool,
    json: bool,
) -> int:
    """Show what can be brought back, or bring back one thing; gives the exit code."""
    if listing:
        if ids or name is not None:
            raise UsageError("--list takes no task and no branch.", "`--run RUN` narrows it to one run.")
        return _list(run, repo, json=json)
    if len(ids) != 1:
        raise UsageError("What was kept aside is brought back one by one.", "workbench undo ID [--as BRANCH]")
    if dry_run:
        raise UsageError("There is nothing to try: only a new branch is made.", "Leave out --dry-run.")

    async def main() -> Recovered:
        return await recover(await open_place(repo), ids[0], run, name)

    found = run_async(main())
    if json:
        print(jsonlib.dumps(asdict(found)))
    else:
        _tell(found)
    return 0


def _list(run: str | None, repo: Path, *, json: bool) -> int:
    async def main() -> list[Recoverable]:
        return await recoverable(await open_place(repo), run)

    found = run_async(main())
    if json:
        print(jsonlib.dumps({"items": [asdict(it) | {"at": _moment(it.at)} for it in found]}))
        return 0
    if not found:
        print("nothing landed, and nothing was kept aside")
    for it in found:
        who = " ".join(word for word in (it.task, f"by {it.teammate}" if it.teammate else "") if word)
        print(f"{_clock(it.at)}  {it.run}  {it.id}" + (f"  {who}" if it.id != it.task else ""))
        more = f", {', '.join(printable(path) for path in it.paths)}" if it.paths else ""
        more += " …" if it.files > len(it.paths) else ""
        print(f"  {printable(it.about)}; {it.files} file{'' if it.files == 1 else 's'}{more}")
        print(f"  {it.command}")
    return 0


def _clock(at: float) -> str:
    """When that was, by the user's clock."""
    return datetime.datetime.fromtimestamp(at).astimezone().isoformat(sep=" ", timespec="minutes")[:16]


def _moment(at: float) -> str:
    found = datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="seconds")
    return found.replace("+00:00", "Z")


def _tell(found: Recovered) -> None:
    branch = shlex.quote(found.branch)
    print(f"{found.branch} {'has' if found.made else 'already has'} it, at {found.commit[:10]}")
    print("your checkout is as it was; to look at it, and to take it or parts of it:")
    since = found.parent[:10] or EMPTY
    print(f"  git diff {since} {branch}")
    print(f"  git worktree add ../{found.branch.replace('/', '-')} {branch}")
    print(f"  git restore --source {branch} -- PATH")
