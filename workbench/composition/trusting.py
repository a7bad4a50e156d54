"""What a repository holds that runs code or steers agents, who trusts it, and what a run goes by."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from workbench import config
from workbench.adapters import trustfile
from workbench.adapters.git import restraint
from workbench.adapters.git.repository import resolve
from workbench.adapters.git.steering import Found, loose, steering
from workbench.composition.holding import Place
from workbench.core.loosening import PROTECTING, RUNNING
from workbench.core.state import RunState
from workbench.core.trust.gitconfig import neutral, numbered
from workbench.core.trust.items import Decision, How, Item, Kind, News, Trust, digest, news
from workbench.core.trust.paths import item_of, kind_of
from workbench.errors import SetupError


@dataclass(frozen=True)
class Listing:
    """What there is at ``commit``, what was trusted of it last, and by whom the whole of it is trusted."""

    commit: str
    items: tuple[Item, ...]
    found: Found
    latest: Decision | None
    trusted: Decision | None

    @property
    def sha256(self) -> str:
        """The hash of the whole list."""
        return digest(self.items)

    @property
    def news(self) -> News:
        """What is other than when somebody trusted it last."""
        return news(self.items, self.latest.items if self.latest else ())


Ask = Callable[[Listing], bool]
"""Asks a person whether they trust what is listed."""


@dataclass(frozen=True)
class Gate:
    """What a run goes by: ``trust`` is for its log, ``restraint`` what git is told where the repository, or
    what an attempt starts from, is not trusted, ``hashes`` what a trusted worktree holds (path: SHA-256)."""

    trust: Trust
    restraint: Mapping[str, str]
    hashes: Mapping[str, str]

    def planted(self, worktree: Path, deep: bool) -> tuple[str, ...]:
        """See ``World.planted``."""
        return loose(worktree, self.hashes, deep=deep)


def file_of(place: Place) -> Path:
    """Where it is kept what the user trusts of this repository."""
    import platformdirs

    return trustfile.place_of(platformdirs.user_state_path("workbench"), place.repository.common_dir)


async def listing(place: Place, commit: str | None = None) -> Listing:
    """All that there is at ``commit`` (HEAD if not given), in git's own folder, and in the settings file."""
    commit = commit or await resolve(place.repository, "HEAD")
    found = await steering(place.repository, commit)
    items = (*found.items, *_commands(place), *_brought(place, {item.name for item in found.items}))
    decisions = trustfile.read(file_of(place))
    whole = digest(items)
    trusted = next((it for it in decisions if it.sha256 == whole), None)
    return Listing(commit, items, found, decisions[0] if decisions else None, trusted)


def record(place: Place, seen: Listing) -> Decision:
    """Trust exactly what is listed."""
    decision = Decision(sha256=seen.sha256, by=user(), at=time.time(), items=seen.items)
    trustfile.add(file_of(place), decision)
    return decision


def revoke(place: Place) -> bool:
    """Trust nothing here any more; whether anything was."""
    return trustfile.clear(file_of(place))


def user() -> str:
    """Who is at the keyboard, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return str(os.getuid())


async def gate(place: Place, commit: str, ask: Ask | None = None) -> Gate:
    """Whether a run that starts from ``commit`` loads what the repository says of itself. ``ask`` is put the
    list where the setting says so and nobody has decided about it; None stands for nobody there."""
    seen = await listing(place, commit)
    how, by = _decided(place, seen, ask)
    trusted = how not in ("never", "refused", "unasked")
    if trusted:
        restraint.release(place.repository.common_dir)
    else:
        restraint.restrain(place.repository.common_dir, seen.found.configured, decided=True)
    trust = Trust(
        trusted=trusted,
        commit=commit,
        sha256=seen.sha256,
        count=len(seen.items),
        how=how,
        by=by,
        watched=seen.found.watched,
    )
    hashes = {item.name: item.sha256 for item in seen.items if item.kind not in (Kind.HOOK, Kind.CONFIG)}
    return Gate(trust, neutral(seen.found.settings), hashes)


async def is_trusted(place: Place) -> bool:
    """Whether somebody has said that what is here now is trusted. Asks nobody."""
    if place.settings.trust != "ask":
        return place.settings.trust == "always"
    return (await listing(place)).trusted is not None


async def let_count(place: Place) -> None:
    """Let hooks and filters of a repository that is trusted count, for git that is run as the user would."""
    if await is_trusted(place):
        restraint.release(place.repository.common_dir)


async def start_of(place: Place, state: RunState) -> str:
    """What the next worktrees of a run that goes on will hold: its integration branch, or its base."""
    try:
        return await resolve(place.repository, state.integration)
    except SetupError:
        return state.base


def _decided(place: Place, seen: Listing, ask: Ask | None) -> tuple[How, str]:
    wanted = place.settings.trust
    if wanted == "never":
        return "never", ""
    if not seen.items:
        return "nothing", ""
    if wanted == "always":
        return "always", user()
    if seen.trusted is not None:
        return "recorded", seen.trusted.by
    if ask is None:
        return "unasked", ""
    if not ask(seen):
        return "refused", user()
    return "asked", record(place, seen).by


def _commands(place: Place) -> Iterator[Item]:
    """What the repository's settings file has workbench run or allow."""
    where, values = config.from_file(place.root)
    for name, value in values.items():
        lets = RUNNING.get(name) or (PROTECTING[name].lets if name in PROTECTING else "")
        if lets:
            said = "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            yield Item(
                kind=Kind.COMMAND,
                name=f"{where}: {config.key_of(name)}",
                sha256=sha256(repr(value).encode("utf-8", "surrogateescape")).hexdigest(),
                why=f"{said} ({lets})",
            )


def _brought(place: Place, known: set[str]) -> Iterator[Item]:
    """What is copied or linked from the user's checkout into worktrees, if it steers agents."""
    for name in (*place.whole.copy_files, *place.whole.link_files):
        top = place.root / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")) if top.is_dir() else []:
            inside = path.relative_to(place.root).as_posix()
            kind = kind_of(inside)
            if kind is None or inside in known or not path.is_file():
                continue
            if (item := item_of(inside, kind, path.read_bytes(), "from your checkout")) is not None:
                yield item


def environment(restraint: Mapping[str, str], first: Mapping[str, str]) -> dict[str, str]:
    """Variables by which a teammate's git goes by ``restraint``, and by the settings that the variables
    ``first`` hold already."""
    return numbered(restraint, int(first.get("GIT_CONFIG_COUNT", "0")))
