"""join: somebody's own session, or any command, becomes a teammate of a run."""

from __future__ import annotations

import asyncio
import json as jsonlib
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.folder import BRIEF, FOLDER
from workbench.adapters.seats import Offer, caller
from workbench.adapters.store.sqlite import SqliteStore
from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.cli.printable import printable
from workbench.composition.joining import Joiner, Over, Told, ask_to_join, going_on, own_worktree, seated
from workbench.composition.place import Place, open_place
from workbench.errors import UsageError

CUT_SHORT = 1
"""The exit code when the run is gone, and what was being done with it."""


@dataclass(frozen=True)
class Wish:
    """What the command line asked for."""

    run: str | None
    repo: Path
    name: str
    role: str
    command: str
    wait: bool
    fresh: bool
    json: bool


def joining(wish: Wish, *, following: bool, leaving: bool) -> int:
    """Join a run, go on as somebody who has, or leave; gives the exit code."""
    if following and leaving:
        raise UsageError("--next and --leave do not go together.", "Choose one.")
    if len(wish.name) > 64 or len(wish.role) > 64:
        raise UsageError("Names and roles have up to 64 characters.", "Choose a shorter one.")

    async def main() -> int:
        place = await open_place(wish.repo)
        run = going_on(place, wish.run)
        with place.reading() as store:
            if following or leaving:
                joiner = seated(place, run, store)
                return await (_leave(joiner, wish) if leaving else _next(joiner, wish))
            return await _join(place, run, store, wish)

    return run_async(main())


async def _join(place: Place, run: str, store: SqliteStore, wish: Wish) -> int:
    worktree = await own_worktree(place, fresh=wish.fresh)
    joiner = await ask_to_join(
        place, run, store, name=wish.name, role=wish.role, command=wish.command, worktree=worktree
    )
    try:
        if asked := await joiner.asked():
            explain(f"asked to be let in ({asked})", f"workbench answer {asked} yes")
        if not wish.wait and not wish.command:
            return 0
        await joiner.admitted()
        explain(f"you are {joiner.name} in the run {run}")
        if wish.command:
            return _ended(await joiner.work(wish.command, explain), place, wish)
        return await _next(joiner, wish)
    except asyncio.CancelledError:
        if not wish.command:  # whoever called holds the seat, and may go on with --next
            raise
        _not_cancelled()
        explain("leaving; what there is, is kept")
        return _ended(await joiner.depart(), place, wish)


def _not_cancelled() -> None:
    """Leaving in good order takes a moment, in which this goes on."""
    if (task := asyncio.current_task()) is not None:
        task.uncancel()


async def _next(joiner: Joiner, wish: Wish) -> int:
    joiner.seat.take(caller())
    await joiner.admitted()
    found = await joiner.next()
    if isinstance(found, Over):
        return _ended(found, joiner.place, wish)
    if isinstance(found, Told):
        _print({"what": "message", "name": found.name, "text": found.text}, found.text, wish)
        return 0
    _print(_fields(joiner, found), _words(joiner, found), wish)
    joiner.seat.begin(found)
    return 0


async def _leave(joiner: Joiner, wish: Wish) -> int:
    return _ended(await joiner.depart(), joiner.place, wish)


def _fields(joiner: Joiner, offer: Offer) -> dict[str, object]:
    return {
        "what": "task",
        "run": joiner.run,
        "name": offer.teammate,
        "task": offer.task,
        "attempt": offer.attempt,
        "worktree": offer.worktree,
        "brief": _brief(offer),
    }


def _words(joiner: Joiner, offer: Offer) -> str:
    return f"""\
You are {offer.teammate}, teammate in the run {joiner.run}. Task {offer.task}, attempt {offer.attempt}.
Work in {offer.worktree} and nowhere else:

  cd {shlex.quote(offer.worktree)}

Report from there: `workbench mark progress --percent N "..."`, `workbench mark question "..."`. When all is
committed, `workbench mark done "what changed"`; when you cannot go on, `workbench mark blocked "why"`. After
that, and whenever you wait for something, `workbench join --next` waits for what comes next and prints it:
what the checks say, a message, or another task. `workbench join --leave` leaves the team.

The brief (also in {FOLDER}/{BRIEF}):

{_brief(offer)}"""


def _brief(offer: Offer) -> str:
    return (Path(offer.worktree) / FOLDER / BRIEF).read_text(encoding="utf-8", errors="replace")


def _print(fields: dict[str, object], text: str, wish: Wish) -> None:
    print(jsonlib.dumps(fields) if wish.json else text)


def _ended(over: Over, place: Place, wish: Wish) -> int:
    """Say why there is nothing more to do; gives the exit code."""
    if wish.json:
        print(jsonlib.dumps({"what": "over", "reason": over.reason}))
    else:
        print(f"over: {printable(over.reason)}", file=sys.stderr if wish.command else sys.stdout)
    if over.cut_short:
        how = "`workbench resume` goes on with it; then, or by `workbench clean`, a worktree that you brought"
        explain("what you had is kept", f"{how} is given back")
    return CUT_SHORT if over.cut_short else 0
