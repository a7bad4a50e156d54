"""What a repository holds that runs code or steers agents, who trusts it, and what a run goes by."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from workbench import config
from workbench.adapters import trustfile
from workbench.adapters.git.repository import resolve
from workbench.adapters.git.steering import Found, loose, steering
from workbench.composition.place import Place
from workbench.core.state import RunState
from workbench.core.trust.gitconfig import neutral
from workbench.core.trust.items import Decision, How, Item, Kind, News, Trust, digest, news
from workbench.core.trust.paths import item_of, kind_of
from workbench.errors import SetupError

COMMANDS = {
    "gates": "gate",
    "setup": "set-up",
    "agent": "the agent",
    "claude": "the Claude Code that is started",
    "sandbox": "the sandbox around commands",
    "sandbox_domains": "hosts that commands may reach",
    "sandbox_write": "places that commands may write to",
    "sandbox_read": "secrets that commands may read",
    "gate_network": "the network for gates",
    "policy": "what agents may use",
    "web": "pages that agents may read",
    "env": "variables that agents get",
    "copy_files": "files that agents get",
    "link_files": "files that agents get",
    "worktree_root": "where worktrees stand",
    "on_plan": "plans nobody reads",
    "on_join": "who may join",
    "on_permission": "permissions",
}
"""Settings that run something, or let agents do more, with a phrase that says what."""


LOOSER = ("sandbox", "sandbox_domains", "sandbox_write", "sandbox_read", "gate_network", "policy", "web",
          "env", "claude")  # fmt: skip
"""Settings by which agents may do more; without trust the repository's own word on them does not count."""


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


def restrained(place: Place) -> Place:
    """The place with the defaults where the repository's own file, and nobody else, lets agents do more."""
    _, said = config.from_file(place.root)
    loose_ones = [
        name
        for name in LOOSER
        if name in said
        and name not in place.given
        and config.PREFIX + config.key_of(name).upper() not in os.environ
    ]
    default = {name: config.Settings.model_fields[name].get_default() for name in loose_ones}
    if "policy" in default:  # what it asks about and denies only narrows
        default["policy"] = place.settings.policy.model_copy(update={"allow": (), "defaults": True})
    return replace(place, settings=place.settings.model_copy(update=default))


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
        if name in COMMANDS:
            said = "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            yield Item(
                kind=Kind.COMMAND,
                name=f"{where}: {config.key_of(name)}",
                sha256=sha256(repr(value).encode("utf-8", "surrogateescape")).hexdigest(),
                why=f"{said} ({COMMANDS[name]})",
            )


def _brought(place: Place, known: set[str]) -> Iterator[Item]:
    """What is copied or linked from the user's checkout into worktrees, if it steers agents."""
    for name in (*place.settings.copy_files, *place.settings.link_files):
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
    count = int(first.get("GIT_CONFIG_COUNT", "0"))
    numbered = enumerate(restraint.items(), count)
    found = {"GIT_CONFIG_COUNT": str(count + len(restraint))}
    for number, (name, value) in numbered:
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found
