"""trust: what a repository can make workbench and agents do, and whether you let it."""

from __future__ import annotations

import json as jsonlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.driving import run_async
from workbench.cli.outcome import explain
from workbench.composition.place import open_place
from workbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.composition.trusting import Ask, Listing
    from workbench.core.trust.items import Trust

ON_TERMINAL = 12
"""Of each kind so many are shown, besides what is new, when a run asks."""

WITHHELD_HINT = (
    "`workbench trust` shows it, `workbench trust --yes` lets it count; or give it yourself, as WORKBENCH_…"
)

QUESTION = "Trust all of it, and load it for teammates? [y/N] "


def trust(repo: Path, at: str | None, *, yes: bool, revoke: bool, json: bool) -> int:
    """Show what there is, record that it is trusted, or take that back; gives the exit code: 0 when it is
    trusted now (or nothing is to be), 1 when it is not."""
    from workbench.adapters.git.repository import resolve
    from workbench.composition import trusting

    if yes and revoke:
        raise UsageError("--yes and --revoke say the opposite.", "Give one of them.")

    async def look() -> tuple[Listing, bool]:
        place = await open_place(repo)
        had = trusting.revoke(place) if revoke else False
        seen = await trusting.listing(place, await resolve(place.repository, at or "HEAD"))
        if not seen.items or seen.trusted is not None or revoke:
            return seen, had
        if not json:
            show(seen, sys.stdout)
        if yes or (not json and _terminal() and _agrees()):
            trusting.record(place, seen)
            seen = await trusting.listing(place, seen.commit)
        return seen, had

    seen, had = run_async(look())
    if json:
        print(jsonlib.dumps(_data(seen), indent=2))
    elif revoke:
        print("nothing in this repository is trusted any more" if had else "nothing here was trusted")
    elif not seen.items:
        print("nothing in this repository runs code or steers agents")
    elif seen.trusted is None:
        explain("not trusted", "workbench trust --yes")
    else:
        if not yes:
            show(seen, sys.stdout)
        print(_recorded(seen))
    return 0 if revoke or seen.trusted is not None or not seen.items else 1


def show(seen: Listing, out: object) -> None:
    """The list for a person."""
    from workbench.core.trust.words import lines

    for line in lines(seen.items, seen.news):
        print(line, file=out)  # type: ignore[call-overload]


def asking(headless: bool, json: bool) -> Ask | None:
    """Who is asked whether a repository is trusted; None where nobody is there."""
    if headless or json or not _terminal():
        return None

    def ask(seen: Listing) -> bool:
        before = "has changed since you trusted it" if seen.latest else "can do this on your machine"
        explain(f"what is in this repository {before}:")
        show(seen, sys.stderr)
        return _agrees()

    return ask


def say_standing(trust: Trust) -> None:
    """Say at the start of a run what it goes by; where there is nothing, nothing."""
    from workbench.core.trust.words import standing

    if trust.count:
        explain(*standing(trust))


def say_withheld(withheld: Sequence[str], file: str) -> None:
    """Say what of the repository's settings file does not count, if anything, and what to do about it."""
    from workbench.core.protection import left_out

    if words := left_out(withheld, file):
        explain(words, WITHHELD_HINT)


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _agrees() -> bool:
    print(QUESTION, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _recorded(seen: Listing) -> str:
    from workbench.core.trust.words import sentence

    assert seen.trusted is not None
    return sentence(seen.trusted, time.strftime("%Y-%m-%d %H:%M", time.localtime(seen.trusted.at)))


def _data(seen: Listing) -> dict[str, object]:
    from workbench.core.trust.items import CAN

    items = [
        item.model_dump(mode="json") | {"can": CAN[item.kind], "news": seen.news.of(item)}
        for item in seen.items
    ]
    trusted = seen.trusted.model_dump(mode="json", exclude={"items"}) if seen.trusted else None
    gone = [item.model_dump(mode="json") for item in seen.news.gone]
    return {"commit": seen.commit, "sha256": seen.sha256, "trusted": trusted, "items": items, "gone": gone}
