"""What was found in a repository, as values, and what was decided about it."""

# Annotations are not postponed here: see core.models.

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Literal

from workbench.core.models import Value


class Kind(StrEnum):
    """What a thing is, by what it can do."""

    SETTINGS = "settings"
    INSTRUCTIONS = "instructions"
    SKILL = "skill"
    SERVERS = "servers"
    HOOK = "hook"
    CONFIG = "git-config"
    ATTRIBUTES = "attributes"
    SUBMODULES = "submodules"
    COMMAND = "command"


CAN = {
    Kind.SETTINGS: "its hooks are programs that Claude Code starts outside the sandbox; permissions too",
    Kind.INSTRUCTIONS: "text that every Claude Code here takes as its instructions",
    Kind.SKILL: "text that steers Claude Code when it is used, and may have it run commands",
    Kind.SERVERS: "programs that Claude Code starts; workbench never loads them for a teammate",
    Kind.HOOK: "a program that git runs on commits, checkouts and the like",
    Kind.CONFIG: "a setting of this repository's git that names a program, or where more settings are",
    Kind.ATTRIBUTES: "says for which files git runs filters and drivers of its configuration",
    Kind.SUBMODULES: "where git fetches more code from",
    Kind.COMMAND: "a command or permission that this repository's settings file gives to workbench",
}  # fmt: skip
"""What each kind can do, for a person who is to decide."""


class Item(Value):
    """One thing: ``name`` is its path or key, ``why`` a phrase that says what stands there."""

    kind: Kind
    name: str
    sha256: str
    why: str = ""

    @property
    def known_by(self) -> tuple[str, str]:
        """What stays the same when its content changes."""
        return (self.kind, self.name)


def digest(items: Iterable[Item]) -> str:
    """The hash (hex) that stands for a whole list, in whatever order it came."""
    each = sorted(f"{item.kind}\0{item.name}\0{item.sha256}\n" for item in items)
    return sha256("".join(each).encode("utf-8", "surrogateescape")).hexdigest()


class Decision(Value):
    """Somebody's word that a list is trusted: the list, its hash, who and when (Unix seconds)."""

    sha256: str
    by: str
    at: float
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """How a list differs from the one that was trusted last; all of it is new where none was."""

    added: frozenset[tuple[str, str]]
    changed: frozenset[tuple[str, str]]
    gone: tuple[Item, ...]

    def of(self, item: Item) -> Literal["new", "changed", ""]:
        """What an item of the list is."""
        if item.known_by in self.added:
            return "new"
        return "changed" if item.known_by in self.changed else ""


def news(items: Collection[Item], before: Collection[Item]) -> News:
    """What is new, changed and gone since ``before``."""
    old = {item.known_by: item for item in before}
    now = {item.known_by: item for item in items}
    return News(
        frozenset(now.keys() - old.keys()),
        frozenset(key for key in now.keys() & old.keys() if now[key].sha256 != old[key].sha256),
        tuple(item for key, item in old.items() if key not in now),
    )


How = Literal["nothing", "recorded", "asked", "always", "never", "refused", "unasked"]


class Trust(Value):
    """Whether a run loads what the repository says of itself. It holds for what ``commit`` has: an attempt
    that starts from something else is not trusted. ``sha256`` is the hash of the list and ``count`` its
    length; ``how`` says how it was decided, ``by`` by whom. ``watched`` are the files that belong to it and
    are not known by their names: what links and imports lead to."""

    trusted: bool
    commit: str
    sha256: str
    count: int
    how: How
    by: str = ""
    watched: tuple[str, ...] = ()
